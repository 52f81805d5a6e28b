"""Writes of places and machines."""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from console.errors import InvalidArgument, NotFound, WrongState
from console.models import Enablement, Operation
from console.naming import hostname_problem, new_uuid
from console.operations.services import once, submit
from console.resources import check_new, insert
from console.tagging import NO_TAGS, Given, give
from hosts.address import default_uri, uri_problem
from hosts.allocation.reasons import in_words
from hosts.flows import connect
from hosts.models import Cluster, Host, HostState, HostStatus, Zone
from hosts.states import target_of
from hosts.status import set_status

RESOURCE_TYPE = "HostVO"


def add_host(
    *,
    name: str,
    cluster_uuid: str,
    management_ip: str,
    uri: str | None = None,
    description: str | None = None,
    resource_uuid: str | None = None,
    tags: Given = NO_TAGS,
    user: AbstractBaseUser | None = None,
    idempotency_key: str | None = None,
) -> Operation:
    """Record a host and shake hands with it; the record goes again when the handshake fails."""

    def accept() -> Operation:
        check_new(Host, name=name, description=description, resource_uuid=resource_uuid)
        cluster = Cluster.objects.filter(pk=cluster_uuid).first()
        if cluster is None:
            raise NotFound(f"There is no cluster with uuid {cluster_uuid}", field="clusterUuid")
        host = Host(
            uuid=resource_uuid or new_uuid(),
            name=name,
            description=description,
            cluster=cluster,
            management_ip=management_ip,
            uri=uri or default_uri(management_ip),
            hypervisor_type=cluster.hypervisor_type,
        )
        _check_address(host)
        insert(host, field="managementIp")
        give(RESOURCE_TYPE, host.pk, tags)
        return _submit(connect.ADD, host, f"Add host {name}", user, idempotency_key)

    return once(idempotency_key, accept)


def _check_address(host: Host) -> None:
    """An address or DNS name, and a way to it, that no other host has (semantics §8.2)."""
    if problem := hostname_problem(host.management_ip):
        raise InvalidArgument(f"managementIp: {problem}", field="managementIp")
    if problem := uri_problem(host.uri):
        raise InvalidArgument(problem, field="uri")
    for column, field in (("management_ip", "managementIp"), ("uri", "uri")):
        value = getattr(host, column)
        if twin := Host.objects.filter(**{column: value}).first():
            raise InvalidArgument(f"Host {twin.name} is reached at {value} already", field=field)


def reconnect_host(*, uuid: str, user: AbstractBaseUser | None = None, idempotency_key: str | None = None) -> Operation:
    """Shake hands again; until it is done the host takes no new VMs."""
    host = get_host(uuid)

    def accept() -> Operation:
        set_status(uuid, HostStatus.CONNECTING, "reconnecting")
        return _submit(connect.RECONNECT, host, f"Reconnect host {host.name}", user, idempotency_key)

    return once(idempotency_key, accept)


def _submit(kind: str, host: Host, title: str, user: AbstractBaseUser | None, key: str | None) -> Operation:
    return submit(
        kind=kind,
        title=title,
        subject=(RESOURCE_TYPE, host.uuid, host.name),
        locks=[host.uuid],
        arguments={"uri": host.uri},
        user=user,
        idempotency_key=key,
    )


def get_host(uuid: str) -> Host:
    host = Host.objects.filter(pk=uuid).first()
    if host is None:
        raise NotFound(f"There is no host with uuid {uuid}", field="uuid")
    return host


def change_zone_state(*, uuid: str, event: str) -> Zone:
    """Enable or disable a zone with all its clusters and hosts, which may be changed one by one afterwards."""
    state = target_of(event)
    with transaction.atomic():
        if not Zone.objects.filter(pk=uuid).update(state=state):
            raise NotFound(f"There is no zone with uuid {uuid}", field="uuid")
        clusters = Cluster.objects.filter(zone=uuid).values_list("pk", flat=True)
        Cluster.objects.filter(zone=uuid).update(state=state)
        _change_hosts(clusters, state)
    return Zone.objects.get(pk=uuid)


def change_cluster_state(*, uuid: str, event: str) -> Cluster:
    """Enable or disable a cluster with its hosts."""
    state = target_of(event)
    with transaction.atomic():
        if not Cluster.objects.filter(pk=uuid).update(state=state):
            raise NotFound(f"There is no cluster with uuid {uuid}", field="uuid")
        _change_hosts([uuid], state)
    return Cluster.objects.get(pk=uuid)


def _change_hosts(clusters: Iterable[str], state: Enablement) -> None:
    """Hosts in or on the way to maintenance stay there: leaving it is a decision of its own."""
    hosts = Host.objects.filter(cluster__in=list(clusters), state__in=(HostState.ENABLED, HostState.DISABLED))
    hosts.update(state=state)


def change_host_state(*, uuid: str, event: str, user: AbstractBaseUser | None = None) -> Host:
    """Enable or disable one host; its running VMs stay. On the way into maintenance this takes the way back."""
    host, state = get_host(uuid), target_of(event)
    if host.state == HostState.MAINTENANCE:
        leave_maintenance(uuid=uuid, event=event, user=user)
    elif not Host.objects.filter(pk=uuid, state=host.state).update(state=state):
        raise WrongState(f"Host {host.name} is {get_host(uuid).state} by now")
    return get_host(uuid)


def leave_maintenance(*, uuid: str, event: str = "enable", user: AbstractBaseUser | None = None) -> Operation:
    """Back into service, with a handshake: what the host is may have changed meanwhile (semantics §8.2)."""
    host = get_host(uuid)
    with transaction.atomic():
        if not Host.objects.filter(pk=uuid, state=HostState.MAINTENANCE).update(state=target_of(event)):
            raise WrongState(f"Host {host.name} is {in_words(host.state)} and not in maintenance")
        return reconnect_host(uuid=uuid, user=user)
