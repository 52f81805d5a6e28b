"""Operations as histories name them: what was done, and who asked for it."""

from collections.abc import Iterable

from console.models import Operation


def operations_named(uuids: Iterable[str]) -> dict[str, Operation]:
    """Title and asker of operations by uuid, as far as they are still recorded; one statement, however many."""
    rows = Operation.objects.filter(pk__in={uuid for uuid in uuids if uuid}).select_related("created_by")
    return {row.pk: row for row in rows.only("title", "via", "created_by__username")}
