"""The records held against the simulated hosts: what is lost, doubled or left over, as sentences."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Q, Sum

from console.models import Operation, ResourceLock
from hosts.models import Host, PrimaryStorage
from networks.models import UsedIp
from tests.support.datacenter import Datacenter
from vms.models import CachedImage, VmInstance, VmNic, Volume, VolumeStatus
from vms.states import INTERMEDIATE, VmState


def audit(dc: Datacenter) -> list[str]:
    """What is wrong once all is quiet; empty when records and hosts say the same."""
    checks = (_operations, _states, _domains, _capacity, _room, _addresses, _leases, _files)
    return [sentence for check in checks for sentence in check(dc)]


def _operations(dc: Datacenter) -> Iterator[str]:
    for operation in Operation.objects.open():
        yield f"operation {operation.title} is still {operation.status}"
    for lock in ResourceLock.objects.all():
        yield f"{lock.resource_uuid} is still locked"
    for vm in VmInstance.objects.filter(Q(state__in=INTERMEDIATE) | Q(state=VmState.CREATED)):
        yield f"VM {vm.name} is stuck in {vm.state}"


def _states(dc: Datacenter) -> Iterator[str]:
    """A VM runs on the host it is recorded on and on no other; one that rests runs nowhere."""
    for vm in VmInstance.objects.select_related("host"):
        active = dc.fleet.active_on(vm.pk)
        recorded = [vm.host.name] if vm.state == VmState.RUNNING and vm.host else []
        if active != recorded:
            yield f"VM {vm.name} is {vm.state} on {recorded}, and runs on {active}"
        if vm.state == VmState.UNKNOWN or vm.target_host_id:
            yield f"VM {vm.name} is {vm.state} although its hosts answer"
        if bool(vm.host_id) != (vm.state == VmState.RUNNING):
            yield f"VM {vm.name} is {vm.state} and placed on {vm.host}"


def _domains(dc: Datacenter) -> Iterator[str]:
    for host, domain in dc.fleet.domains():
        if not VmInstance.objects.filter(pk=domain.uuid, host__name=host).exists():
            yield f"{host} has a domain {domain.uuid}, {domain.state}, that is not recorded there"


def _capacity(dc: Datacenter) -> Iterator[str]:
    for host in Host.objects.all():
        held = VmInstance.objects.filter(host=host).aggregate(
            cpu=Sum("cpu_num", default=0), memory=Sum("memory_size", default=0)
        )
        if (host.used_cpu, host.used_memory) != (held["cpu"], held["memory"]):
            yield f"{host.name} has {host.used_cpu} CPUs and {host.used_memory} bytes taken, its VMs have {held}"


def _room(dc: Datacenter) -> Iterator[str]:
    for storage in PrimaryStorage.objects.all():
        volumes = Volume.objects.filter(primary_storage=storage).aggregate(size=Sum("size", default=0))["size"]
        copies = CachedImage.objects.filter(primary_storage=storage).aggregate(size=Sum("size", default=0))["size"]
        if storage.used_capacity != volumes + copies:
            yield f"{storage.name} has {storage.used_capacity} bytes taken, {volumes} by volumes and {copies} by images"


def _addresses(dc: Datacenter) -> Iterator[str]:
    for used in UsedIp.objects.filter(nic=None, vip=None):
        yield f"address {used.ip} is taken by nobody"
    # One whose network is gone has none until its VM starts, and then goes itself.
    on_networks = VmNic.objects.exclude(l3_network=None)
    for nic in on_networks.filter(used_ip=None).exclude(vm__state=VmState.DESTROYED):
        yield f"NIC {nic} has no address"
    for ip, count in Counter(on_networks.values_list("l3_network", "ip")).items():
        if count > 1:
            yield f"address {ip} is given {count} times"


def _leases(dc: Datacenter) -> Iterator[str]:
    """Leases are where the VM is; one left over goes with the next look at its host."""
    for lease in dc.world()["lease"]:
        if not VmNic.objects.filter(mac=lease["mac"], vm__host__name=lease["host"]).exists():
            yield f"{lease['host']} has a lease of {lease['ip']} for nobody there"


def _files(dc: Datacenter) -> Iterator[str]:
    known = {volume.volume_name for volume in Volume.objects.exclude(status=VolumeStatus.NOT_INSTANTIATED)}
    known |= {cached.volume_name for cached in CachedImage.objects.all()}
    for name in dc.files():
        if name not in known:
            yield f"file {name} belongs to nothing"
    for volume in Volume.objects.filter(status=VolumeStatus.READY):
        if volume.volume_name not in dc.files():
            yield f"volume {volume.name} has no file"
