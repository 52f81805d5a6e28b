"""User tags in lists: what stands in their column, and where all that have one are listed."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from console.lists.page import changed
from console.models import Tag, TagType
from console.pages.addresses import view_of
from console.query.complete import quoted
from console.query.filters import QUERY
from console.query.parser import Op
from console.query.question import read
from console.query.schema import USER_TAG
from console.templatetags import corral


def tagged_url(model: type[Model]) -> Callable[[str], str]:
    """From a user tag to the list of what has it."""
    space = view_of(model.__name__).rpartition(":")[0]
    return lambda tag: f"{reverse(f'{space}:list')}?{urlencode({QUERY: _condition(tag)})}"


def _condition(tag: str) -> str:
    return f"{USER_TAG}={quoted(tag, Op.EQ)}"


def narrowed(query: QueryDict, tags: Iterable[str]) -> dict[str, str]:
    """By user tag, the address of a list narrowed to what has it as well; whatever else it was asked for stays."""
    asked = read(query.get(QUERY, ""))
    written = [asked.words_of(part) for part in asked.parts]
    conditions = {tag: _condition(tag) for tag in tags}
    return {
        tag: changed(query, QUERY, " ".join(written if condition in written else [*written, condition]))
        for tag, condition in conditions.items()
    }


def read_tags(resource_type: str) -> Callable[[list[Any], QueryDict], None]:
    """Put the user tags of a page's rows beside them, in one statement, each with the address that narrows to it."""

    def prepare(rows: list[Any], query: QueryDict) -> None:
        found: dict[str, list[str]] = {row.pk: [] for row in rows}
        tags = Tag.objects.filter(resource_uuid__in=list(found), resource_type=resource_type, type=TagType.USER)
        for uuid, tag in tags.order_by("tag").values_list("resource_uuid", "tag"):
            found[uuid].append(tag)
        urls = narrowed(query, {tag for given in found.values() for tag in given})
        for row in rows:
            row.user_tags = [(urls[tag], tag) for tag in found[row.pk]]

    return prepare


def chips(row: Any) -> str:
    """The user tags of a row, each narrowing the list to all that have it."""
    shown = [(url, tag, tag) for url, tag in row.user_tags]
    links = format_html_join("", '<a class="chip" href="{}" title="{}">{}</a>', shown)
    return format_html('<span class="chips">{}</span>', links) if shown else corral.NOTHING
