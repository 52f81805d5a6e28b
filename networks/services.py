"""Writes of networks."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from console.errors import InvalidArgument, NotFound, check_all
from console.naming import domain_problem, new_uuid
from console.resources import check_new
from hosts.models import Cluster, Zone
from networks.addresses import AddressError, RangeText, ip_number, range_problems
from networks.guest import bridge_problem
from networks.ipam import address_range
from networks.models import IpRange, L2Network, L2Type, L3Network


def create_l2(
    *,
    name: str,
    zone: Zone,
    physical_interface: str = "",
    vlan: int | None = None,
    description: str | None = None,
    resource_uuid: str | None = None,
) -> L2Network:
    """Raises InvalidArgument, e.g. when the bridge's name would be too long for Linux."""
    check_all(
        lambda: check_new(L2Network, name=name, description=description, resource_uuid=resource_uuid),
        lambda: _check_wire(physical_interface, vlan),
    )
    return L2Network.objects.create(
        uuid=resource_uuid or new_uuid(),
        name=name,
        description=description,
        zone=zone,
        type=L2Type.NO_VLAN if vlan is None else L2Type.VLAN,
        physical_interface=physical_interface,
        vlan=vlan,
    )


def _check_wire(physical_interface: str, vlan: int | None) -> None:
    if physical_interface and (problem := bridge_problem(physical_interface, vlan)):
        raise InvalidArgument(problem, field="physicalInterface")
    if vlan is not None and not physical_interface:
        raise InvalidArgument("A VLAN needs a physical interface", field="vlan")


def twins_of(l2: L2Network) -> QuerySet[L2Network]:
    """Other L2 networks of its zone on the same wire: a cluster can carry one of them only (semantics §8.3)."""
    if not l2.physical_interface:
        return L2Network.objects.none()
    same = L2Network.objects.filter(zone=l2.zone_id, physical_interface=l2.physical_interface, vlan=l2.vlan)
    return same.exclude(pk=l2.pk)


def attach_l2(*, l2: L2Network, cluster: Cluster) -> None:
    """Only siblings of one zone attach, and a cluster carries a physical interface and VLAN once (semantics §8.3)."""
    if l2.zone_id != cluster.zone_id:
        raise InvalidArgument(f"L2 {l2.name} and cluster {cluster.name} are in different zones", field="clusterUuid")
    with transaction.atomic():
        Cluster.objects.select_for_update().get(pk=cluster.pk)
        if twin := twins_of(l2).filter(clusters=cluster).first():
            where = l2.physical_interface + ("" if l2.vlan is None else f" VLAN {l2.vlan}")
            text = f"Cluster {cluster.name} has {where} already, as L2 {twin.name}"
            raise InvalidArgument(text, field="l2NetworkUuid")
        l2.clusters.add(cluster)


def create_l3(
    *,
    name: str,
    l2: L2Network,
    dns_domain: str | None = None,
    dns: Iterable[str] = (),
    description: str | None = None,
    resource_uuid: str | None = None,
) -> L3Network:
    """One L3 per L2: its bridge carries one gateway and one DHCP server."""
    servers = list(dns)
    check_all(
        lambda: check_new(L3Network, name=name, description=description, resource_uuid=resource_uuid),
        lambda: check_domain(dns_domain),
        *(partial(check_dns, server) for server in servers),
    )
    with transaction.atomic():
        L2Network.objects.select_for_update().get(pk=l2.pk)
        if other := l2.l3_networks.first():
            raise InvalidArgument(
                f"L2 {l2.name} already carries L3 {other.name}; its bridge has one gateway and one DHCP server. "
                "Make another L2 for this network, on another interface or VLAN",
                field="l2NetworkUuid",
            )
        return L3Network.objects.create(
            uuid=resource_uuid or new_uuid(),
            name=name,
            description=description,
            l2_network=l2,
            dns_domain=dns_domain,
            dns=servers,
        )


def check_domain(domain: str | None) -> None:
    """Raises InvalidArgument for what is no DNS domain; none at all is fine."""
    if domain and (problem := domain_problem(domain)):
        raise InvalidArgument(problem, field="dnsDomain")


def check_dns(server: str) -> None:
    """Raises InvalidArgument for what is no IPv4 address."""
    try:
        ip_number(server)
    except AddressError as error:
        raise InvalidArgument(f"DNS server: {error}", field="dns") from error


#: fields of a range as the chapter spells them
RANGE_FIELDS = {"start_ip": "startIp", "end_ip": "endIp", "netmask": "netmask", "gateway": "gateway"}


def add_ip_range(
    *,
    name: str,
    l3: L3Network,
    start_ip: str,
    end_ip: str,
    netmask: str,
    gateway: str,
    resource_uuid: str | None = None,
) -> IpRange:
    """Raises InvalidArgument naming the field and the rule it breaks (semantics §8.4)."""
    check_new(IpRange, name=name, resource_uuid=resource_uuid)
    text = RangeText(start_ip, end_ip, netmask, gateway)
    with transaction.atomic():
        if not L3Network.objects.select_for_update().filter(pk=l3.pk).exists():
            raise NotFound(f"There is no L3 network with uuid {l3.pk}", field="l3NetworkUuid")
        problems = range_problems(text, [address_range(row) for row in l3.ip_ranges.all()])
        if problems:
            wrong = [InvalidArgument(problem.message, field=RANGE_FIELDS[problem.field]) for problem in problems]
            raise InvalidArgument.together(wrong)
        return IpRange.objects.create(
            uuid=resource_uuid or new_uuid(),
            name=name,
            l3_network=l3,
            start_ip=start_ip,
            end_ip=end_ip,
            netmask=netmask,
            gateway=gateway,
        )
