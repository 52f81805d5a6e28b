"""What an accepted operation waits for before it begins."""

from dataclasses import dataclass

from console.globalconfig import LANE_LIMIT
from console.models import Operation


@dataclass(frozen=True, slots=True)
class Queue:
    """Its place in the line of its lane (1 is next), and the operations that hold the lane's places now."""

    position: int
    places: int
    holders: list[Operation]

    @property
    def is_full(self) -> bool:
        return len(self.holders) >= self.places


def queue_of(operation: Operation) -> Queue | None:
    """None for an operation that has begun, has ended, or never needs a place."""
    if not operation.is_open or operation.started or operation.cancel_requested or not operation.lane:
        return None
    lane = Operation.objects.open().filter(lane=operation.lane).only("title", "create_date")
    before = lane.filter(started=None, create_date__lt=operation.create_date).count()
    holders = list(lane.filter(started__isnull=False).order_by("started"))
    return Queue(before + 1, LANE_LIMIT.get(), holders)
