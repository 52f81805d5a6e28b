"""NICs of VMs: addresses and MACs are given once and stay until the VM is destroyed (chapter, VM Nic Inventory)."""

from random import Random

from django.db import IntegrityError, transaction

from console.errors import Failure, InvalidArgument, NoAddress
from networks import ipam
from networks.guest import new_mac
from networks.models import AddressUse, L3Network, UsedIp
from networks.vips import required, why_not
from vms.models import Eip, PortForwardingRule, VmInstance, VmNic
from vms.systemtags import STATIC_IP, static_ips_of

MAC_TRIES = 5


def create_nic(vm: VmInstance, l3: L3Network, device_id: int, rng: Random, ip: str | None = None) -> VmNic:
    """A NIC with an address of its own, `ip` if that was asked for, and a MAC nobody else has (semantics §2.1).

    Five tries for the MAC, then VM.1009. Raises NoAddress, and InvalidArgument when `ip` cannot be had.
    """
    used = required(l3, ip, "systemTags") if ip else ipam.allocate(l3, rng)
    for _ in range(MAC_TRIES):
        mac = new_mac(device_id, l3.pk == vm.default_l3_network_id, rng)
        try:
            with transaction.atomic():
                nic = VmNic.objects.create(
                    vm=vm,
                    l3_network=l3,
                    used_ip=used,
                    device_id=device_id,
                    mac=mac,
                    ip=used.ip,
                    netmask=used.netmask,
                    gateway=used.gateway,
                    internal_name=f"vnic{vm.internal_id}.{device_id}",
                )
        except IntegrityError:
            continue
        _begin_use(nic, l3)
        return nic
    raise Failure(f"No free MAC address was found in {MAC_TRIES} tries", code="VM.1009")


def keep_address(nic: VmNic, ip: str) -> bool:
    """Record the address that a NIC has already; False when no range of its network has it, or somebody else."""
    l3 = nic.l3_network
    used = ipam.take(l3, ip) if l3 else None
    if l3 is None or used is None:
        return False
    nic.used_ip, nic.ip, nic.netmask, nic.gateway = used, used.ip, used.netmask, used.gateway
    nic.save(update_fields=["used_ip", "ip", "netmask", "gateway"])
    _begin_use(nic, l3)
    return True


def _begin_use(nic: VmNic, l3: L3Network) -> None:
    """From now on the address is this NIC's, in the history too."""
    AddressUse.objects.begin(
        l3_uuid=l3.pk, l3_name=l3.name, ip=nic.ip or "", mac=nic.mac, owner_uuid=nic.vm_id, owner_name=nic.vm.name
    )


def _end_use(nic: VmNic) -> None:
    AddressUse.objects.filter(owner_uuid=nic.vm_id, mac=nic.mac).end()


def release_addresses(vm: VmInstance) -> None:
    """Give the addresses back and remove the NICs."""
    for nic in vm.nics.select_related("used_ip"):
        used = nic.used_ip
        _remove(nic)
        if used:
            used.delete()


def _remove(nic: VmNic) -> None:
    """What leads to it outlives it, and leads to nothing from now on (semantics §8.9)."""
    _end_use(nic)
    for model in (Eip, PortForwardingRule):
        model.objects.filter(nic=nic).update(nic=None)
    nic.delete()


def mend_nics(vm: VmInstance, rng: Random) -> None:
    """Before a start: NICs whose network is gone go, those whose address is gone get another (semantics §9.3).

    One with a tag has the address of its tag, or the VM does not start. When the default network is gone, that of the
    first NIC takes its place. Must run in a transaction; raises NoAddress.
    """
    for gone in vm.nics.filter(l3_network=None):
        _remove(gone)
    nics = list(vm.nics.select_related("l3_network", "used_ip", "vm").order_by("device_id"))
    wanted = static_ips_of(vm.pk)
    for nic in nics:
        l3 = nic.l3_network
        if l3 and l3.pk in wanted:
            _keep_promise(nic, l3, wanted[l3.pk])
        elif l3 and _is_lost(nic.used_ip):
            _readdress(nic, l3, ipam.allocate(l3, rng))
    if nics and vm.default_l3_network_id not in {nic.l3_network_id for nic in nics}:
        _become_default(vm, nics[0], rng)


def _keep_promise(nic: VmNic, l3: L3Network, ip: str) -> None:
    """The address of its tag. Raises NoAddress naming the tag."""
    try:
        readdress(nic, l3, ip)
    except InvalidArgument as problem:
        raise NoAddress(_broken(nic, l3, ip, problem.details)) from problem


def broken_promises(vm: VmInstance) -> list[str]:
    """What `mend_nics` would say now of addresses that its tags ask for and that cannot be had; takes none."""
    wanted = static_ips_of(vm.pk)
    found = []
    nics = vm.nics.filter(l3_network__in=wanted).select_related("l3_network", "used_ip", "vm").order_by("device_id")
    for nic in nics:
        l3, ip = nic.l3_network, wanted[str(nic.l3_network_id)]
        if l3 and not _has(nic, ip) and (problem := why_not(l3, ip, former=nic.used_ip)):
            found.append(_broken(nic, l3, ip, problem))
    return found


def _broken(nic: VmNic, l3: L3Network, ip: str, problem: str) -> str:
    tag = STATIC_IP.render(l3=l3.pk, ip=ip)
    return (
        f"VM {nic.vm.name} is to have {ip} on network {l3.name}, by its tag {tag}, and cannot: "
        f"{problem.rstrip('.')}. Without the tag it starts with another address"
    )


def readdress(nic: VmNic, l3: L3Network, ip: str) -> None:
    """Another address, this very one. Must run in a transaction; raises InvalidArgument saying who has it."""
    if _has(nic, ip):
        return
    former = nic.used_ip
    if former and former.ip == ip:
        # Its range is gone; another one may have the address now, and it is no longer in that one's way.
        former.delete()
        nic.used_ip = None
    _readdress(nic, l3, required(l3, ip, "systemTags"))


def _has(nic: VmNic, ip: str) -> bool:
    return nic.ip == ip and not _is_lost(nic.used_ip)


def _is_lost(used: UsedIp | None) -> bool:
    """An address whose range is gone means nothing on its network any more."""
    return used is None or used.ip_range_id is None


def _readdress(nic: VmNic, l3: L3Network, used: UsedIp) -> None:
    former = nic.used_ip
    _end_use(nic)
    nic.used_ip, nic.ip, nic.netmask, nic.gateway = used, used.ip, used.netmask, used.gateway
    nic.save(update_fields=["used_ip", "ip", "netmask", "gateway"])
    _begin_use(nic, l3)
    if former:
        former.delete()


def _become_default(vm: VmInstance, nic: VmNic, rng: Random) -> None:
    """DHCP tells by the MAC which NIC is the default one, so it changes with it."""
    VmInstance.objects.filter(pk=vm.pk).update(default_l3_network=nic.l3_network)
    vm.default_l3_network = nic.l3_network
    mac = new_mac(nic.device_id, True, rng)
    AddressUse.objects.filter(owner_uuid=vm.pk, mac=nic.mac, until=None).update(mac=mac)
    VmNic.objects.filter(pk=nic.pk).update(mac=mac)
