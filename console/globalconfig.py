"""Typed global configurations (semantics §7): definitions in code, overrides in the database, no restart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.utils import timezone

from console.errors import InvalidArgument, NotFound
from console.models.config import ConfigChange, GlobalConfig
from console.naming import parse_size
from console.query.schema import near

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How a value is read from text, shown as text, and what a valid one looks like in words."""

    parse: Callable[[str], T]
    show: Callable[[T], str]
    words: str


def _parse_bool(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


BOOL: Kind[bool] = Kind(_parse_bool, lambda value: "true" if value else "false", "true or false")
INT: Kind[int] = Kind(int, str, "a whole number")
SIZE: Kind[int] = Kind(parse_size, str, "a size in bytes or with unit, such as 512M")
SECONDS: Kind[int] = Kind(int, str, "a whole number of seconds")


@dataclass(frozen=True)
class Config(Generic[T]):
    """One definition; `get()` reads the value as it is now."""

    category: str
    name: str
    kind: Kind[T]
    default: T
    description: str
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
        rule = f", {self.rule}" if self.rule else ""
        wanted = f"{self.category}.{self.name} must be {self.kind.words}{rule}; {text!r} is not"
        raise InvalidArgument(wanted, field="value")


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
        before = config.kind.show(config.get())
        if value is None:
            GlobalConfig.objects.filter(category=category, name=name).delete()
        else:
            changed = {"value": value, "last_op_date": timezone.now()}
            GlobalConfig.objects.update_or_create(category=category, name=name, defaults=changed)
        after = config.kind.show(config.default) if value is None else value
        if before != after:
            ConfigChange.objects.create(category=category, name=name, before=before, after=after, by=by)


def read(*configs: Config[Any]) -> list[Any]:
    """The values of several configurations, in one statement."""
    rows = GlobalConfig.objects.filter(name__in=[config.name for config in configs])
    overrides = {(row.category, row.name): row.value for row in rows}
    return [_value(config, overrides.get(config.key)) for config in configs]


def inventory(config: Config[Any]) -> dict[str, str]:
    """{"category", "name", "description", "defaultValue", "value"}, all text (semantics §7)."""
    return _shown(config, config.get())


def inventories() -> list[dict[str, str]]:
    """Every definition with its value, in one statement."""
    overrides = {(row.category, row.name): row.value for row in GlobalConfig.objects.all()}
    return [_shown(config, _value(config, overrides.get(config.key))) for config in definitions()]


def _value(config: Config[Any], override: str | None) -> Any:
    return config.default if override is None else config.kind.parse(override)


def _shown(config: Config[Any], value: Any) -> dict[str, str]:
    return {
        "category": config.category,
        "name": config.name,
        "description": config.description,
        "defaultValue": config.kind.show(config.default),
        "value": config.kind.show(value),
    }


LANE_LIMIT = define(
    Config(
        "host",
        "operation.parallelismDegree",
        INT,
        2,
        "How many operations may work on one host at a time, so that a frozen host cannot hold every worker.",
        lambda value: 1 <= value <= 100,
        "from 1 to 100",
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
        lambda value: API_LEAST <= value <= 1_000_000,
        f"from {API_LEAST} to 1000000",
    )
)
