"""Writes of VIPs (semantics §8.9): each takes an address like that of a NIC, and gives it back when it goes."""

from random import Random, SystemRandom

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from console.cascade import Edge, Plan, before_delete, declare, get_or_refuse
from console.errors import InvalidArgument
from console.models import Enablement, Operation
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.states import target_of
from networks import ipam
from networks.addresses import AddressError, IpStrategy, required_address
from networks.models import AddressUse, IpRange, L3Network, UsedIp, Vip, VipUse

declare(
    Edge(L3Network, Vip, lambda uuids: Vip.objects.filter(l3_network__in=uuids)),
    Edge(IpRange, Vip, lambda uuids: Vip.objects.filter(used_ip__ip_range__in=uuids)),
)


@before_delete
def give_addresses_back(plan: Plan, user: AbstractBaseUser | None) -> list[Operation]:
    """Addresses go with their VIPs."""
    gone = [vip.pk for vip in plan.rows(Vip)]
    AddressUse.objects.filter(owner_uuid__in=gone).end()
    UsedIp.objects.filter(vip__in=gone).delete()
    return []


def create_vip(
    *,
    name: str,
    l3_network_uuid: str,
    required_ip: str | None = None,
    allocator_strategy: str | None = None,
    description: str | None = None,
    resource_uuid: str | None = None,
    rng: Random | None = None,
) -> Vip:
    """Take exactly the required address, or a free one by the strategy. Raises NoAddress when none is left."""
    check_new(Vip, name=name, description=description, resource_uuid=resource_uuid)
    strategy = _strategy(allocator_strategy)
    l3: L3Network = get_or_refuse(L3Network, l3_network_uuid, "l3NetworkUuid")
    with transaction.atomic():
        get_or_refuse(L3Network, l3.pk, "l3NetworkUuid", lock=True)
        used = required(l3, required_ip) if required_ip else ipam.allocate(l3, rng or SystemRandom(), strategy)
        vip = Vip(
            uuid=resource_uuid or new_uuid(),
            name=name,
            description=description or None,
            l3_network=l3,
            used_ip=used,
            ip=used.ip,
            netmask=used.netmask,
            gateway=used.gateway,
        )
        insert(vip)
        AddressUse.objects.begin(
            l3_uuid=l3.pk, l3_name=l3.name, ip=vip.ip, owner_type="Vip", owner_uuid=vip.pk, owner_name=vip.name
        )
    return vip


def _strategy(text: str | None) -> IpStrategy:
    try:
        return IpStrategy(text or IpStrategy.RANDOM)
    except ValueError:
        known = " or ".join(IpStrategy)
        raise InvalidArgument(
            f"allocatorStrategy must be {known}; {text!r} is not", field="allocatorStrategy"
        ) from None


def required(l3: L3Network, ip: str, field: str = "requiredIp") -> UsedIp:
    """This very address. Raises InvalidArgument at `field` naming the ranges, or who has it."""
    if problem := _outside(l3, ip):
        raise InvalidArgument(problem, field=field)
    if used := ipam.take(l3, ip):
        return used
    raise InvalidArgument(_taken(l3, ip) or f"{ip} of network {l3.name} is taken by somebody else", field=field)


def why_not(l3: L3Network, ip: str, *, former: UsedIp | None = None) -> str:
    """Why an address of a network cannot be had now; empty when it can. Who asks gives `former` back for it."""
    return _outside(l3, ip) or _taken(l3, ip, former)


def _outside(l3: L3Network, ip: str) -> str:
    """Why a text is no address that the network gives out, with its ranges; empty when it is one."""
    try:
        required_address(ip, [ipam.address_range(row) for row in l3.ip_ranges.all()], ())
    except AddressError as error:
        return str(error)
    return ""


def _taken(l3: L3Network, ip: str, former: UsedIp | None = None) -> str:
    holder = UsedIp.objects.filter(l3_network=l3, ip=ip).first()
    return f"{ip} of network {l3.name} is taken by {holder_of(holder)}" if holder and holder != former else ""


def holder_of(used: UsedIp) -> str:
    """Who has an address that is taken; NICs are an app's above this one."""
    if vip := Vip.objects.filter(used_ip=used).first():
        return f"VIP {vip.name}"
    nic = getattr(used, "nic", None)
    return f"VM {nic.vm.name}" if nic else "nobody that is known; see the recovery page"


def update_vip(*, uuid: str, name: str, description: str | None = None) -> None:
    """Its name and description; another address is another VIP."""
    update_row(get_or_refuse(Vip, uuid), name=name, description=description)


def change_vip_state(*, uuid: str, event: str) -> Vip:
    """A disabled VIP takes no new service; those on it stay as they are."""
    state = target_of(event)
    vip: Vip = get_or_refuse(Vip, uuid)
    Vip.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return vip


def claim(uuid: str, use: VipUse) -> Vip:
    """Take a VIP for one more service of a kind, in the transaction that makes it: one kind at a time.

    The row is locked from here on, so what is on the VIP can be read and relied on.
    """
    vip: Vip = get_or_refuse(Vip, uuid, "vipUuid")
    free = Vip.objects.filter(Q(use_for=None) | Q(use_for=use), pk=uuid, state=Enablement.ENABLED)
    if free.update(use_for=use):
        return vip
    vip = vip.reload()
    if vip.state != Enablement.ENABLED:
        raise InvalidArgument(f"VIP {vip.name} ({vip.ip}) is {vip.state}", field="vipUuid")
    carries = VipUse(str(vip.use_for)).label
    raise InvalidArgument(
        f"VIP {vip.name} ({vip.ip}) is used for {carries} already, and carries one kind of service at a time",
        field="vipUuid",
    )
