"""The channel to a host: what is known of it, and what follows when it is lost (semantics §3.7, §3.8).

Lost is noticed by whatever speaks to the host; found again only by a full handshake.
"""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from console import live
from console.operations.cause import cause
from hosts.models import Host, HostChange, HostStatus

REASON_LENGTH = 512

#: what apps above do when a host is lost, e.g. with the states of its VMs
on_lost: list[Callable[[Host], None]] = []


def set_status(uuid: str, status: HostStatus, reason: str) -> None:
    """Change the channel's status and why, a sentence without its full stop; since when counts from real changes only.

    Must run in a transaction.
    """
    rows, reason = Host.objects.filter(pk=uuid), reason[:REASON_LENGTH].rstrip(".")
    if not rows.exclude(status=status).update(status=status, status_reason=reason, status_since=timezone.now()):
        rows.exclude(status_reason=reason).update(status_reason=reason)
        return
    _remember(uuid, status, reason)
    live.tell()
    if status == HostStatus.DISCONNECTED:
        _follow(uuid)


def _remember(uuid: str, status: HostStatus, reason: str) -> None:
    why = cause()
    HostChange.objects.create(
        host_uuid=uuid,
        host_name=Host.objects.values_list("name", flat=True).get(pk=uuid),
        status=status,
        reason=reason,
        cause=why.kind,
        operation_uuid=why.operation,
    )


def lose(host: Host, reason: str) -> None:
    """A Connected host did not answer: Disconnected at once, so that nothing new is placed there.

    `host` is as it was when it was spoken to; one that has shaken hands since then is not lost.
    """
    with transaction.atomic():
        if Host.objects.filter(pk=host.pk, status=HostStatus.CONNECTED, status_since=host.status_since).exists():
            set_status(host.pk, HostStatus.DISCONNECTED, reason)


def _follow(uuid: str) -> None:
    host = Host.objects.get(pk=uuid)
    for follow in on_lost:
        follow(host)
