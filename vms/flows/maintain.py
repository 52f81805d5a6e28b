"""Enter maintenance: every VM of a host migrates away, some at a time, then the host is out of service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.dispatch import receiver

from console.advice import HOSTS, Remedy
from console.advice import register as register_remedies
from console.errors import Busy, Cancelled, Failure, Refusal, WrongState
from console.globalconfig import LANE_LIMIT
from console.models import Operation, ResourceLock, Status
from console.operations import doorbell, signals
from console.operations.children import end_children
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.allocation.reasons import in_words
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisors import on_host
from hosts.models import Host, HostState, HostStatus
from vms.config import EVACUATION_DEGREE, IGNORE_STUCK
from vms.evacuation import Reason, Stand, by_reason, cannot, some_of, stand
from vms.life import MIGRATE, Asked, migrate_vm
from vms.maintenance import MAINTAIN, enter, guests_of
from vms.models import IgnoredDomain, VmInstance
from vms.states import VmState

#: how often one VM is tried
MOST_TRIES = 2
#: seconds a worker waits for migrations before it does something else meanwhile
PATIENCE = 3.0
#: VMs that are refused at one look before the rest waits: each costs a look at all hosts, and what moves may change it
PROBES = 5


class CannotLeave(Failure):
    """Something on the host cannot be moved away."""

    def __init__(self, gist: str, reasons: Sequence[Reason] = ()) -> None:
        """`gist` is what is the matter in a sentence; where VMs have reasons, pages list them all below it."""
        data: dict[str, Any] = {"gist": gist, "reasons": [one.as_data() for one in reasons]} if reasons else {}
        super().__init__(f"{gist} {some_of([one.sentence for one in reasons], '; ')}".strip(), **data)


register_remedies(
    {
        "CannotLeave": Remedy(
            "Something on the host cannot go elsewhere. It was left as it is.",
            "What it is, why, and the numbers stand above; each migration that was tried has a page of its own.",
            "Make room, connect or enable another host, stop what may stop, or adopt what nobody recorded; then try"
            " again. What has moved stays where it is.",
            *HOSTS,
        )
    }
)


def at_a_time() -> int:
    """How many migrations are begun at a time: more than one host may work on would only wait, with room reserved."""
    return min(EVACUATION_DEGREE.get(), LANE_LIMIT.get())


def the_host(ctx: StepContext) -> Host:
    """The host while it is on its way. Raises Cancelled when somebody enabled or disabled it meanwhile."""
    host = Host.objects.filter(pk=ctx.subject).first()
    if host is None:
        raise Failure(f"The record of host {ctx.operation.subject_name} is gone")
    if host.state not in (HostState.PRE_MAINTENANCE, HostState.MAINTENANCE):
        raise Cancelled(f"Host {host.name} was made {in_words(host.state)} while it was on its way into maintenance")
    return host


class Begin(Step):
    """The host takes no new VMs from the acceptance on; undone, it is what it was."""

    name = "record"
    label = "See that nothing foreign runs there"

    def run(self, ctx: StepContext) -> None:
        """What nobody can move is said before anything has moved."""
        host = the_host(ctx)
        if host.status != HostStatus.CONNECTED:
            ctx.note(f"The host is {in_words(host.status)} and was not asked")
            return
        with on_host(ctx, host) as hypervisor:
            active = _active(hypervisor)
        known = VmInstance.objects.in_bulk(list(active))
        _refuse(ctx, host, [name for uuid, name in active.items() if uuid not in known])

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            Host.objects.filter(pk=ctx.subject, state=HostState.PRE_MAINTENANCE).update(state=ctx.arguments["was"])
        ctx.leave(_left(ctx))


def _left(ctx: StepContext) -> str:
    """What a maintenance that did not come about leaves behind, by the records."""
    host = Host.objects.filter(pk=ctx.subject).first()
    if host is None:
        return "The record of the host is gone."
    stays = f"Host {host.name} is {in_words(host.state)}{', as before' if host.state == ctx.arguments['was'] else ''}"
    moved = ctx.operation.children.filter(status=Status.SUCCEEDED).values("subject_uuid").distinct().count()
    if not moved:
        return f"{stays}; no VM has moved."
    return f"{stays}; {moved} VM{' has' if moved == 1 else 's have'} moved and stay{'s' if moved == 1 else ''} there."


@dataclass
class Look:
    """One look at what is still there: how many migrations are `moving`, who waits, who is stuck and why."""

    limit: int
    locked: set[str]
    tries: Mapping[str, Sequence[Operation]]
    moving: int
    waiting: list[str] = field(default_factory=list)
    stuck: list[tuple[VmInstance, str]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return self.moving >= self.limit or (self.moving > 0 and len(self.stuck) >= PROBES)


class Evacuate(Step):
    """Migrate what runs there, each VM by an operation of its own; those that come meanwhile go as well."""

    name = "evacuate"
    label = "Move the VMs away"
    deadline = 24 * 3600

    def run(self, ctx: StepContext) -> None:
        ctx.wait(lambda: self._empty(ctx), interval=0.5, patience=PATIENCE)

    def undo(self, ctx: StepContext) -> None:
        """Moves that are under way are taken back; VMs that have moved stay where they are."""
        end_children(ctx, PATIENCE)

    def _empty(self, ctx: StepContext) -> bool:
        host = the_host(ctx)
        # The VMs first: when none is left, every migration that brought one away is among the children.
        vms = list(guests_of(ctx.subject))
        children = list(ctx.operation.children.order_by("create_date", "pk").only("status", "subject_uuid", "error"))
        look = Look(
            limit=at_a_time(),
            locked=set(ResourceLock.objects.filter(pk__in=[vm.pk for vm in vms]).values_list("pk", flat=True)),
            tries=_by_vm(children),
            moving=sum(child.is_open for child in children),
        )
        for vm in vms:
            self._consider(ctx, vm, look)
        # What has moved is told first: it is the last word beside the step when the rest cannot go.
        _tell(ctx, sum(child.status == Status.SUCCEEDED for child in children), len(vms), look.waiting)
        if look.stuck and not (look.waiting or look.moving):
            _object(ctx, _stuck(host, look.stuck))
            return True
        return not vms

    def _consider(self, ctx: StepContext, vm: VmInstance, look: Look) -> None:
        tries, state = look.tries.get(vm.pk, ()), VmState(vm.state)
        if tries and tries[-1].is_open:
            return
        match stand(state, held=vm.pk in look.locked):
            case Stand.WAITS:
                look.waiting.append(vm.name)
            case Stand.STUCK:
                look.stuck.append((vm, cannot(state)))
            case Stand.GOES if why := _given_up(tries):
                look.stuck.append((vm, why))
            case Stand.GOES if look.full:
                look.waiting.append(vm.name)
            case Stand.GOES:
                self._move(ctx, vm, len(tries), look)

    def _move(self, ctx: StepContext, vm: VmInstance, number: int, look: Look) -> None:
        """Fenced: a worker that was lost meanwhile begins no migration under an operation that has gone on."""
        ctx.check()
        asked = Asked(user=ctx.operation.created_by, key=f"{ctx.operation.pk}:{vm.pk}:{number}", parent=ctx.operation)
        try:
            with ctx.fenced():
                migrate_vm(vm.pk, asked)
        except (Busy, WrongState):
            look.waiting.append(vm.name)  # it has just begun something, or ended
        except Refusal as refusal:
            look.stuck.append((vm, refusal.details or refusal.description))
        else:
            look.moving += 1


def _by_vm(children: Sequence[Operation]) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for child in children:
        found.setdefault(child.subject_uuid, []).append(child)
    return found


def _given_up(tries: Sequence[Operation]) -> str:
    """Why a VM is not tried once more; empty when it is."""
    if not tries:
        return ""
    last = tries[-1]
    if last.status == Status.CANCELLED:
        return "its migration was cancelled"
    if len(tries) < MOST_TRIES:
        return ""
    why = (last.error or {}).get("details") or "it came back"
    return f"{len(tries)} migrations did not bring it away, the last one: {why}"


def _tell(ctx: StepContext, moved: int, left: int, waiting: Sequence[str]) -> None:
    if not moved + left:
        return
    ctx.progress(moved, moved + left)
    text = f"{moved} moved, {left} to go" + (f"; waiting: {some_of(waiting)}" if waiting else "")
    if text != ctx.step.note:
        ctx.note(text)


def _stuck(host: Host, stuck: Sequence[tuple[VmInstance, str]]) -> CannotLeave:
    """None of those that are left can go: nothing moves, and nothing is waited for."""
    what = f"The {len(stuck)} VMs" if len(stuck) > 1 else "The last VM"
    return CannotLeave(f"{what} left on {host.name} cannot leave it.", by_reason(stuck))


class Leave(Step):
    """Nothing is active there, by the host's own word; then it is out of service."""

    name = "maintenance"
    label = "Take it out of service"

    def run(self, ctx: StepContext) -> None:
        host = the_host(ctx)
        if host.status == HostStatus.CONNECTED:
            with on_host(ctx, host) as hypervisor:
                _refuse(ctx, host, list(_active(hypervisor).values()))
        else:
            # Those that could not leave, and were to be ignored.
            there = guests_of(host.pk).count()
            recorded = "1 VM is" if there == 1 else f"{there or 'no'} VMs are"
            ctx.note(f"The host is {in_words(host.status)} and was not asked; {recorded} recorded there")
        with ctx.fenced():
            Host.objects.filter(pk=host.pk, state=HostState.PRE_MAINTENANCE).update(state=HostState.MAINTENANCE)
        the_host(ctx)

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            Host.objects.filter(pk=ctx.subject, state=HostState.MAINTENANCE).update(state=HostState.PRE_MAINTENANCE)


