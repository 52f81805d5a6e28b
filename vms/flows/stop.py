"""Stop a VM, and start it again where it is: stop and reboot (semantics §2.6, §9.3, §9.4)."""

from contextlib import suppress

from django.utils import timezone

from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.errors import DomainNotFound
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisors import on_host
from hosts.models import Host
from vms.config import STOP_GRACE
from vms.flows.settle import LEFT, Begin, rest
from vms.flows.steps import DefineDomain, Running, StartDomain, the_vm
from vms.life import REBOOT, STOP, Asked, reboot_vm, stop_vm
from vms.models import VmInstance
from vms.states import VmState

#: seconds between two requests to shut down: a guest that is just booting does not hear the first ones
ASK_EVERY = 5.0


class EndGuest(Step):
    """Ask the guest to shut down, and switch it off when its time is over; with `force` at once."""

    name = "end"
    label = "Shut the guest down"
    deadline = 780

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        for host in places(vm):
            with on_host(ctx, host) as hypervisor:
                if not (ctx.arguments.get("force") or shut_down(ctx, hypervisor, vm.uuid)):
                    ctx.note(f"It did not shut down within {STOP_GRACE.get()} s and was switched off")
                hypervisor.destroy_domain(vm.uuid)


def places(vm: VmInstance) -> list[Host]:
    """Where it may be: the host it is placed on, and a second one when a migration was never seen to end."""
    return [host for host in (vm.host, vm.target_host) if host]


def shut_down(ctx: StepContext, hypervisor: Hypervisor, uuid: str) -> bool:
    """Ask again and again until the guest is off; False when its time is over. Counts from the step's first try."""
    grace = STOP_GRACE.get()
    asked = float("-inf")

    def elapsed() -> float:
        return (timezone.now() - (ctx.step.started or timezone.now())).total_seconds()

    def ended() -> bool:
        nonlocal asked
        if not hypervisor.domain_state(uuid).active or elapsed() >= grace:
            return True
        if elapsed() - asked >= ASK_EVERY:
            asked = elapsed()
            _ask(hypervisor, uuid)
        return False

    ctx.wait(ended)
    return not hypervisor.domain_state(uuid).active


def _ask(hypervisor: Hypervisor, uuid: str) -> None:
    # It may have ended just now, and somebody has removed its definition as well.
    with suppress(DomainNotFound):
        hypervisor.shutdown_domain(uuid)


class Stopped(Step):
    """Record that it is off, and remove what it needed on the host, which becomes its last one."""

    name = "stopped"
    label = "Release the host"

    def run(self, ctx: StepContext) -> None:
        rest(ctx, the_vm(ctx), VmState.STOPPED, None)


register(
    Flow(
        STOP,
        "Stop VM",
        (Begin(VmState.STOPPING), EndGuest(), Stopped()),
        code="VM.1002",
        left=LEFT,
        cancelling="It stops at its next step. A guest that was asked to shut down may still do so and go off later; "
        "one that has ended stays off.",
        permission="vms.change_vminstance",
        again=lambda earlier, user, key: stop_vm(
            earlier.subject_uuid, Asked(user=user, key=key), force=earlier.arguments["force"]
        ),
    ),
    Flow(
        REBOOT,
        "Reboot VM",
        (Begin(VmState.REBOOTING), EndGuest(), DefineDomain(), StartDomain(), Running()),
        code="VM.1003",
        left=LEFT,
        cancelling="It stops at its next step. A guest that has ended by then is not started again, and its VM is "
        "Stopped; one that was asked to shut down may still do so.",
        permission="vms.change_vminstance",
        again=lambda earlier, user, key: reboot_vm(earlier.subject_uuid, Asked(user=user, key=key)),
    ),
)
