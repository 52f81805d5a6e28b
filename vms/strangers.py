"""Domains that nobody recorded: kept up with what each host shows (semantics §3.4)."""

from collections.abc import Iterable

from console import live
from hosts.hypervisor.spec import DomainInfo
from hosts.models import Host, Leftover, LeftoverKind
from vms.models import Stranger


def keep(host: Host, shown: Iterable[DomainInfo]) -> None:
    """The strangers of a host are those that a complete listing showed; what is to be removed there is none."""
    leftovers = Leftover.objects.filter(host=host, kind=LeftoverKind.DOMAIN).values_list("uuid", flat=True)
    domains = {info.uuid: info for info in shown}
    for uuid in leftovers if domains else ():
        domains.pop(uuid, None)
    before = {row.domain_uuid: row for row in Stranger.objects.filter(host=host)}
    gone = before.keys() - domains.keys()
    changed = [info for uuid, info in domains.items() if uuid not in before or _differs(before[uuid], info)]
    if not gone and not changed:
        return
    Stranger.objects.filter(host=host, domain_uuid__in=gone).delete()
    for info in changed:
        Stranger.objects.update_or_create(host=host, domain_uuid=info.uuid, defaults=_columns(info))
    live.tell()


def _columns(info: DomainInfo) -> dict[str, object]:
    return {
        "name": info.name[:255],
        "state": str(info.state),
        "vcpus": info.vcpus,
        "memory": info.memory,
        "persistent": info.persistent,
    }


def _differs(row: Stranger, info: DomainInfo) -> bool:
    return any(getattr(row, name) != value for name, value in _columns(info).items())
