"""Domains that nobody recorded: kept up with what each host shows (semantics §3.4), and left alone when told so."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from console import live
from console.errors import NotFound
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainInfo, DomainNic
from hosts.models import Host, Leftover, LeftoverKind
from vms.models import IgnoredDomain, Stranger

logger = logging.getLogger(__name__)

#: a host that could not tell all of what a domain is made of is asked again after this long
ASK_AGAIN = timedelta(minutes=2)

#: asks the host for the devices of one domain
Ask = Callable[[str], DomainDevices]


def keep(host: Host, shown: Iterable[DomainInfo], ask: Ask) -> None:
    """The strangers of a host are those that a complete listing showed; what is to be removed there is none.

    What one is made of is asked once, and again when something else about it has changed.
    """
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
    ignored = IgnoredDomain.objects.in_bulk([info.uuid for info in changed])
    for info in changed:
        columns = _columns(info) | _devices(info.uuid, ask) | _ignored(ignored.get(info.uuid))
        Stranger.objects.update_or_create(host=host, domain_uuid=info.uuid, defaults=columns)
    live.tell()


def _columns(info: DomainInfo) -> dict[str, object]:
    return {
        "name": info.name[:255],
        "state": str(info.state),
        "vcpus": info.vcpus,
        "memory": info.memory,
        "persistent": info.persistent,
    }


def _ignored(by_somebody: IgnoredDomain | None) -> dict[str, object]:
    """A domain that comes to another host is ignored there as well."""
    return {"ignored": by_somebody is not None, "ignored_by_id": by_somebody.ignored_by_id if by_somebody else None}


def _differs(row: Stranger, info: DomainInfo) -> bool:
    if not _complete(row) and (row.asked is None or row.asked < timezone.now() - ASK_AGAIN):
        return True
    return any(getattr(row, name) != value for name, value in _columns(info).items())


def _complete(row: Stranger) -> bool:
    """Whether nothing is missing that an adoption needs: files have a size once a storage pool knows them."""
    devices = devices_of(row)
    return devices is not None and all(disk.capacity is not None for disk in devices.disks if disk.path)


def _devices(uuid: str, ask: Ask) -> dict[str, object]:
    """An error is no news of the host's other domains, so it ends nothing; what was known before stays."""
    asked: dict[str, object] = {"asked": timezone.now()}
    try:
        return asked | {"devices": asdict(ask(uuid))}
    except HypervisorError as error:
        logger.warning("what domain %s is made of could not be asked: %s", uuid, error)
        return asked


def devices_of(row: Stranger) -> DomainDevices | None:
    """What it is made of; None while the host could not tell."""
    if row.devices is None:
        return None
    known = row.devices | {
        "disks": tuple(DomainDisk(**disk) for disk in row.devices["disks"]),
        "nics": tuple(DomainNic(**nic) for nic in row.devices["nics"]),
    }
    return DomainDevices(**known)


def waiting() -> int:
    """How many strangers nobody has decided about."""
    return Stranger.objects.filter(ignored=False).count()


def ignore(uuid: str, user: AbstractBaseUser | None) -> Stranger:
    """Hide a domain from the list of strangers, wherever it shows up; who said so is kept."""
    return _decide(uuid, True, user)


def heed(uuid: str) -> Stranger:
    """List an ignored domain again."""
    return _decide(uuid, False, None)


def _decide(uuid: str, ignored: bool, user: AbstractBaseUser | None) -> Stranger:
    """Raises NotFound for a domain that no host shows any more."""
    rows = Stranger.objects.filter(domain_uuid=uuid)
    row = rows.select_related("host").order_by("pk").first()
    if row is None:
        raise NotFound(f"No host shows a domain {uuid} that nobody recorded", field="uuid")
    with transaction.atomic():
        if ignored:
            IgnoredDomain.objects.get_or_create(domain_uuid=uuid, defaults={"ignored_by_id": user.pk if user else None})
        else:
            IgnoredDomain.objects.filter(pk=uuid).delete()
        rows.exclude(ignored=ignored).update(ignored=ignored, ignored_by=user.pk if user else None)
        live.tell()
    return row
