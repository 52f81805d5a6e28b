"""What can be asked of an inventory: fields, their kinds, and values converted to them (semantics §5.2)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum

from console.naming import parse_size
from console.query.parser import LIKES, Condition, InvalidQuery, Op

Value = str | int | bool | datetime

DATE_FORMAT = "%b %d, %Y %I:%M:%S %p"
MAX_INT = 2**63 - 1
MAX_YEAR = 9998
MAX_VALUES = 500


class Kind(StrEnum):
    """What the values of a field are; the value names it in messages."""

    TEXT = "text"
    UUID = "uuid"
    INT = "number"
    BOOL = "true or false"
    DATE = "date"
    ENUM = "choice"


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field that can be compared; `many`: the field is a list, and a condition speaks of its members."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    many: bool = False


#: pseudo-fields of everything that can have tags (semantics §5.4)
USER_TAG, SYSTEM_TAG = "__userTag__", "__systemTag__"
TAGS = {name: FieldSchema(name, Kind.TEXT) for name in (USER_TAG, SYSTEM_TAG)}


@dataclass(frozen=True, slots=True)
class Schema:
    """What can be asked of one inventory; `plural` is what people call its rows.

    `others` are shown but cannot be compared as a whole; `joins` are the nested and expanded fields, by name, with the
    schema of what they lead to; `tagged`: conditions on its tags are possible.
    """

    plural: str
    fields: Mapping[str, FieldSchema]
    others: tuple[str, ...] = ()
    joins: Mapping[str, Callable[[], "Schema"]] = dataclass_field(default_factory=dict)
    tagged: bool = False

    def field(self, name: str, position: int = 1) -> FieldSchema:
        """A plain field. Raises InvalidQuery naming the nearest ones."""
        if name in self.fields:
            return self.fields[name]
        if name in self.joins or name in self.others:
            raise self._wrong(self._whole(name), name, position)
        nearest = near(name, [*self.fields, *self.joins])
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"they have {', '.join(sorted(self.fields))}"
        raise self._wrong(f"{self._begin} have no field {name}; {hint}", name, position, nearest=nearest)

    def comparable(self, name: str, position: int = 1) -> FieldSchema:
        """A plain field or a pseudo-field. Raises InvalidQuery."""
        return TAGS[name] if self.tagged and name in TAGS else self.field(name, position)

    def join(self, name: str, position: int = 1) -> "Schema":
        """What a nested or expanded field leads to. Raises InvalidQuery naming the nearest ones."""
        if name in self.joins:
            return self.joins[name]()
        if name in self.fields or name in self.others:
            raise self._wrong(f"{name} of {self.plural} has no fields of its own", name, position)
        nearest = near(name, self.joins)
        known = ", ".join(sorted(self.joins)) or "nothing"
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"they lead to {known}"
        raise self._wrong(f"{self._begin} have no nested field {name}; {hint}", name, position, nearest=nearest)

    @property
    def _begin(self) -> str:
        return self.plural[:1].upper() + self.plural[1:]

    def _whole(self, name: str) -> str:
        words = f"{name} of {self.plural} cannot be compared as a whole"
        if name not in self.joins:
            return words
        return f"{words}; ask for one of its fields, such as {name}.{next(iter(self.joins[name]().fields))}"

    def _wrong(self, details: str, name: str, position: int, **data: list[str]) -> InvalidQuery:
        return InvalidQuery(details, position=position, field=name, **data)


def near(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that look like this one, ignoring case."""
    spelled = {one.lower(): one for one in known}
    return [spelled[one] for one in get_close_matches(name.lower(), spelled, n=3, cutoff=0.6)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on a known field with values of its kind; patterns stay text."""

    field: FieldSchema
    op: Op
    values: tuple[Value, ...]


_EQUALITY = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.NULL, Op.NOT_NULL})
_ALLOWED: Mapping[Kind, frozenset[Op]] = {Kind.BOOL: _EQUALITY, Kind.DATE: frozenset(Op) - LIKES}


def operators(field: FieldSchema) -> frozenset[Op]:
    """The operators that apply to a field."""
    return _EQUALITY | LIKES if field.many else _ALLOWED.get(field.kind, frozenset(Op))


def resolve(schema: Schema, condition: Condition) -> Comparison:
    """Check a condition against the fields and convert its values; of a path, the last name. Raises InvalidQuery."""
    field = schema.comparable(condition.path[-1], condition.position)
    if condition.op not in operators(field):
        what = "a list" if field.many else f"of kind {field.kind}"
        raise InvalidQuery(
            f"{field.name} is {what}; {condition.op} does not apply to it",
            position=condition.position,
            field=field.name,
        )
    if len(condition.values) > MAX_VALUES:
        raise InvalidQuery(
            f"{field.name} is compared with {len(condition.values)} values; at most {MAX_VALUES} are possible",
            position=condition.position,
            field=field.name,
        )
    if condition.op in LIKES:
        return Comparison(field, condition.op, condition.values)
    values = tuple(_convert(field, value, condition.position) for value in condition.values)
    return Comparison(field, condition.op, values)


def _convert(field: FieldSchema, text: str, position: int) -> Value:
    if field.kind is Kind.ENUM:
        return _choice(field, text, position)
    try:
        return _CONVERSIONS[field.kind](text)
    except (ValueError, KeyError):
        expected = _EXPECTED[field.kind]
        raise InvalidQuery(
            f"{field.name} is compared with {expected}; {text!r} is not", position=position, field=field.name
        ) from None


def _choice(field: FieldSchema, text: str, position: int) -> str:
    for choice in field.choices:
        if choice.lower() == text.lower():
            return choice
    raise InvalidQuery(
        f"{field.name} is one of {', '.join(field.choices)}; {text!r} is not",
        position=position,
        field=field.name,
        choices=list(field.choices),
    )


def _int(text: str) -> int:
    """Digits, or a size with its unit: what lists show as 4 GiB is asked for as 4G."""
    number = parse_size(text) if text[-1:].isalpha() else int(text)
    if abs(number) > MAX_INT:
        raise ValueError(text)
    return number


def _bool(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def parse_date(text: str) -> datetime:
    """`2015-12-02 17:53:42` (time optional, UTC when no zone is named) or `Dec 2, 2015 5:53:42 PM`; whole seconds."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        date = datetime.strptime(text, DATE_FORMAT).replace(tzinfo=UTC)
    if date.year > MAX_YEAR:
        raise ValueError(text)
    try:
        date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(text) from None  # the first day of all days begins earlier where the sun does
    return date.replace(microsecond=0)


_CONVERSIONS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.TEXT: str,
    Kind.UUID: str.lower,
    Kind.INT: _int,
    Kind.BOOL: _bool,
    Kind.DATE: parse_date,
}
_EXPECTED: Mapping[Kind, str] = {
    Kind.TEXT: "a text",
    Kind.UUID: "a uuid",
    Kind.INT: "a whole number, or a size such as 512M",
    Kind.BOOL: "true or false",
    Kind.DATE: "a date such as 2015-12-02 17:53:42",
}
