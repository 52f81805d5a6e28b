"""Writes of zones and clusters, and what goes with them (semantics §1.4, §8.1)."""

from console.cascade import Edge, Effect, declare, get_or_refuse
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.models import Cluster, Host, HypervisorType, ImageStore, PrimaryStorage, Zone

declare(
    Edge(Zone, Cluster, lambda uuids: Cluster.objects.filter(zone__in=uuids)),
    Edge(
        Zone,
        PrimaryStorage,
        lambda uuids: PrimaryStorage.objects.filter(zone__in=uuids),
        detail="its folder stays",
    ),
    Edge(Zone, ImageStore, lambda uuids: ImageStore.objects.filter(zones__in=uuids).distinct(), Effect.DETACHED),
    Edge(Cluster, Host, lambda uuids: Host.objects.filter(cluster__in=uuids)),
    Edge(
        Cluster,
        PrimaryStorage,
        lambda uuids: PrimaryStorage.objects.filter(clusters__in=uuids).distinct(),
        Effect.DETACHED,
    ),
)


def create_zone(*, name: str, description: str | None = None, resource_uuid: str | None = None) -> Zone:
    check_new(Zone, name=name, description=description, resource_uuid=resource_uuid)
    zone = Zone(uuid=resource_uuid or new_uuid(), name=name, description=description)
    insert(zone)
    return zone


def update_zone(*, uuid: str, name: str, description: str | None = None) -> None:
    update_row(get_or_refuse(Zone, uuid), name=name, description=description)


def create_cluster(
    *, name: str, zone_uuid: str, description: str | None = None, resource_uuid: str | None = None
) -> Cluster:
    check_new(Cluster, name=name, description=description, resource_uuid=resource_uuid)
    cluster = Cluster(
        uuid=resource_uuid or new_uuid(),
        name=name,
        description=description,
        zone=get_or_refuse(Zone, zone_uuid, "zoneUuid"),
        hypervisor_type=HypervisorType.KVM,
    )
    insert(cluster)
    return cluster


def update_cluster(*, uuid: str, name: str, description: str | None = None) -> None:
    """Name and description; a cluster stays in its zone."""
    update_row(get_or_refuse(Cluster, uuid), name=name, description=description)


def update_host(*, uuid: str, name: str, description: str | None = None) -> None:
    """Name and description; where it is and how it is reached was proven by its handshake."""
    update_row(get_or_refuse(Host, uuid), name=name, description=description)
