"""Changes of networks that reach their hosts: attach and detach, ranges, DNS, and what goes with a deletion."""

from collections.abc import Iterable
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from console.cascade import Edge, Effect, Plan, before_delete, declare, get_or_refuse, named
from console.errors import InvalidArgument, Refusal, check_all
from console.models import Operation
from console.resources import update_row
from hosts.models import Cluster, Host, LeftoverKind, Zone
from hosts.realise import Thing, carried, keep, leave_behind, owing, realise
from hosts.states import target_of
from networks import services
from networks.addresses import AddressError, range_from_cidr
from networks.hostnet import networks_of
from networks.models import AddressUse, IpRange, L2Network, L3Network

declare(
    Edge(Zone, L2Network, lambda uuids: L2Network.objects.filter(zone__in=uuids)),
    Edge(Cluster, L2Network, lambda uuids: L2Network.objects.filter(clusters__in=uuids).distinct(), Effect.DETACHED),
    Edge(L2Network, L3Network, lambda uuids: L3Network.objects.filter(l2_network__in=uuids)),
    Edge(L3Network, IpRange, lambda uuids: IpRange.objects.filter(l3_network__in=uuids)),
)


def _clusters_of(l3: L3Network) -> frozenset[str]:
    return frozenset(Cluster.objects.filter(l2_networks=l3.l2_network_id).values_list("pk", flat=True))


def _networks_of_plan(plan: Plan) -> Iterable[Thing]:
    for l3 in plan.rows(L3Network):
        yield LeftoverKind.NETWORK, l3.pk, _clusters_of(l3)
    if isinstance(plan.root, IpRange):
        yield from _without_range(plan.root)


def _without_range(row: IpRange) -> Iterable[Thing]:
    """A network without any range has no gateway, so hosts do not carry it."""
    if not row.l3_network.ip_ranges.exclude(pk=row.pk).exists():
        yield LeftoverKind.NETWORK, row.l3_network_id, _clusters_of(row.l3_network)


def _networks_of_host(host: Host) -> Iterable[tuple[LeftoverKind, str]]:
    return [(LeftoverKind.NETWORK, l3.pk) for l3 in networks_of(host)]


@before_delete
def end_uses(plan: Plan, user: AbstractBaseUser | None) -> list[Operation]:
    """Addresses of networks that go are nobody's any more."""
    gone = [l3.pk for l3 in plan.rows(L3Network)]
    AddressUse.objects.filter(l3_uuid__in=gone).end()
    return []


owing.append(_networks_of_plan)
carried.append(_networks_of_host)


# L2 ---------------------------------------------------------------------------------------------------------


def attach_l2(*, uuid: str, cluster_uuid: str, user: AbstractBaseUser | None = None) -> list[Operation]:
    """Carry an L2 in a cluster; its connected hosts get its networks now, the others when they connect."""
    l2 = get_or_refuse(L2Network, uuid, "l2NetworkUuid")
    cluster = get_or_refuse(Cluster, cluster_uuid, "clusterUuid")
    with transaction.atomic():
        Cluster.objects.select_for_update().get(pk=cluster.pk)
        services.attach_l2(l2=l2, cluster=cluster)
        for l3 in l2.l3_networks.all():
            keep(LeftoverKind.NETWORK, l3.pk, [cluster.pk])
        return realise([cluster.pk], f"L2 {l2.name} attached", user)


def detach_l2(*, uuid: str, cluster_uuid: str, user: AbstractBaseUser | None = None) -> list[Operation]:
    """Take an L2 from a cluster. Refused while VMs that run or migrate there use it; detached already is success."""
    l2 = get_or_refuse(L2Network, uuid, "l2NetworkUuid")
    cluster = get_or_refuse(Cluster, cluster_uuid, "clusterUuid")
    with transaction.atomic():
        l3s = list(L3Network.objects.select_for_update().filter(l2_network=l2).order_by("pk"))
        there = Q(nics__vm__host__cluster=cluster) | Q(nics__vm__target_host__cluster=cluster)
        rows = L3Network.objects.filter(there, l2_network=l2)
        if names := list(rows.values_list("nics__vm__name", flat=True).distinct()):
            raise Refusal(
                f"L2 {l2.name} cannot be detached from cluster {cluster.name}: VMs there use it: {named(names)}"
            )
        l2.clusters.remove(cluster)
        things = [(LeftoverKind.NETWORK, l3.pk, frozenset([cluster.pk])) for l3 in l3s]
        return realise(leave_behind(things), f"L2 {l2.name} detached", user)


def update_l2(*, uuid: str, name: str, description: str | None = None) -> None:
    """Name and description; interface and VLAN are what hosts were made with."""
    update_row(get_or_refuse(L2Network, uuid), name=name, description=description)


# L3 ---------------------------------------------------------------------------------------------------------


def change_l3_state(*, uuid: str, event: str) -> L3Network:
    """A disabled L3 takes no new VMs; existing ones can still be stopped, started and deleted (semantics §8.4)."""
    state = target_of(event)
    l3: L3Network = get_or_refuse(L3Network, uuid)
    L3Network.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return l3


def update_l3(
    *,
    uuid: str,
    name: str,
    dns: Iterable[str],
    description: str | None = None,
    dns_domain: str | None = None,
    user: AbstractBaseUser | None = None,
) -> list[Operation]:
    """Name, domain and DNS servers; hosts are told when what they carry has changed."""
    l3: L3Network = get_or_refuse(L3Network, uuid)
    servers = list(dict.fromkeys(dns))
    check_all(lambda: services.check_domain(dns_domain), *(partial(services.check_dns, server) for server in servers))
    with transaction.atomic():
        update_row(l3, name=name, description=description, dns=servers, dns_domain=dns_domain or None)
        if (l3.dns, l3.dns_domain or None) == (servers, dns_domain or None):
            return []
        return realise(_clusters_of(l3), f"DNS of network {name} changed", user)


def add_range(
    *, l3_uuid: str, values: dict[str, str], resource_uuid: str | None = None, user: AbstractBaseUser | None = None
) -> tuple[IpRange, list[Operation]]:
    """Add addresses, as a CIDR (`cidr`) or as start, end, netmask and gateway; `name` is the range's own."""
    l3: L3Network = get_or_refuse(L3Network, l3_uuid, "l3NetworkUuid")
    given = dict(values)
    if cidr := given.pop("cidr", ""):
        try:
            text = range_from_cidr(cidr)
        except AddressError as error:
            raise InvalidArgument(str(error), field="networkCidr") from error
        given |= {field: getattr(text, field) for field in ("start_ip", "end_ip", "netmask", "gateway")}
    with transaction.atomic():
        row = services.add_ip_range(l3=l3, resource_uuid=resource_uuid, **given)
        clusters = _clusters_of(l3)
        keep(LeftoverKind.NETWORK, l3.pk, clusters)
        first = l3.ip_ranges.count() == 1
        # More addresses of a network that hosts carry already change nothing there.
        return row, realise(clusters, f"network {l3.name} has addresses", user) if first else []
