"""Hosts are made equal to the records when these change: one operation per host that answers.

What a host still has though its record is gone is written down in the same transaction as the change (`Leftover`), so a
host that does not answer now is cleaned when it connects.
"""

from collections.abc import Callable, Iterable
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Max, OuterRef, Subquery

from console.cascade import Plan, before_delete
from console.chores import chore, turn
from console.models import Operation, ResourceLock, Status
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import once, submit
from hosts.flows.connect import ADD, RECONNECT, Pools, Realise, realisers
from hosts.hypervisor import registry
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisors import on_host
from hosts.models import Host, HostStatus, Leftover, LeftoverKind, PrimaryStorage

REALISE, LEAVE = "host.realise", "host.leave"

#: something on hosts: its kind, its uuid, and the clusters whose hosts have it
Thing = tuple[LeftoverKind, str, frozenset[str]]

#: how a thing is removed from a host; apps above add theirs
removals: dict[LeftoverKind, Callable[[Hypervisor, str], None]] = {
    LeftoverKind.NETWORK: lambda hypervisor, uuid: hypervisor.remove_network(uuid),
    LeftoverKind.POOL: lambda hypervisor, uuid: hypervisor.remove_pool(uuid),
}
#: what goes from the hosts with a deletion; apps above add theirs
owing: list[Callable[[Plan], Iterable[Thing]]] = []
#: what a host has from Corral by the records
carried: list[Callable[[Host], Iterable[tuple[LeftoverKind, str]]]] = []


def realise(clusters: Iterable[str], why: str, user: AbstractBaseUser | None) -> list[Operation]:
    """Bring the connected hosts of clusters up to the records; must run in the transaction that changed these."""
    hosts = Host.objects.filter(cluster__in=list(clusters), status=HostStatus.CONNECTED).order_by("name", "pk")
    return [bring_up_to_date(host, why, user) for host in hosts]


@chore
def clear_leftovers() -> None:
    """What could not be removed from a host that answers is tried again, each set of things once a turn."""
    newest = Leftover.objects.filter(host__status=HostStatus.CONNECTED).values("host").annotate(newest=Max("pk"))
    for row in newest:
        host, key = Host.objects.get(pk=row["host"]), f"leftovers:{row['newest']}:{turn()}"
        once(key, partial(bring_up_to_date, host, "removing what is left over", None, key))


@chore
def realise_again() -> None:
    """A host that answers and was not brought up to date is tried again once a turn: it may have leases too many."""
    tries = Operation.objects.filter(kind__in=(REALISE, ADD, RECONNECT))
    newest = tries.filter(subject_uuid=OuterRef("pk")).order_by("-create_date")
    hosts = Host.objects.filter(status=HostStatus.CONNECTED).annotate(ended=Subquery(newest.values("status")[:1]))
    for host in hosts.filter(ended__in=(Status.FAILED, Status.CANCELLED)):
        key = f"realise:{host.pk}:{turn()}"
        once(key, partial(bring_up_to_date, host, "the last try failed", None, key))


def bring_up_to_date(host: Host, why: str, user: AbstractBaseUser | None = None, key: str | None = None) -> Operation:
    """One host by one operation; must run in a transaction."""
    return submit(
        kind=REALISE,
        title=f"Bring host {host.name} up to date: {why}"[:300],
        subject=("Host", host.uuid, host.name),
        # No lock: several changes may be under way, and each of these operations ends with what the records say then.
        locks=[],
        lane=host.uuid,
        arguments={"why": why},
        user=user,
        idempotency_key=key,
    )


def leave_behind(things: Iterable[Thing], without: Iterable[str] = ()) -> set[str]:
    """Write down what hosts still have; the clusters concerned. Must run in a transaction."""
    found = list(things)
    hosts = Host.objects.exclude(pk__in=list(without)).in_bulk()
    rows = [
        Leftover(host=host, kind=kind, uuid=uuid)
        for kind, uuid, clusters in found
        for host in hosts.values()
        if host.cluster_id in clusters
    ]
    Leftover.objects.bulk_create(rows, ignore_conflicts=True)
    return {row.host.cluster_id for row in rows}


def keep(kind: LeftoverKind, uuid: str, clusters: Iterable[str]) -> None:
    """It is wanted there again."""
    Leftover.objects.filter(kind=kind, uuid=uuid, host__cluster__in=list(clusters)).delete()


def clear(host: Host, hypervisor: Hypervisor) -> None:
    """Remove from a host what is left there; what is absent is removed already, and what is worked on is left alone.

    Asked again of each one right before its removal: it may be wanted there again by then.
    """
    worked_on = ResourceLock.objects.values("pk")
    for pk in list(Leftover.objects.filter(host=host).order_by("pk").values_list("pk", flat=True)):
        leftover = Leftover.objects.filter(pk=pk).exclude(uuid__in=worked_on).first()
        if leftover is None:
            continue
        removals[LeftoverKind(leftover.kind)](hypervisor, leftover.uuid)
        Leftover.objects.filter(pk=leftover.pk).delete()


realisers.insert(0, ("What is no more", clear))


def _pools_of_plan(plan: Plan) -> Iterable[Thing]:
    for storage in plan.rows(PrimaryStorage):
        yield LeftoverKind.POOL, storage.pk, frozenset(storage.clusters.values_list("pk", flat=True))


def _pools_of_host(host: Host) -> Iterable[tuple[LeftoverKind, str]]:
    for storage in PrimaryStorage.objects.filter(clusters=host.cluster_id):
        yield LeftoverKind.POOL, storage.pk


owing.append(_pools_of_plan)
carried.append(_pools_of_host)


@before_delete
def clean_hosts(plan: Plan, user: AbstractBaseUser | None) -> list[Operation]:
    """What a deletion leaves on hosts is removed there; hosts that go themselves are left clean."""
    going = plan.rows(Host)
    things = [thing for found in owing for thing in found(plan)]
    clusters = leave_behind(things, without=[host.pk for host in going])
    kind = str(type(plan.root)._meta.verbose_name)
    operations = realise(clusters, f"{kind} {plan.root} deleted", user)
    return operations + [_leave(host, user) for host in going if host.status == HostStatus.CONNECTED]


def _leave(host: Host, user: AbstractBaseUser | None) -> Operation:
    there = [(str(kind), uuid) for found in carried for kind, uuid in found(host)]
    return submit(
        kind=LEAVE,
        title=f"Leave host {host.name}",
        subject=("Host", host.uuid, host.name),
        locks=[],
        lane=host.uuid,
        arguments={"uri": host.uri, "name": host.name, "there": there},
        user=user,
    )


class Leave(Step):
    """Remove from a host whose record is gone what Corral made there; guests' disks stay where they are."""

    name = "leave"
    label = "Remove networks and pools"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        host = Host(name=ctx.arguments["name"], uri=ctx.arguments["uri"])
        with on_host(ctx, host) as hypervisor:
            for kind, uuid in ctx.arguments["there"]:
                removals[LeftoverKind(kind)](hypervisor, uuid)
        registry.forget(host.uri)


register(
    Flow(
        REALISE,
        "Bring host up to date",
        (Pools(), Realise()),
        cancelling="It stops at its next step. What was made and removed on the host stays so; the rest is tried again "
        "later.",
    ),
    Flow(
        LEAVE,
        "Leave host",
        (Leave(),),
        cancelling="It stops before anything is removed from the host: what Corral made there stays on it.",
    ),
)
