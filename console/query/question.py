"""The text of a list's box: conditions as the command line has them, and bare words, each with its place."""

import re
from dataclasses import dataclass

from console.query.parser import Condition, InvalidQuery, Op, condition_at, contains, quoted_at, skip_spaces


@dataclass(frozen=True, slots=True)
class Part:
    """One condition, or one bare word, as it stands in the text from `start` to `end`."""

    start: int
    end: int
    condition: Condition | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A text that was read."""

    text: str = ""
    parts: tuple[Part, ...] = ()

    def words_of(self, part: Part) -> str:
        """A part as it was written."""
        return self.text[part.start : part.end]

    def without(self, part: Part) -> str:
        """The text without one part; the others stay as they were written."""
        return " ".join(self.words_of(other) for other in self.parts if other is not part)


def read(text: str) -> Question:
    """Parts separated by spaces. Raises InvalidQuery."""
    parts, position = [], skip_spaces(text, 0)
    while position < len(text):
        part = _part_at(text, position)
        parts.append(part)
        position = skip_spaces(text, part.end)
    return Question(text, tuple(parts))


def meant(part: Part) -> Condition:
    """What a part asks of things with names: a bare word is part of the name, or a whole uuid."""
    if part.condition:
        return part.condition
    if WHOLE_UUID.fullmatch(part.word):
        return Condition(("uuid",), Op.EQ, (part.word,), part.start + 1)
    return Condition(("name",), Op.LIKE, (f"%{_literal(part.word)}%",), part.start + 1)


WHOLE_UUID = re.compile("[0-9a-fA-F]{32}", re.ASCII)

#: a word that begins no condition: no operator in it nor after it, and no null test after it
_BARE = re.compile(
    r"""[^\s=<>"'][^\s=<>]*(?=\s|$)(?!\s+(?:!?[?~]?=|[<>]))(?!\s+(?:is\s+(?:not\s+)?|not\s+)null(?:\s|$))""",
    re.IGNORECASE,
)


def _part_at(text: str, start: int) -> Part:
    if text[start] in "\"'":
        word, end = quoted_at(text, start)
        if end < len(text) and not text[end].isspace():
            raise InvalidQuery("A space is expected after the quoted text", position=end + 1)
        return Part(start, end, word=word)
    if bare := _BARE.match(text, start):
        return Part(start, bare.end(), word=bare.group())
    condition, end = condition_at(text, start)
    return Part(start, end, contains(condition))


def _literal(word: str) -> str:
    """A text as a pattern that stands for just this text."""
    return re.sub(r"([%_\\])", r"\\\1", word)
