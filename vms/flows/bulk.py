"""One action on many VMs: each is accepted as an operation of its own, and the parent ends when all of them have."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from console.errors import PartsFailed, Refusal, WrongState
from console.models import Operation, Status
from console.operations.children import end_children
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import once, submit
from console.textual import counted, lacking
from vms.actions import ACTIONS, Action, Wish, accepting
from vms.models import VmInstance
from vms.states import VmState

BULK = "vm.bulk"
#: VMs of one bulk at most
MOST = 2000
#: so many answers are kept at once; after a worker's death those since are asked again under the same keys
KEPT = 20
#: seconds after which the worker is set free to work on the children
PATIENCE = 2.0


def begin(
    action: Action, targets: Sequence[str], user: AbstractBaseUser | None, key: str | None, options: Mapping[str, str]
) -> Operation:
    """Accept a bulk over the uuids `targets`; nothing is asked of them before a worker comes."""
    arguments = {"action": action.name, "options": dict(options), "targets": list(targets)}

    def accept() -> Operation:
        title = f"{action.label} {counted(len(targets), 'VM')}"
        nothing = ("", "", "")
        return submit(
            kind=BULK, title=title, subject=nothing, locks=(), arguments=arguments, user=user, idempotency_key=key
        )

    return once(key, accept)


def accept_one(parent: Operation, action: Action, uuid: str) -> dict[str, Any]:
    """{"name", "outcome": accepted, already or refused} and "operation" or "why"."""
    vm = VmInstance.objects.filter(pk=uuid).first()
    name = vm.name if vm else uuid
    if vm and VmState(vm.state) in action.done:
        return {"name": name, "outcome": "already", "why": f"The VM is already {action.already}."}
    user: Any = parent.created_by
    if user is not None and not user.has_perm(action.permission):
        return {"name": name, "outcome": "refused", "why": lacking(action.permission)}
    options = parent.arguments["options"]
    wish = Wish(uuid=uuid, user=user, key=f"{parent.pk}.{uuid}", parent=parent, options=options)
    try:
        child = accepting()[action.name](wish)
    except Refusal as refusal:
        return {"name": name, "outcome": "refused", "why": refusal.details or refusal.description}
    if child is None:
        return {"name": name, "outcome": "already", "why": "There was nothing to do."}
    return {"name": name, "outcome": "accepted", "operation": child.pk}


class AcceptEach(Step):
    """Accept the action for one VM after the other; a refused one keeps none of the others."""

    name = "accept"
    label = "Accept each"
    deadline = 1800

    def run(self, ctx: StepContext) -> None:
        action = next(one for one in ACTIONS if one.name == ctx.arguments["action"])
        targets = ctx.arguments["targets"]
        results = dict(ctx.data.get("results", {}))
        rest = [uuid for uuid in targets if uuid not in results]
        for uuid in rest:
            ctx.interrupt()
            ctx.check()
            # An earlier worker may have accepted it already: its own state would then speak against it.
            earlier = Operation.objects.filter(idempotency_key=f"{ctx.operation.pk}.{uuid}").first()
            results[uuid] = (
                {"name": earlier.subject_name, "outcome": "accepted", "operation": earlier.pk}
                if earlier
                else accept_one(ctx.operation, action, uuid)
            )
            if len(results) % KEPT == 0 or len(results) == len(targets):
                ctx.remember(results=results)
                ctx.progress(len(results), len(targets))
        ctx.note(summary(results))

    def undo(self, ctx: StepContext) -> None:
        """Those already accepted go back on their own; a child that has ended stays as it is."""
        end_children(ctx, PATIENCE)


def summary(results: Mapping[str, Mapping[str, Any]]) -> str:
    """ "7 accepted, 2 already, 1 refused"."""
    outcomes = [result["outcome"] for result in results.values()]
    counts = {outcome: outcomes.count(outcome) for outcome in ("accepted", "already", "refused")}
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)


class WaitForAll(Step):
    """Wait until every child has ended."""

    name = "wait"
    label = "Wait for all of them"
    deadline = 24 * 3600

    def run(self, ctx: StepContext) -> None:
        children = ctx.operation.children
        total = children.count()

        def ended() -> bool:
            ctx.progress(total - children.open().count(), total)
            return not children.open().exists()

        ctx.wait(ended, interval=0.5, patience=PATIENCE)
        failed = list(children.exclude(status=Status.SUCCEEDED).order_by("subject_name"))
        if failed:
            names = ", ".join(child.subject_name for child in failed[:5])
            more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
            raise PartsFailed(f"{len(failed)} of {total} did not succeed: {names}{more}")


def begin_again(earlier: Operation, user: AbstractBaseUser | None, key: str) -> Operation:
    """One new bulk over the VMs whose own operations did not succeed."""
    action = next(one for one in ACTIONS if one.name == earlier.arguments["action"])
    failed = earlier.children.exclude(status=Status.SUCCEEDED).order_by("subject_name", "pk")
    targets = list(failed.values_list("subject_uuid", flat=True))
    if not targets:
        raise WrongState("None of its parts has failed: those that were refused can be asked for from the list of VMs")
    return begin(action, targets, user, key, earlier.arguments["options"])


register(
    Flow(
        BULK,
        "Bulk action",
        (AcceptEach(), WaitForAll()),
        again=begin_again,
        cancelling="No more of them are begun; those under way are cancelled, each goes back on its own.",
        retrying="Retry the failed ones",
        left="Parts that succeeded stay done; each of the others has taken back its own.",
    )
)
