"""Reads for the pages of VMs: everything a page shows, in a constant number of statements."""

from collections.abc import Collection, Iterable

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.db.models.functions import Lower
from django.utils import timezone

from console.models import Operation, ResourceLock, Tag, TagType
from console.models.operation import OPEN
from hosts.models import Heard, HostStatus
from networks.models import AddressUse
from vms.bulk import Belongings, Subject
from vms.completeness import why_incomplete
from vms.models import PortForwardingRule, VmChange, VmInstance, VmNic, Volume, VolumeStatus, VolumeType
from vms.states import VmState
from vms.systemtags import HOSTNAME

RECENT_OPERATIONS = 20
RECENT_CHANGES = 200
#: causes of changes that were seen, and not made
OBSERVED = frozenset(map(str, Heard))


def for_lines(rows: QuerySet[VmInstance]) -> QuerySet[VmInstance]:
    """VMs with what one line of a list shows."""
    nics = Prefetch("nics", VmNic.objects.order_by("device_id"))
    return rows.select_related("host__pulse", "last_host__pulse", "cluster", "image").prefetch_related(nics)


def for_page() -> QuerySet[VmInstance]:
    """VMs with what the page of one shows."""
    nics = VmNic.objects.select_related("l3_network", "l3_network__l2_network", "eip__vip").order_by("device_id")
    volumes = Volume.objects.select_related("primary_storage").order_by("device_id")
    return VmInstance.objects.select_related(
        "zone", "cluster", "host__pulse", "last_host__pulse", "image", "instance_offering", "default_l3_network"
    ).prefetch_related(Prefetch("nics", nics), Prefetch("volumes", volumes))


def with_services(nics: Iterable[VmNic]) -> list[VmNic]:
    """NICs with what leads to them and the groups they are in."""
    found = list(nics)
    rules = Prefetch("port_forwarding_rules", PortForwardingRule.objects.select_related("vip"))
    prefetch_related_objects(found, rules, "security_groups")
    return found


def open_operations(vms: Iterable[VmInstance]) -> dict[str, Operation]:
    """The open operation of each VM that has one, by the VM's uuid."""
    uuids = [vm.uuid for vm in vms]
    rows = Operation.objects.lines().filter(subject_uuid__in=uuids, status__in=OPEN)
    return {operation.subject_uuid: operation for operation in rows}


def holder_of(uuid: str) -> Operation | None:
    """The operation that works on a VM now."""
    lock = ResourceLock.objects.filter(pk=uuid).select_related("operation").first()
    return lock.operation if lock else None


def subjects(rows: QuerySet[VmInstance]) -> list[Subject]:
    """VMs by name, as forecasts of a bulk action need them."""
    columns = ("name", "state", "root_volume", "host__name", "host__status")
    vms = list(rows.select_related("host").order_by("name", "pk").only(*columns))
    locks = ResourceLock.objects.filter(resource_uuid__in=[vm.pk for vm in vms])
    held = locks.values_list("resource_uuid", "operation_id", "operation__title")
    holders = {vm: (operation, title) for vm, operation, title in held}
    incomplete = _incomplete([vm for vm in vms if vm.state == VmState.STOPPED])
    return [
        Subject(
            vm.pk,
            vm.name,
            VmState(vm.state),
            vm.host.name if vm.host else "",
            holders.get(vm.pk),
            incomplete.get(vm.pk, ""),
            vm.host_id or "",
            vm.host.status.lower() if vm.host and vm.host.status != HostStatus.CONNECTED else "",
        )
        for vm in vms
    ]


def _incomplete(stopped: list[VmInstance]) -> dict[str, str]:
    """Why VMs that could be started cannot start from what they have; at most one statement."""
    if not stopped:
        return {}
    unmade: dict[str | None, list[Volume]] = {}
    for volume in Volume.objects.filter(vm__in=[vm.pk for vm in stopped]).exclude(status=VolumeStatus.READY):
        unmade.setdefault(volume.vm_id, []).append(volume)
    return {vm.pk: why_incomplete(vm, unmade.get(vm.pk, ())) for vm in stopped}


def belongings(vms: Collection[str]) -> dict[str, Belongings]:
    """What hangs on each of the VMs; two statements."""
    found: dict[str, Belongings] = dict.fromkeys(vms, Belongings())
    nics = VmNic.objects.filter(vm__in=vms).exclude(ip=None).order_by("device_id")
    for vm, ip in nics.values_list("vm_id", "ip"):
        found[vm] += Belongings(addresses=(str(ip),))
    volumes = Volume.objects.filter(vm__in=vms, type=VolumeType.DATA).order_by("device_id")
    for vm, name, size in volumes.values_list("vm_id", "name", "size"):
        found[vm] += Belongings(volumes=((name, size),))
    return found


def operations_of(uuid: str) -> list[Operation]:
    """The latest operations on a VM, newest first."""
    return list(Operation.objects.about(uuid).lines()[:RECENT_OPERATIONS])


def history_of(uuid: str) -> list[VmChange]:
    """The latest changes of a VM's state and place, newest first.

    `lasted` of each is how long it held, or holds so far, `came_from` the change before one that took it off its host.
    """
    rows = list(VmChange.objects.filter(vm_uuid=uuid)[:RECENT_CHANGES])
    for row, after, before in zip(rows, [None, *rows], [*rows[1:], None], strict=False):
        row.lasted = (after.at if after else timezone.now()) - row.at  # type: ignore[attr-defined]
        row.came_from = before if before and before.host_uuid and not row.host_uuid else None  # type: ignore[attr-defined]
    return rows


def ended_outside(vm: VmInstance) -> VmChange | None:
    """The change by which a VM was seen to have ended without an operation; None where Corral stopped it."""
    if vm.state != VmState.STOPPED or vm.state_cause not in OBSERVED:
        return None
    return VmChange.objects.filter(vm_uuid=vm.pk).first()


def known_before(vm: VmInstance) -> VmChange | None:
    """What was last known of a VM of unknown state."""
    return VmChange.objects.filter(vm_uuid=vm.pk).exclude(state=VmState.UNKNOWN).first()


def addresses_of(uuid: str) -> QuerySet[AddressUse]:
    """The addresses a VM has and had, newest first."""
    return AddressUse.objects.filter(owner_uuid=uuid)[:RECENT_CHANGES]


def placement_of(uuid: str) -> Operation | None:
    """The latest operation on a VM that had to choose a host."""
    return Operation.objects.about(uuid).filter(report__isnull=False).first()


def taken_hostnames(l3_uuid: str, l3_name: str, hostnames: Iterable[str], *, except_keys: str = "") -> dict[str, str]:
    """Which of the hostnames another VM has on the network, with a sentence that says which; DNS ignores case.

    `except_keys` begins the idempotency keys of operations whose VMs do not count.
    """
    wanted = {HOSTNAME.render(hostname=name).lower(): name for name in hostnames}
    tags = Tag.objects.annotate(lower=Lower("tag")).filter(
        type=TagType.SYSTEM, resource_type="VmInstanceVO", lower__in=list(wanted)
    )
    holders = {tag.resource_uuid: wanted[tag.tag.lower()] for tag in tags}
    nics = VmNic.objects.filter(l3_network=l3_uuid, vm__in=list(holders)).select_related("vm")
    if except_keys and holders:
        own = Operation.objects.filter(idempotency_key__startswith=except_keys).values("subject_uuid")
        nics = nics.exclude(vm__in=own)
    return {
        holders[nic.vm_id]: f"{holders[nic.vm_id]} is taken on network {l3_name} by VM {nic.vm.name} ({nic.ip})."
        for nic in nics
    }
