"""Enable and disable: the events that every resource with a state understands (semantics §8)."""

from console.errors import InvalidArgument
from console.models import Enablement

STATE_EVENTS = {"enable": Enablement.ENABLED, "disable": Enablement.DISABLED}


def target_of(event: str) -> Enablement:
    """The state an event leads to. Raises InvalidArgument."""
    try:
        return STATE_EVENTS[event]
    except KeyError:
        known = " or ".join(STATE_EVENTS)
        raise InvalidArgument(f"stateEvent must be {known}; {event!r} is not", field="stateEvent") from None
