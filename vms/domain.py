"""What a VM is on a host: from its records to a DomainSpec. All policy about domains is here."""

from django.db.models import Q, QuerySet

from console.globalconfig import read
from hosts.hypervisor.spec import DhcpHost, DiskSpec, DomainSpec, Emulation, NicSpec
from hosts.models import Host
from networks.guest import GuestNic, dhcp_entries
from vms.config import CACHE_MODE, CACHES, CONSOLE_MODE, CPU_MODE, HIDE_KVM, HYPER_V, NIC_QUEUES, VIDEO
from vms.models import Platform, VmInstance, VmNic, Volume, VolumeType
from vms.systemtags import HOSTNAME

#: where the host keeps what a guest says on its serial line; the folder is libvirt's own for such logs
SERIAL_LOG = "/var/log/libvirt/qemu/{uuid}-serial.log"

#: what libvirt and the kernel's control groups take, both generations of them
LEAST_SHARES, MOST_SHARES = 2, 10_000

HARDWARE = (CACHE_MODE, CPU_MODE, CONSOLE_MODE, VIDEO, NIC_QUEUES, HYPER_V, HIDE_KVM)

#: disk bus, letter prefix of its devices and NIC model, by whether the guest speaks virtio
DEVICES = {True: ("virtio", "vd", "virtio"), False: ("sata", "sd", "e1000e")}


def domain_spec(vm: VmInstance, host: Host) -> DomainSpec:
    """The whole domain of a VM placed on `host`, with the hardware that the global configurations say now."""
    platform = platform_of(vm)
    cache, cpu, console, video, queues, hyper_v, hide_kvm = read(*HARDWARE)
    bus, prefix, model = DEVICES[platform.virtio]
    return DomainSpec(
        uuid=vm.uuid,
        title=vm.name,
        description=vm.description or "",
        vcpus=vm.cpu_num,
        memory=vm.memory_size,
        cpu_shares=min(max(vm.cpu_num * vm.cpu_speed, LEAST_SHARES), MOST_SHARES),
        emulation=Emulation(host.emulation or Emulation.QEMU),
        clock="localtime" if platform is Platform.WINDOWS else "utc",
        passthrough=cpu == "host-passthrough",
        hyper_v=hyper_v,
        hide_kvm=hide_kvm,
        console=console,
        video=video,
        disks=tuple(_disk(volume, bus, prefix, CACHES[cache]) for volume in vm.volumes.order_by("device_id")),
        nics=tuple(_nic(nic, model, min(queues, vm.cpu_num)) for nic in vm.nics.order_by("device_id")),
        serial_log=SERIAL_LOG.format(uuid=vm.uuid),
        metadata=(("internalId", str(vm.internal_id)),),
    )


def platform_of(vm: VmInstance) -> Platform:
    """What the guest has drivers for: by its image, or by what was chosen when it was adopted."""
    return Platform(vm.image.platform if vm.image else vm.platform or Platform.LINUX)


def device_name(volume: Volume, vm: VmInstance) -> str:
    """What the guest calls the disk: vdb."""
    _, prefix, _ = DEVICES[platform_of(vm).virtio]
    return _target(volume, prefix)


def _target(volume: Volume, prefix: str) -> str:
    return prefix + chr(ord("a") + (volume.device_id or 0))


def _disk(volume: Volume, bus: str, prefix: str, cache: str) -> DiskSpec:
    return DiskSpec(
        volume_uuid=volume.uuid,
        pool=volume.primary_storage_id or "",
        volume=volume.volume_name,
        path=volume.install_path or "",
        format=volume.format,
        target=_target(volume, prefix),
        bus=bus,
        boot_order=1 if volume.type == VolumeType.ROOT else None,
        cache=cache,
    )


def _nic(nic: VmNic, model: str, queues: int) -> NicSpec:
    return NicSpec(
        nic_uuid=nic.uuid,
        network=nic.l3_network_id or "",
        mac=nic.mac,
        device_name=nic.internal_name,
        model=model,
        queues=queues,
    )


def leases(vm: VmInstance) -> dict[str, DhcpHost]:
    """L3 uuid -> the lease of this VM's NIC there; only the default L3 gives a hostname."""
    return {str(nic.l3_network_id): lease for nic, lease in _leases(vm.nics.all())}


def leases_on(host: Host, l3_uuid: str) -> tuple[DhcpHost, ...]:
    """The leases of every VM placed on a host, or on its way there, in one network, in two statements."""
    nics = VmNic.objects.filter(Q(vm__host=host) | Q(vm__target_host=host), l3_network=l3_uuid)
    return tuple(lease for _, lease in _leases(nics))


def _leases(nics: QuerySet[VmNic]) -> list[tuple[VmNic, DhcpHost]]:
    """NICs whose network or address is gone have no lease."""
    rows = list(
        nics.filter(l3_network__isnull=False, ip__isnull=False).select_related("vm").order_by("vm", "device_id")
    )
    hostnames = HOSTNAME.read_all({nic.vm_id for nic in rows})
    return [(nic, _lease(nic, hostnames.get(nic.vm_id, {}).get("hostname"))) for nic in rows]


def _lease(nic: VmNic, hostname: str | None) -> DhcpHost:
    (entry,) = dhcp_entries([guest_nic(nic)], hostname)
    return DhcpHost(mac=entry.mac, ip=entry.ip, hostname=entry.hostname)


def guest_nic(nic: VmNic) -> GuestNic:
    """A NIC with an address as the guest's network view wants it."""
    return GuestNic(
        device_id=nic.device_id,
        mac=nic.mac,
        ip=nic.ip or "",
        netmask=nic.netmask or "",
        gateway=nic.gateway or "",
        is_default=nic.l3_network_id == nic.vm.default_l3_network_id,
    )
