"""System tags as declared patterns (semantics §6): each belongs to a resource type and has a form and checks."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.text import capfirst

from console.errors import InvalidArgument
from console.inventory import all_inventories
from console.models.tag import Tag, TagType

Values = Mapping[str, str]


@dataclass(frozen=True)
class TagPattern:
    """A pattern such as `hostname::{hostname}` on one resource type.

    `check(values)` answers what is wrong with the values by themselves, or None. `once`: at most one on a resource.
    `inherent`: only Corral sets it. `hint` says what stands in the braces.
    """

    resource_type: str
    pattern: str
    description: str
    inherent: bool = False
    once: bool = True
    check: Callable[[Values], str | None] = field(default=lambda values: None)
    hint: str = ""

    @property
    def words(self) -> str:
        """What it means, as a sentence of a list."""
        return f"{capfirst(self.description)}{self.hint and f'; {self.hint}'}."

    @property
    def regex(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.pattern)
        body = "".join(re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(parts))
        return re.compile(body)

    def match(self, tag: str) -> dict[str, str] | None:
        found = self.regex.fullmatch(tag)
        return found.groupdict() if found else None

    def render(self, **values: str) -> str:
        return self.pattern.format(**values)

    def read(self, resource_uuid: str) -> dict[str, str] | None:
        """Values of this tag on a resource, None when it has none."""
        return self.read_all([resource_uuid]).get(resource_uuid)

    def read_all(self, resource_uuids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Values of this tag by resource, for those that have it; one statement."""
        tags = Tag.objects.filter(
            resource_uuid__in=list(resource_uuids), resource_type=self.resource_type, type=TagType.SYSTEM
        ).values_list("resource_uuid", "tag")
        return {uuid: values for uuid, tag in tags if (values := self.match(tag)) is not None}

    def write(self, resource_uuid: str, **values: str) -> None:
        """Make this the resource's one tag of the pattern."""
        self.remove(resource_uuid, keep=self.render(**values))
        Tag.objects.get_or_create(
            resource_uuid=resource_uuid,
            type=TagType.SYSTEM,
            tag=self.render(**values),
            defaults={"resource_type": self.resource_type, "inherent": self.inherent},
        )

    def remove(self, resource_uuid: str, keep: str = "") -> None:
        """Remove the resource's tags of this pattern."""
        tags = Tag.objects.filter(resource_uuid=resource_uuid, type=TagType.SYSTEM)
        stale = [tag.pk for tag in tags if tag.tag != keep and self.match(tag.tag) is not None]
        Tag.objects.filter(pk__in=stale).delete()


_patterns: dict[tuple[str, str], TagPattern] = {}


def declare(pattern: TagPattern) -> TagPattern:
    """Register a pattern; each once per resource type."""
    if _patterns.setdefault((pattern.resource_type, pattern.pattern), pattern) is not pattern:
        raise ValueError(f"{pattern.pattern} is declared twice for {pattern.resource_type}")
    return pattern


def patterns(resource_type: str) -> Iterable[TagPattern]:
    return [pattern for (owner, _), pattern in _patterns.items() if owner == resource_type]


def offered(resource_type: str) -> list[TagPattern]:
    """The patterns of which people may give tags."""
    return [pattern for pattern in patterns(resource_type) if not pattern.inherent]


def validate(resource_type: str, tags: Iterable[str]) -> dict[str, Values]:
    """Check tags that people give to a resource; {tag: values}. Raises InvalidArgument naming the tag and why."""
    found: dict[str, Values] = {}
    used: dict[str, str] = {}
    for tag in tags:
        pattern, values = _match(resource_type, tag)
        if problem := pattern.check(values):
            raise InvalidArgument(f"System tag {tag}: {problem}", field="systemTags")
        if pattern.once and used.setdefault(pattern.pattern, tag) != tag:
            raise InvalidArgument(
                f"{used[pattern.pattern]} and {tag}: only one {pattern.pattern} is allowed",
                field="systemTags",
            )
        found[tag] = values
    return found


def _match(resource_type: str, tag: str) -> tuple[TagPattern, Values]:
    for pattern in offered(resource_type):
        values = pattern.match(tag)
        if values is not None:
            return pattern, values
    known = ", ".join(pattern.pattern for pattern in offered(resource_type)) or "none"
    raise InvalidArgument(f"{tag} is no system tag of {_owners(resource_type)}; known: {known}", field="systemTags")


def _owners(resource_type: str) -> str:
    """What people call the resources of a type."""
    return next((one.plural for one in all_inventories() if one.resource_type == resource_type), resource_type)


def attach(resource_type: str, resource_uuid: str, tags: Iterable[str], kind: TagType) -> None:
    """Write tags that have been validated; the same tag twice is once."""
    Tag.objects.bulk_create(
        (
            Tag(resource_uuid=resource_uuid, resource_type=resource_type, tag=tag, type=kind)
            for tag in dict.fromkeys(tags)
        ),
        ignore_conflicts=True,
    )


def detach_all(resource_uuid: str) -> None:
    """Tags go with their resource."""
    Tag.objects.filter(resource_uuid=resource_uuid).delete()


def copy(resource_type: str, resource_uuid: str, to_type: str, to_uuid: str) -> None:
    """Give a resource what another one was given (semantics §6.1); what Corral set itself stays where it is."""
    given = Tag.objects.filter(
        resource_type=resource_type, resource_uuid=resource_uuid, type=TagType.SYSTEM, inherent=False
    )
    attach(to_type, to_uuid, given.values_list("tag", flat=True), TagType.SYSTEM)
