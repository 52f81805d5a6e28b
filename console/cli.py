"""Commands of `manage.py cli`, as the chapter writes them: `CreateVmInstance name=vm l3NetworkUuids=a,b`.

Apps register theirs from their cli.py; every inventory gives a Query command by itself (console.cli_query).
A command declares its parameters; the framework reads and checks the words, the command gets typed arguments.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib.auth.models import AbstractBaseUser

from console.errors import InvalidArgument, Refusal
from console.inventory import Json
from console.models import Operation
from console.naming import parse_size
from console.query.schema import near
from console.tagging import Given, check_given


class Arguments(dict[str, Any]):
    """The arguments that were given, by parameter name, and who gives the command."""

    user: AbstractBaseUser | None = None


class UnknownCommand(Refusal):
    """There is no such command."""

    code = "SYS.1008"


@dataclass(frozen=True)
class Accepted:
    """The answer of a command that an operation carries out: what to wait for, and what to show then."""

    operation: Operation
    inventory: str
    uuid: str


Answer = Json | Accepted


def _whole_number(text: str) -> int:
    return int(text)


def _true_or_false(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _json_list(text: str) -> list[Any]:
    if not isinstance(found := json.loads(text), list):
        raise ValueError(text)
    return found


#: kind -> (reads a text, what is expected in words)
KINDS: Mapping[type, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"),
    int: (_whole_number, "a whole number"),
    bool: (_true_or_false, "true or false"),
    list: (_json_list, "a list in JSON"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: `many` is a list separated by commas, `size` a number of bytes or a text such as 512M."""

    name: str
    required: bool = False
    kind: type = str
    many: bool = False
    size: bool = False
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> Any:
        """The typed value. Raises InvalidArgument."""
        if not self.many:
            return self._one(text)
        return [self._one(item) for one in text.split(",") if (item := one.strip())]

    def _one(self, text: str) -> Any:
        read, expected = (parse_size, "a size such as 512M") if self.size else KINDS[self.kind]
        try:
            value = read(text)
        except (ValueError, KeyError):
            raise InvalidArgument(f"{self.name} must be {expected}; {text!r} is not", field=self.name) from None
        if self.choices and value not in self.choices:
            known = ", ".join(self.choices)
            raise InvalidArgument(f"{self.name} must be one of {known}; {text!r} is not", field=self.name)
        return value

    def __str__(self) -> str:
        """As the list of commands shows it: `name=`, `[hostUuid=]`, `l3NetworkUuids=,…`, `[deleteMode=A|B]`."""
        shown = f"{self.name}={'|'.join(self.choices)}{',…' if self.many else ''}"
        return shown if self.required else f"[{shown}]"


SYSTEM_TAGS, USER_TAGS = Parameter("systemTags", many=True), Parameter("userTags", many=True)
#: what every command that makes a named resource accepts (semantics §1.2)
RESOURCE_PARAMETERS = (
    Parameter("name", required=True),
    Parameter("description"),
    Parameter("resourceUuid"),
    SYSTEM_TAGS,
    USER_TAGS,
)


def given_tags(resource_type: str, given: Arguments) -> Given:
    """Take the tags for a new resource out of the arguments. Raises InvalidArgument."""
    found = Given(user=tuple(given.pop(USER_TAGS.name, ())), system=tuple(given.pop(SYSTEM_TAGS.name, ())))
    check_given(resource_type, found)
    return found


@dataclass(frozen=True)
class Command:
    """One command: `run` gets the arguments that were given, by the names of the parameters."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Arguments], Answer]

    def execute(self, words: Iterable[str], user: AbstractBaseUser | None = None) -> Answer:
        arguments = read_arguments(self.parameters, words)
        arguments.user = user
        return self.run(arguments)

    @property
    def usage(self) -> str:
        return " ".join([self.name, *map(str, self.parameters)])


class CommandLike(Protocol):
    """What the framework needs of a command."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def usage(self) -> str: ...
    def execute(self, words: Iterable[str], user: AbstractBaseUser | None = None) -> Answer: ...


_commands: dict[str, CommandLike] = {}


def command(
    name: str, *parameters: Parameter
) -> Callable[[Callable[[Arguments], Answer]], Callable[[Arguments], Answer]]:
    """Register a function as a command; the first line of its docstring is the summary."""

    def decorate(run: Callable[[Arguments], Answer]) -> Callable[[Arguments], Answer]:
        register(Command(name, (run.__doc__ or "").strip().split("\n")[0], parameters, run))
        return run

    return decorate


def register(one: CommandLike) -> None:
    if _commands.setdefault(one.name, one) != one:
        raise ValueError(f"two commands are called {one.name}")


def commands() -> list[CommandLike]:
    return [_commands[name] for name in sorted(_commands)]


def find(name: str) -> CommandLike:
    """The command, its name read without regard to case. Raises UnknownCommand naming the nearest."""
    for known, one in _commands.items():
        if known.lower() == name.lower():
            return one
    nearest = near(name, _commands)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`help` lists all commands"
    raise UnknownCommand(f"There is no command {name}; {hint}", nearest=nearest)


def read_arguments(parameters: Iterable[Parameter], words: Iterable[str]) -> Arguments:
    """{parameter: typed value} from `key=value` words. Raises InvalidArgument naming the word and what is known."""
    known = {parameter.name: parameter for parameter in parameters}
    found = Arguments()
    for word in words:
        name, text = split_word(word)
        if name not in known:
            raise _unknown_parameter(name, known)
        if name in found:
            raise InvalidArgument(f"{name} is given twice", field=name)
        found[name] = known[name].read(text)
    missing = [name for name, parameter in known.items() if parameter.required and found.get(name) in (None, "", [])]
    if missing:
        raise InvalidArgument(f"{' and '.join(missing)} must be given; {_all(known)}", field=missing[0])
    return found


def split_word(word: str) -> tuple[str, str]:
    """The value may hold further equal signs. Raises InvalidArgument."""
    name, equals, text = word.partition("=")
    if not (equals and name):
        raise InvalidArgument(f"{word!r} is not of the form parameter=value")
    return name, text


def _unknown_parameter(name: str, known: Mapping[str, Parameter]) -> InvalidArgument:
    nearest = near(name, known)
    hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    return InvalidArgument(f"There is no parameter {name}; {hint}{_all(known)}", field=name, nearest=nearest)


def _all(known: Mapping[str, Parameter]) -> str:
    return f"known are {' '.join(map(str, known.values()))}" if known else "the command has none"
