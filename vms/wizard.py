"""The draft of a new VM: what the create wizard has been told so far. Values only; no web, no database."""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Any

from console.naming import new_uuid

MOST_COPIES = 50
SESSION_KEY = "vm-draft"
#: where the key of the draft that was submitted last is kept
SUBMITTED_KEY = "vm-submitted"
# What a draft keeps of one answer: more than any field takes, so that its error can be shown.
MOST_VALUES, MOST_LENGTH = 200, 4096

Answers = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the wizard; `name` is its address."""

    name: str
    title: str


STEPS = (
    Step("basics", "Basics"),
    Step("image", "Image and offering"),
    Step("networks", "Networks"),
    Step("disks", "Data disks"),
    Step("placement", "Placement"),
    Step("review", "Review"),
)
REVIEW = STEPS[-1]
NAMES = tuple(step.name for step in STEPS)

#: JSON name of a parameter of CreateVmInstance -> the step that asks for it
ASKED_IN: Mapping[str, str] = {
    "name": "basics",
    "description": "basics",
    "systemTags": "basics",
    "userTags": "basics",
    "imageUuid": "image",
    "instanceOfferingUuid": "image",
    "l3NetworkUuids": "networks",
    "defaultL3NetworkUuid": "networks",
    "dataDiskOfferingUuids": "disks",
    "zoneUuid": "placement",
    "clusterUuid": "placement",
    "hostUuid": "placement",
}


def step_called(name: str) -> Step:
    """Raises LookupError."""
    return STEPS[NAMES.index(name)] if name in NAMES else _no_step(name)


def _no_step(name: str) -> Step:
    raise LookupError(f"the wizard has no step {name}")


def steps_before(step: Step) -> tuple[Step, ...]:
    return STEPS[: STEPS.index(step)]


def step_after(step: Step) -> Step:
    """The last one leads to itself."""
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


@dataclass
class Draft:
    """What was answered on each page, as it was typed; `key` makes two submits of it one."""

    key: str = field(default_factory=new_uuid)
    answers: dict[str, Answers] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Mapping[str, Any]) -> "Draft":
        """The session's draft, or an empty one; what another version of Corral left there is no draft."""
        kept = session.get(SESSION_KEY)
        if not isinstance(kept, dict) or not isinstance(kept.get("key"), str):
            return cls()
        answers = {name: given for name, given in kept.get("answers", {}).items() if name in NAMES}
        return cls(kept["key"], answers)

    def save(self, session: MutableMapping[str, Any]) -> None:
        session[SESSION_KEY] = {"key": self.key, "answers": self.answers}

    @property
    def begun(self) -> bool:
        return bool(self.answers)

    def visited(self, step: Step) -> bool:
        return step.name in self.answers

    def given(self, step: Step) -> Answers:
        return self.answers.get(step.name, {})

    def answer(self, step: Step, fields: Mapping[str, Iterable[str]]) -> None:
        """Keep what was typed, right or wrong."""
        kept = {name: [text[:MOST_LENGTH] for text in values][:MOST_VALUES] for name, values in fields.items()}
        self.answers[step.name] = {name: values for name, values in kept.items() if values}

    @property
    def fingerprint(self) -> str:
        """Changes with every answer: a submit of what another tab has changed since is noticed."""
        return sha256(dumps(self.answers, sort_keys=True).encode()).hexdigest()[:16]


def discard(session: MutableMapping[str, Any]) -> None:
    session.pop(SESSION_KEY, None)


# copies ---------------------------------------------------------------------------------------------------


def names_of(name: str, count: int) -> tuple[str, ...]:
    """The names of the copies: one keeps the name, several get -1, -2, …"""
    return (name,) if count == 1 else tuple(f"{name}-{number}" for number in range(1, count + 1))


def hostnames_of(hostname: str, count: int) -> tuple[str, ...]:
    """Like the names; the number goes to the first label: web.shop becomes web-1.shop."""
    first, dot, rest = hostname.partition(".")
    return tuple(f"{one}{dot}{rest}" for one in names_of(first, count)) if hostname else ()


def copy_key(key: str, number: int) -> str:
    """The idempotency key of one copy's operation."""
    return f"{key_prefix(key)}{number}"


def key_prefix(key: str) -> str:
    return f"wizard/{key}/"


# networks -------------------------------------------------------------------------------------------------


#: begins the name of the field for a chosen network's address; its uuid follows
ADDRESS = "address-"


def address_field(l3: str) -> str:
    return f"{ADDRESS}{l3}"


@dataclass(frozen=True, slots=True)
class Nics:
    """The chosen L3 networks in the order of the guest's devices, and which is the default one."""

    l3s: tuple[str, ...] = ()
    default: str = ""

    def changed(self, action: str, uuid: str) -> "Nics":
        """After "add", "remove", "up" or "down" of one network; what cannot be done changes nothing.

        The first network added is the default one until people choose another.
        """
        change = {"add": self._add, "remove": self._remove, "up": self._up, "down": self._down}.get(action)
        l3s = change(uuid) if change else self.l3s
        default = self.default if self.default in l3s else next(iter(l3s), "")
        return Nics(l3s, default)

    def _add(self, uuid: str) -> tuple[str, ...]:
        return self.l3s if uuid in self.l3s else (*self.l3s, uuid)

    def _remove(self, uuid: str) -> tuple[str, ...]:
        return tuple(one for one in self.l3s if one != uuid)

    def _up(self, uuid: str) -> tuple[str, ...]:
        return self._moved(uuid, -1)

    def _down(self, uuid: str) -> tuple[str, ...]:
        return self._moved(uuid, 1)

    def _moved(self, uuid: str, by: int) -> tuple[str, ...]:
        order = list(self.l3s)
        if uuid in order and 0 <= (to := order.index(uuid) + by) < len(order):
            at = order.index(uuid)
            order[at], order[to] = order[to], order[at]
        return tuple(order)
