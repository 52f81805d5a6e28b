"""Deleting what guests hang on: they are stopped or destroyed first, as operations of their own (semantics §1.3, §1.4).

Permissive: the first guest that does not end ends the deletion, which says which. Enforcing: the record goes; guests on
hosts that do not answer are taken for what the deletion wanted of them.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from console import cascade
from console.cascade import Group, Plan
from console.errors import Busy, Failure, Refusal
from console.models import Operation, Status
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import accepted, submit

KIND = "inventory.delete"
LEFT = "It is still there; guests that have ended already stay so."
PERMISSIVE, ENFORCING = "Permissive", "Enforcing"
#: seconds a worker waits for guests before it does something else meanwhile
PATIENCE = 3.0


def delete(root: Any, user: AbstractBaseUser | None = None, mode: str = PERMISSIVE) -> list[Operation]:
    """Delete a row: at once, or by an operation when guests have to end first. Raises Refusal and Busy."""
    plan = cascade.plan_of(root)
    if not plan.first:
        return cascade.delete(root, user)
    if sentence := plan.refusal():
        raise Refusal(sentence, code="SYS.1004")
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


def _root(ctx: StepContext) -> Any:
    return apps.get_model(ctx.arguments["model"])._default_manager.filter(pk=ctx.subject).first()


class EndGuests(Step):
    """Stop or destroy, by operations of their own, what runs on what goes."""

    name = "guests"
    label = "End the guests"
    deadline = 4 * 3600

    def run(self, ctx: StepContext) -> None:
        ctx.wait(lambda: self._ended(ctx), interval=0.5, patience=PATIENCE)

    def undo(self, ctx: StepContext) -> None:
        """Guests that have ended stay so (semantics §1.3); those whose turn has not come yet are left alone."""

    def _ended(self, ctx: StepContext) -> bool:
        root = _root(ctx)
        if root is None:
            return True
        plan = cascade.plan_of(root)
        left = [(group, row) for group in plan.first for row in group.rows]
        waits = [str(row) for group, row in left if not self._over(ctx, plan, group, row)]
        if waits:
            ctx.note(f"Waiting for {cascade.named(waits)}")
        return not waits

    def _over(self, ctx: StepContext, plan: Plan, group: Group, row: Any) -> bool:
        """Whether nothing more is to be waited for; the first look at a row accepts its operation."""
        key = f"{ctx.operation.pk}:{row.pk}:{group.effect.name}"
        earlier = accepted(key)
        if earlier is None:
            return self._accept(ctx, group, row, key)
        if earlier.is_open or earlier.status == Status.SUCCEEDED:
            return False
        if ctx.arguments["mode"] != ENFORCING:
            details = (earlier.error or {}).get("details", "")
            raise Failure(f"{row} could not be {group.effect}: {details}")
        with ctx.fenced():
            cascade.how_first(group).force(row, plan)
        return False

    def _accept(self, ctx: StepContext, group: Group, row: Any, key: str) -> bool:
        user = ctx.operation.created_by
        ctx.check()
        try:
            cascade.how_first(group).accept(row, user, key, ctx.operation, ctx.arguments["mode"])
        except Busy as busy:
            ctx.note(busy.details)  # tried again until it is free
        except Refusal as refusal:
            raise Failure(f"{row} could not be {group.effect}: {refusal.details}") from refusal
        return False


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


register(Flow(KIND, "Delete", (EndGuests(), DeleteRows()), code="SYS.1004", left=LEFT))
