"""Typed global configurations (semantics §7): definitions in code, overrides in the database, no restart."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.utils import timezone

from console.errors import InvalidArgument, NotFound
from console.models.config import ConfigChange, GlobalConfig
from console.naming import format_size, parse_size
from console.query.schema import near
from console.textual import short_seconds

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How a value is read from text, kept as text, and what a valid one looks like in words.

    `people` is how they read it: 512 MiB, 24 h. `choices` are the texts there are to choose from, when they are few.
    """

    parse: Callable[[str], T]
    show: Callable[[T], str]
    words: str
    people: Callable[[T], str]
    choices: tuple[str, ...] = ()


def _parse_bool(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _show_bool(value: bool) -> str:
    return "true" if value else "false"


BOOL: Kind[bool] = Kind(_parse_bool, _show_bool, "one of: true, false", _show_bool, ("true", "false"))
INT: Kind[int] = Kind(int, str, "a whole number", str)
SIZE: Kind[int] = Kind(parse_size, str, "a size in bytes or with unit, such as 512M", format_size)
SECONDS: Kind[int] = Kind(int, str, "a whole number of seconds", short_seconds)
#: of what does not happen at all at 0
SECONDS_OR_NEVER = replace(SECONDS, people=lambda value: short_seconds(value) if value else "never")


def one_of(*values: str, meaning: Mapping[str, str] | None = None) -> Kind[str]:
    """One of a few texts; `meaning` says in words what bare numbers stand for."""
    known = {value: value for value in values}
    told = {value: f"{value} ({word})" for value, word in (meaning or {}).items()}

    def people(value: str) -> str:
        return told.get(value, value)

    return Kind(lambda text: known[text.strip()], str, f"one of: {', '.join(map(people, values))}", people, values)


def between(kind: Kind[int], least: int, most: int) -> tuple[Callable[[int], bool], str]:
    """The check of a number that has bounds, and its words."""
    return lambda value: least <= value <= most, f"from {kind.people(least)} to {kind.people(most)}"


@dataclass(frozen=True)
class Config(Generic[T]):
    """One definition; `get()` reads the value as it is now. `effect`: when a change takes effect."""

    category: str
    name: str
    kind: Kind[T]
    default: T
    description: str
    effect: str
    check: Callable[[T], bool] = lambda value: True
    rule: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.category, self.name

    def get(self) -> T:
        value: T = read(self)[0]
        return value

    def parse(self, text: str) -> T:
        """Raises InvalidArgument saying what a valid value is."""
        try:
            value = self.kind.parse(text)
            if self.check(value):
                return value
        except (ValueError, KeyError):
            pass
        wanted = f"{self.category}.{self.name} must be {self.range}; {text!r} is not"
        raise InvalidArgument(wanted, field="value")

    @property
    def range(self) -> str:
        """What a value must be, in words."""
        return f"{self.kind.words}, {self.rule}" if self.rule else self.kind.words


_definitions: dict[tuple[str, str], Config[Any]] = {}


def define(config: Config[T]) -> Config[T]:
    """Register a definition; each category and name once."""
    if _definitions.setdefault(config.key, config) is not config:
        raise ValueError(f"two global configurations are called {config.key}")
    return config


def definitions() -> Iterable[Config[Any]]:
    return sorted(_definitions.values(), key=lambda config: config.key)


def find(category: str, name: str) -> Config[Any]:
    try:
        return _definitions[category, name]
    except KeyError:
        nearest = near(f"{category}.{name}", (".".join(key) for key in _definitions))
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        raise NotFound(f"There is no global configuration {category}.{name}{hint}", field="name") from None


def update(category: str, name: str, value: str, by: Any = None) -> Config[Any]:
    """Set an override; it holds from the next read on, in every process. `by` is the account that asks for it."""
    config = find(category, name)
    _change(config, config.kind.show(config.parse(value)), by)
    return config


def reset(category: str, name: str, by: Any = None) -> Config[Any]:
    """Back to the default."""
    config = find(category, name)
    _change(config, None, by)
    return config


def _change(config: Config[Any], value: str | None, by: Any) -> None:
    """Write the override, None for none, and what it was before; what changes nothing leaves no trace."""
    category, name = config.key
    with transaction.atomic():
        (kept,) = held(config)
        before = kept.refused or config.kind.show(kept.value)
        if value is None:
            GlobalConfig.objects.filter(category=category, name=name).delete()
        else:
            changed = {"value": value, "last_op_date": timezone.now()}
            GlobalConfig.objects.update_or_create(category=category, name=name, defaults=changed)
        after = config.kind.show(config.default) if value is None else value
        if before != after:
            ConfigChange.objects.create(category=category, name=name, before=before, after=after, by=by)


@dataclass(frozen=True, slots=True)
class Held:
    """What is in force; `refused` is an override that is not, since it was kept before its definition refused it."""

    value: Any
    refused: str = ""


def held(*configs: Config[Any]) -> list[Held]:
    """What holds of several configurations, in one statement."""
    rows = GlobalConfig.objects.filter(name__in=[config.name for config in configs])
    overrides = {(row.category, row.name): row.value for row in rows}
    return [_held(config, overrides.get(config.key)) for config in configs]


def read(*configs: Config[Any]) -> list[Any]:
    """The values of several configurations, in one statement."""
    return [one.value for one in held(*configs)]


def inventory(config: Config[Any]) -> dict[str, str]:
    """{"category", "name", "description", "defaultValue", "value"}, all text (semantics §7)."""
    return _shown(config, config.get())


def inventories() -> list[dict[str, str]]:
    """Every definition with its value, in one statement."""
    known = list(definitions())
    return [_shown(config, value) for config, value in zip(known, read(*known), strict=True)]


def _held(config: Config[Any], override: str | None) -> Held:
    """An override that its definition does not take any more is not in force: whoever reads could not use it."""
    if override is None:
        return Held(config.default)
    try:
        return Held(config.parse(override))
    except InvalidArgument:
        return Held(config.default, override)


def _shown(config: Config[Any], value: Any) -> dict[str, str]:
    return {
        "category": config.category,
        "name": config.name,
        "description": config.description,
        "defaultValue": config.kind.show(config.default),
        "value": config.kind.show(value),
    }


SESSION_TIMEOUT = define(
    Config(
        "identity",
        "session.timeout",
        SECONDS,
        7200,
        "How long a person who asks for nothing stays logged in.",
        "at the next login; for who is logged in when half of the time has passed",
        *between(SECONDS, 300, 31 * 86400),
    )
)

LANE_LIMIT = define(
    Config(
        "host",
        "operation.parallelismDegree",
        INT,
        2,
        "How many operations may work on one host at a time, so that a frozen host cannot hold every worker.",
        "with the next operation that a worker takes up",
        *between(INT, 1, 100),
    )
)

#: the least that the limit can be
API_LEAST = 60
API_LIMIT = define(
    Config(
        "api",
        "requestsPerMinute",
        INT,
        1200,
        "How many requests of the JSON endpoint one token, or one person without one, may make in a minute.",
        "with the next request",
        *between(INT, API_LEAST, 1_000_000),
    )
)
