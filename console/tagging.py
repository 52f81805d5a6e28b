"""Giving tags to resources and taking them away (semantics §6.1).

The resource's row is locked meanwhile: it cannot go, and two tags of which there may be one cannot both come.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model

from console import systemtags
from console.errors import InvalidArgument, NotFound, Refusal, check_all
from console.inventory import all_inventories
from console.models import Operation, Tag, TagType
from console.models.resource import Dated
from console.query.schema import near
from console.resources import text_problem
from console.systemtags import TagPattern, Values

TAG_LENGTH = 2048
#: the kernel's own records are no resources
NO_RESOURCES = (Tag, Operation)


@dataclass(frozen=True)
class Effect:
    """What a tag of a pattern does to the resource that has it; each is given the resource and the tag's values.

    `added` runs in the transaction that writes the tag and may refuse.
    """

    added: Callable[[Any, Values], None]


_effects: dict[TagPattern, Effect] = {}


def affects(pattern: TagPattern, effect: Effect) -> None:
    """Register what a tag of the pattern does; what it needs belongs to apps that know more than the pattern."""
    _effects[pattern] = effect


def taggable() -> dict[str, type[Model]]:
    """The resource types that may have tags, with their models."""
    found = {one.resource_type: one.model for one in all_inventories() if one.model}
    return {name: model for name, model in found.items() if issubclass(model, Dated) and model not in NO_RESOURCES}


def model_of(resource_type: str) -> type[Model]:
    """The model behind a resource type. Raises InvalidArgument naming the nearest."""
    known = taggable()
    if resource_type in known:
        return known[resource_type]
    nearest = near(resource_type, known)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"known: {', '.join(sorted(known))}"
    raise InvalidArgument(f"There is no resource type {resource_type}; {hint}", field="resourceType")


def type_of(model: type[Model]) -> str:
    """The resource type of a model; empty for records that have no tags."""
    return next((name for name, one in taggable().items() if one is model), "")


@dataclass(frozen=True)
class Given:
    """Tags that come with a new resource."""

    user: tuple[str, ...] = ()
    system: tuple[str, ...] = ()


NO_TAGS = Given()


def check_given(resource_type: str, given: Given) -> dict[str, Values]:
    """What the system tags say, when a resource of the type could have them all.

    Raises InvalidArgument at userTags or systemTags.
    """
    said: dict[str, Values] = {}
    check_all(
        lambda: check_user_tags(given.user),
        lambda: said.update(systemtags.validate(resource_type, given.system)),
        lambda: _check_length(given.system),
    )
    return said


def give(resource_type: str, uuid: str, given: Given) -> None:
    """Write what has been checked, in the transaction that makes the resource."""
    systemtags.attach(resource_type, uuid, given.system, TagType.SYSTEM)
    systemtags.attach(resource_type, uuid, given.user, TagType.USER)


def _check_length(tags: Iterable[str]) -> None:
    for tag in tags:
        if problem := text_problem(tag, TAG_LENGTH):
            raise InvalidArgument(f'System tag "{tag[:64]}" {problem}', field="systemTags")


def check_user_tags(tags: Iterable[str]) -> None:
    """User tags are free text, but not empty (semantics §6.1)."""
    for tag in tags:
        if problem := text_problem(tag, TAG_LENGTH) or ("" if tag.strip() else "is empty"):
            raise InvalidArgument(f'User tag "{tag[:64]}" {problem}', field="userTags")


def create_user_tag(*, resource_type: str, resource_uuid: str, tag: str) -> Tag:
    """Give a resource a free text; it has it already: nothing happens. Raises InvalidArgument and NotFound."""
    model = model_of(resource_type)
    with _told_at_the_tag():
        check_user_tags([tag])
    with transaction.atomic():
        _lock(model, resource_uuid)
        return _write(resource_type, resource_uuid, tag, TagType.USER)


def create_system_tag(*, resource_type: str, resource_uuid: str, tag: str) -> Tag:
    """Give a resource a tag that Corral acts on. Raises InvalidArgument naming the tag and why, and NotFound."""
    model = model_of(resource_type)
    pattern, values = _checked(resource_type, tag)
    with transaction.atomic():
        row = _lock(model, resource_uuid)
        return _add(row, pattern, tag, values, resource_type=resource_type)


def update_system_tag(*, uuid: str, tag: str) -> Tag:
    """Let a system tag say something else in its pattern, with what follows from that (semantics §6.1).

    Raises InvalidArgument for what only Corral sets and for another pattern, and NotFound.
    """
    found = Tag.objects.filter(pk=uuid, type=TagType.SYSTEM).first()
    if found is None:
        raise NotFound(f"There is no system tag with uuid {uuid}", field="uuid")
    if found.inherent:
        raise InvalidArgument(f"{found} is set by Corral and cannot be changed", field="uuid")
    if tag == found.tag:
        return found
    pattern, values = _checked(found.resource_type, tag)
    if pattern.match(found.tag) is None:
        raise InvalidArgument(f"{tag} is another kind of tag than {found}: add it, and remove this one", field="tag")
    with transaction.atomic():
        row = _lock(model_of(found.resource_type), found.resource_uuid)
        if not Tag.objects.filter(pk=uuid).delete()[0]:
            raise NotFound(f"{found} has just been removed", field="uuid")
        kept = {"uuid": found.pk, "create_date": found.create_date}
        return _add(row, pattern, tag, values, resource_type=found.resource_type, **kept)


def _add(row: Any, pattern: TagPattern, tag: str, values: Values, *, resource_type: str, **kept: Any) -> Tag:
    """Write a system tag of a locked row, once, with its effect; `kept` are columns of the tag whose place it takes."""
    for other in Tag.objects.filter(resource_uuid=row.pk, resource_type=resource_type, type=TagType.SYSTEM):
        if other.tag == tag:
            return other
        if pattern.once and pattern.match(other.tag) is not None:
            raise InvalidArgument(f"{row} has {other.tag} already; only one {pattern.pattern} is allowed", field="tag")
    if effect := _effects.get(pattern):
        with _told_at_the_tag():
            effect.added(row, values)
    return _write(resource_type, row.pk, tag, TagType.SYSTEM, **kept)


def delete_tag(uuid: str) -> Tag | None:
    """Take a tag away; one that is gone is a success. Raises InvalidArgument for what only Corral sets."""
    tag = Tag.objects.filter(pk=uuid).first()
    if tag is None:
        return None
    if tag.inherent:
        raise InvalidArgument(f"{tag} is set by Corral and cannot be deleted", field="uuid")
    Tag.objects.filter(pk=uuid, inherent=False).delete()
    return tag


@contextmanager
def _told_at_the_tag() -> Iterator[None]:
    """What checks and effects refuse is about the one tag that is given, whatever they call its field."""
    try:
        yield
    except Refusal as refusal:
        for part in (refusal, *(refusal.parts if isinstance(refusal, InvalidArgument) else ())):
            part.field = "tag"
        raise


def _checked(resource_type: str, tag: str) -> tuple[TagPattern, Values]:
    with _told_at_the_tag():
        values = systemtags.validate(resource_type, [tag])[tag]
        _check_length([tag])
    return next(one for one in systemtags.offered(resource_type) if one.match(tag) is not None), values


def _lock(model: type[Model], uuid: str) -> Model:
    row = model._base_manager.select_for_update().filter(pk=uuid).first()
    if row is None:
        raise NotFound(f"There is no {model._meta.verbose_name} with uuid {uuid}", field="resourceUuid")
    return row


def _write(resource_type: str, resource_uuid: str, tag: str, kind: TagType, **kept: Any) -> Tag:
    made, _ = Tag.objects.get_or_create(
        resource_uuid=resource_uuid, type=kind, tag=tag, defaults={"resource_type": resource_type, **kept}
    )
    return made
