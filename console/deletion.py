"""Deleting what guests hang on: they are stopped or destroyed first, as operations of their own (semantics §1.3, §1.4).

Permissive: the first guest that does not end ends the deletion, which says which. Enforcing: the record goes; guests on
hosts that do not answer are taken for stopped, and one that cannot be destroyed is asked again before that ends it. A
guest whose own operation somebody cancels ends the deletion in both.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from console import cascade
from console.cascade import Effect, Group, Plan
from console.errors import Busy, Failure, Forbidden, Refusal, WrongState
from console.models import Operation, ResourceLock, Status
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import cancel, submit
from console.permissions import Verb, permission
from console.textual import lacking

KIND = "inventory.delete"
LEFT = "It is still there; guests that have ended already stay so."
PERMISSIVE, ENFORCING = "Permissive", "Enforcing"
#: what somebody has to be allowed to do to rows that come first
VERBS: Mapping[Effect, Verb] = {Effect.STOPPED: "change", Effect.DESTROYED: "delete"}
#: how often one guest is asked to end: others may start it again while the deletion waits for the rest
MOST_TRIES = 3
#: where a deletion remembers the failed operations after which a guest was taken for ended
FORCED = "forced"
#: seconds a worker waits for guests before it does something else meanwhile
PATIENCE = 3.0


def delete(root: Any, user: AbstractBaseUser | None = None, mode: str = PERMISSIVE) -> list[Operation]:
    """Delete a row: at once, or by an operation when guests have to end first. Raises Refusal, Forbidden and Busy."""
    plan = cascade.plan_of(root)
    if not plan.first:
        return cascade.delete(root, user)
    if sentence := plan.refusal():
        raise Refusal(sentence, code="SYS.1004")
    if sentence := why_not_theirs(plan, user):
        raise Forbidden(sentence)
    meta = root._meta
    with transaction.atomic():
        operation = submit(
            kind=KIND,
            title=f"Delete {meta.verbose_name} {root}"[:300],
            subject=(meta.object_name, root.pk, str(root)[:255]),
            locks=[root.pk],
            arguments={"model": meta.label, "mode": mode},
            user=user,
        )
    return [operation]


def why_not_theirs(plan: Plan, user: AbstractBaseUser | AnonymousUser | None) -> str:
    """Why somebody may not end the guests in the way of a deletion; empty when they may. Corral itself may."""
    needed = dict.fromkeys(permission(group.model, VERBS[group.effect]) for group in plan.first)
    missing = [name for name in needed if user is not None and not user.has_perm(name)]  # type: ignore[union-attr]
    return lacking(*missing) if missing else ""


def _root(ctx: StepContext) -> Any:
    return apps.get_model(ctx.arguments["model"])._default_manager.filter(pk=ctx.subject).first()


@dataclass(frozen=True)
class Look:
    """One look at what is still to end: the plan, what was asked of each row, and what others work on."""

    plan: Plan
    tries: Mapping[str, Sequence[Operation]]
    locked: set[str]


def _look(ctx: StepContext, root: Any) -> Look:
    """The operations first: a row whose operation had succeeded by then, and that is in the plan, has come back."""
    tries: dict[str, list[Operation]] = {}
    for child in ctx.operation.children.order_by("create_date", "pk"):
        tries.setdefault((child.idempotency_key or "").rpartition(":")[0], []).append(child)
    plan = cascade.plan_of(root)
    uuids = [row.pk for group in plan.first for row in group.rows]
    return Look(plan, tries, set(ResourceLock.objects.filter(pk__in=uuids).values_list("pk", flat=True)))


class EndGuests(Step):
    """Stop or destroy, by operations of their own, what runs on what goes."""

    name = "guests"
    label = "End the guests"
    deadline = 4 * 3600

    def run(self, ctx: StepContext) -> None:
        ctx.wait(lambda: self._ended(ctx), interval=0.5, patience=PATIENCE)

    def undo(self, ctx: StepContext) -> None:
        """Guests that have ended stay so (semantics §1.3), those being ended end, and all others are let be."""
        for child in ctx.operation.children.open().filter(started=None):
            with suppress(WrongState):  # a worker was quicker
                cancel(child)

    def _ended(self, ctx: StepContext) -> bool:
        root = _root(ctx)
        if root is None:
            return True
        look = _look(ctx, root)
        left = [(group, row) for group in look.plan.first for row in group.rows]
        for group, row in left:
            self._consider(ctx, look, group, row)
        if left:
            ctx.note(f"Waiting for {cascade.named([row for _, row in left])}")
        return not left

    def _consider(self, ctx: StepContext, look: Look, group: Group, row: Any) -> None:
        """Ask it to end: first, and again when it has ended and is back; what failed is given up, or forced."""
        key = f"{ctx.operation.pk}:{row.pk}:{group.effect.name}"
        tries = look.tries.get(key, ())
        last = tries[-1] if tries else None
        if last and last.is_open:
            return
        stuck = last if last and last.status != Status.SUCCEEDED and last.pk not in ctx.data.get(FORCED, []) else None
        if stuck and not self._worth_another(ctx, group, tries):
            self._failed(ctx, look, group, row, stuck)
        elif len(tries) == MOST_TRIES:
            raise Failure(f"{row} was {group.effect.participle} {MOST_TRIES} times, and is back each time")
        else:
            self._accept(ctx, group, row, f"{key}:{len(tries)}")

    def _worth_another(self, ctx: StepContext, group: Group, tries: Sequence[Operation]) -> bool:
        """Where nothing may be taken for done, and errors are not to count: it is asked again some times."""
        asked_for = ctx.arguments["mode"] == ENFORCING and tries[-1].status == Status.FAILED
        return asked_for and cascade.how_first(group).force is None and len(tries) < MOST_TRIES

    def _failed(self, ctx: StepContext, look: Look, group: Group, row: Any, last: Operation) -> None:
        """Raises Failure where that is the end: somebody said no, errors count, or nothing can be taken for done."""
        if last.status == Status.CANCELLED:
            raise Failure(f"{row} could not be {group.effect.participle}: “{last.title}” was cancelled")
        force = cascade.how_first(group).force
        if force is None or ctx.arguments["mode"] != ENFORCING:
            raise Failure(f"{row} could not be {group.effect.participle}: {(last.error or {}).get('details', '')}")
        if row.pk in look.locked:
            return  # whoever works on it may yet find out what is true
        with ctx.fenced():
            if force(row, look.plan):
                ctx.remember(**{FORCED: [*ctx.data.get(FORCED, []), last.pk]})

    def _accept(self, ctx: StepContext, group: Group, row: Any, key: str) -> None:
        """Fenced: a worker that was lost meanwhile ends no guest under an operation that has gone on."""
        user = ctx.operation.created_by
        ctx.interrupt()
        ctx.check()
        try:
            with ctx.fenced():
                cascade.how_first(group).accept(row, user, key, ctx.operation, ctx.arguments["mode"])
        except Busy as busy:
            ctx.note(busy.details)  # tried again until it is free
        except Refusal as refusal:
            raise Failure(f"{row} could not be {group.effect.participle}: {refusal.details}") from refusal


class DeleteRows(Step):
    """Delete it, with all that goes with it."""

    name = "rows"
    label = "Delete the records"

    def run(self, ctx: StepContext) -> None:
        root = _root(ctx)
        if root is None:
            return
        try:
            with ctx.fenced():
                cascade.delete(root, ctx.operation.created_by, own=ctx.operation.pk)
        except Refusal as refusal:
            raise Failure(refusal.details) from refusal


register(
    Flow(
        KIND,
        "Delete",
        (EndGuests(), DeleteRows()),
        code="SYS.1004",
        left=LEFT,
        cancelling="No more guests are ended; those whose end has begun go on, and guests that have ended stay so. "
        "What was to be deleted is still there.",
    )
)
