"""Live migration: the guest moves while it runs, and in the end it is on exactly one host (chapter, Migrate VM)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console.errors import Failure
from console.globalconfig import read
from console.naming import format_size
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.port import Progress
from hosts.hypervisor.spec import MigrationTarget
from hosts.hypervisors import on_host
from hosts.models import Host
from vms.config import AUTO_CONVERGE, MIGRATION_STALL, XBZRLE
from vms.flows.settle import LEFT, Begin, rest
from vms.flows.steps import connect_networks, connections, the_vm, vm_on_host
from vms.life import MIGRATE, Asked, migrate_vm
from vms.models import VmInstance
from vms.states import VmState


@contextmanager
def noting(ctx: StepContext, trouble: type[HypervisorError]) -> Iterator[None]:
    """Let such trouble pass with a note beside the step."""
    try:
        yield
    except trouble as error:
        ctx.note(str(error))


def target_of(vm: VmInstance) -> Host:
    """Raises Failure when the migration has no target any more."""
    if vm.target_host is None:
        raise Failure(f"VM {vm.name} is on its way to no host")
    return vm.target_host


def way_to(target: Host) -> MigrationTarget:
    """Where to, and how by the configurations as they are now."""
    slow_down, differences = read(AUTO_CONVERGE, XBZRLE)
    return MigrationTarget(
        name=target.name, uri=target.uri, address=target.management_ip, slow_down=slow_down, differences=differences
    )


class PrepareTarget(Step):
    """Make the VM's networks run on the target, with its leases, before it arrives."""

    name = "target"
    label = "Prepare the target host"

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        with on_host(ctx, target_of(vm)) as hypervisor:
            connect_networks(hypervisor, vm, target_of(vm))

    def undo(self, ctx: StepContext) -> None:
        """Its leases stay where it has arrived after all; a target that does not answer loses them when it connects."""
        vm = the_vm(ctx)
        if vm.target_host is None:
            return
        with noting(ctx, HostUnreachable), on_host(ctx, vm.target_host) as hypervisor:
            if not hypervisor.domain_state(vm.uuid).active:
                for nic, l3 in connections(vm):
                    hypervisor.remove_dhcp_host(l3.uuid, nic.mac)


class Move(Step):
    """Move the running guest; a worker that comes later joins the migration that is under way."""

    name = "migrate"
    label = "Move the guest"
    deadline = 7200

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            patience = watch(ctx.transferred, ctx.interrupt, MIGRATION_STALL.get())
            hypervisor.migrate_domain(vm.uuid, way_to(target_of(vm)), patience)

    def undo(self, ctx: StepContext) -> None:
        """Of a source that does not answer nothing is known: then the record says so."""
        with noting(ctx, HostUnreachable), vm_on_host(ctx) as (vm, _, hypervisor):
            hypervisor.abort_migration(vm.uuid)


def watch(
    tell: Progress, interrupt: Callable[[], None], stall: float, clock: Callable[[], float] = time.monotonic
) -> Progress:
    """A progress that passes on to `tell`, and raises Failure when the rest has not become less for `stall` seconds.

    While there is nothing to tell yet it only asks `interrupt`, which raises when the migration should go no further.
    """
    least: float = float("inf")
    since = clock()

    def progress(done: int, total: int) -> None:
        nonlocal least, since
        if total:
            tell(done, total)
        else:
            interrupt()
        rest = total - done if total else float("inf")
        if rest < least:
            least, since = rest, clock()
        elif rest and clock() - since > stall:
            raise Failure(_stalled(total, int(rest), stall) if total else f"It did not begin within {stall:.0f} s")

    return progress


def _stalled(total: int, rest: int, stall: float) -> str:
    left = f"{format_size(rest)} of {format_size(total)} are left"
    return (
        f"The migration came no nearer to its end for {stall:.0f} s: {left}, and the guest changes its memory faster"
        " than it is copied"
    )


class Arrived(Step):
    """Record where it runs now, place and capacity together (semantics §2.6), and release the former host."""

    name = "arrived"
    label = "Record the new host"

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        if vm.state == VmState.MIGRATING:
            rest(ctx, vm, VmState.RUNNING, target_of(vm))


register(
    Flow(
        MIGRATE,
        "Migrate VM",
        (Begin(VmState.MIGRATING), PrepareTarget(), Move(), Arrived()),
        code="VM.1008",
        left=LEFT,
        cancelling="The guest goes on running on the host where it is now; what was copied so far is thrown away.",
        permission="vms.migrate_vminstance",
        again=lambda earlier, user, key: migrate_vm(
            earlier.subject_uuid, Asked(user=user, key=key), host=earlier.arguments["hostUuid"]
        ),
    )
)