def _active(hypervisor: Hypervisor) -> dict[str, str]:
    """Uuid -> name of what is active there, but for strangers that somebody said to ignore."""
    listing = hypervisor.domains().values()
    ignored = IgnoredDomain.objects.in_bulk([info.uuid for info in listing])
    return {info.uuid: info.name for info in listing if info.state.active and info.uuid not in ignored}


def _object(ctx: StepContext, objection: CannotLeave) -> None:
    """Raises it, unless that is to be ignored: then it is told beside the step."""
    if not IGNORE_STUCK.get():
        raise objection
    ctx.note(f"Ignored: {objection}")


def _refuse(ctx: StepContext, host: Host, names: Sequence[str]) -> None:
    if names:
        what = "domain runs" if len(names) == 1 else "domains run"
        said = f"{len(names)} {what} on {host.name} that Corral does not move: {some_of(sorted(names))}"
        _object(ctx, CannotLeave(said))


@receiver(signals.ended)
def go_on(sender: Any, *, operation: str, **more: Any) -> None:
    """A migration has ended: the next one begins now, and not when its parent looks again."""
    parents = Operation.objects.open().filter(kind=MAINTAIN, children__pk=operation, children__kind=MIGRATE)
    for uuid in parents.filter(lease_until=None).values_list("pk", flat=True):
        doorbell.ring(uuid)


register(
    Flow(
        MAINTAIN,
        "Enter maintenance",
        (Begin(), Evacuate(), Leave()),
        code="HOST.1001",
        permission="hosts.change_host",
        again=lambda earlier, user, key: enter(earlier.subject_uuid, Asked(user=user, key=key)),
        cancelling="No more VMs leave the host. Migrations under way are cancelled and waited for; then the host is "
        "what it was before. VMs that have moved stay where they are.",
        left="VMs that have moved stay where they are.",
    )
)
