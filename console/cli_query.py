"""The Query commands: `QueryVmInstance state=Running name~=web limit=10`, one per inventory (semantics §5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from console.cli import Parameter, read_arguments, register
from console.errors import InvalidArgument
from console.inventory import Inventory, Json, all_inventories
from console.query.parser import Condition, contains, parse_raw, parse_token
from console.query.service import Window, answer

DIRECTIONS = {"asc": "+", "desc": "-"}

PARAMETERS = (
    Parameter("start"),
    Parameter("limit"),
    Parameter("sortBy"),
    Parameter("sortDirection", choices=tuple(DIRECTIONS)),
    Parameter("fields"),
    Parameter("count"),
    Parameter("replyWithCount"),
)
NAMES = {parameter.name for parameter in PARAMETERS}


@dataclass(frozen=True)
class QueryCommand:
    """A query over one inventory; every word that is no parameter is a condition."""

    inventory: Inventory

    @property
    def name(self) -> str:
        return f"Query{self.inventory.name}"

    @property
    def summary(self) -> str:
        return f"Fields: {', '.join(field.json for field in self.inventory.askable if field.comparable)}."

    @property
    def usage(self) -> str:
        return " ".join([self.name, "[FIELD=VALUE …]", *map(str, PARAMETERS)])

    def execute(self, words: Iterable[str], user: AbstractBaseUser | None = None) -> Json:
        del user
        given = list(words)
        own = [word for word in given if _is_parameter(word)]
        conditions = [one for word in given if not _is_parameter(word) for one in _conditions(word)]
        return answer(self.inventory, conditions, _window(own))


RAW = "conditions="


def _conditions(word: str) -> tuple[Condition, ...]:
    """One word is one condition, or all of them as JSON (semantics §5.2)."""
    return parse_raw(word.removeprefix(RAW)) if word.startswith(RAW) else (contains(parse_token(word)),)


def _is_parameter(word: str) -> bool:
    return word.partition("=")[0] in NAMES


def _window(words: Iterable[str]) -> Window:
    given = read_arguments(PARAMETERS, words)
    direction = given.pop("sortDirection", None)
    if sort := given.pop("sortBy", ""):
        given["sort"] = f"{DIRECTIONS[direction or 'asc']}{sort}"
    elif direction:
        raise InvalidArgument("sortDirection needs sortBy", field="sortDirection")
    return Window.read(given)


def register_queries() -> None:
    """One command for each inventory that is not known yet."""
    for inventory in all_inventories():
        register(QueryCommand(inventory))
