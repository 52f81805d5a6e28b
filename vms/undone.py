"""Domains of creations that were taken back: no strangers, but left over, and ours to remove.

A call to a host that was silent may act when that answers again, after everything was undone: it defines or starts a
domain that no record knows any more.
"""

from collections.abc import Iterable

from console.models import Operation, StepStatus
from hosts.models import Host, Leftover, LeftoverKind
from vms.flows.create import Begin
from vms.models import Stranger
from vms.services import CREATE


def write_down(host: Host, unrecorded: Iterable[str]) -> None:
    """Write down which domains without a record a host has of creations there that were undone to the last step.

    Their uuids were given by Corral and their disks are deleted. One that was seen before its creation was asked for is
    somebody else's with the same uuid.
    """
    uuids = list(unrecorded)
    if not uuids:
        return
    undone = Operation.objects.filter(kind=CREATE, lane=host.pk, subject_uuid__in=uuids, undoing=True)
    asked = undone.filter(steps__name=Begin.name, steps__status=StepStatus.UNDONE).values_list(
        "subject_uuid", "create_date"
    )
    strangers = Stranger.objects.filter(host=host, domain_uuid__in=uuids)
    first_seen = dict(strangers.values_list("domain_uuid", "first_seen"))
    rows = [
        Leftover(host=host, kind=LeftoverKind.DOMAIN, uuid=uuid)
        for uuid, when in asked
        if first_seen.get(uuid, when) >= when
    ]
    Leftover.objects.bulk_create(rows, ignore_conflicts=True)
