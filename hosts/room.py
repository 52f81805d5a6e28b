"""What VMs can have of a host: what it has, CPUs over-provisioned, less what is never given out (semantics §4.6)."""

from collections import defaultdict
from collections.abc import Mapping

from django.db.models import BigIntegerField, Case, F, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from hosts.allocation.spec import ReservedLevels
from hosts.allocation.views import Settings, reservation_tags
from hosts.models import Host

Tags = Mapping[str, Mapping[str, int]]


def with_room(rows: QuerySet[Host]) -> QuerySet[Host]:
    """Hosts with `room_cpu` and `room_memory`, which VMs can have in all, and `kept_…`, which they never get.

    It speaks as `load_hosts` does to the allocator. Reads settings and tags now: two statements.
    """
    settings, tags = Settings.read(), reservation_tags()
    cpu = _kept("cpu", tags, settings.reserved_cpu, settings.levels)
    memory = _kept("memory", tags, settings.reserved_memory, settings.levels)
    return rows.annotate(
        kept_cpu=cpu,
        kept_memory=memory,
        room_cpu=Greatest(F("total_cpu") * settings.cpu_ratio - cpu, Value(0), output_field=BigIntegerField()),
        room_memory=Greatest(F("total_memory") - memory, Value(0), output_field=BigIntegerField()),
    )


def _kept(what: str, tags: Tags, default: int, levels: ReservedLevels) -> Combinable:
    """`reserved_capacity` as an expression: the most specific tag that counts, else the setting."""
    uuids: dict[int, list[str]] = defaultdict(list)
    for uuid, amounts in tags.items():
        if what in amounts:
            uuids[amounts[what]].append(uuid)
    lookups = (("pk", levels.host), ("cluster", levels.cluster), ("cluster__zone", levels.zone))
    counted = [lookup for lookup, counts in lookups if counts]
    whens = [
        When(**{f"{lookup}__in": tagged}, then=Value(amount)) for lookup in counted for amount, tagged in uuids.items()
    ]
    return Case(*whens, default=Value(default), output_field=BigIntegerField())
