"""User tags in lists: what stands in their column, and where all that have one are listed."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from console.models import Tag, TagType
from console.pages.addresses import view_of
from console.pages.cells import Cell
from console.query.complete import quoted
from console.query.filters import QUERY
from console.query.parser import Op
from console.query.schema import USER_TAG
from console.templatetags import corral


def tagged_url(model: type[Model]) -> Callable[[str], str]:
    """From a user tag to the list of what has it."""
    space = view_of(model.__name__).rpartition(":")[0]
    return lambda tag: f"{reverse(f'{space}:list')}?{urlencode({QUERY: f'{USER_TAG}={quoted(tag, Op.EQ)}'})}"


def read_tags(resource_type: str) -> Callable[[Iterable[Any]], None]:
    """Put the user tags of a page's rows beside them, in one statement."""

    def read(rows: Iterable[Any]) -> None:
        found: dict[str, list[str]] = {row.pk: [] for row in rows}
        tags = Tag.objects.filter(resource_uuid__in=list(found), resource_type=resource_type, type=TagType.USER)
        for uuid, tag in tags.order_by("tag").values_list("resource_uuid", "tag"):
            found[uuid].append(tag)
        for row in rows:
            row.user_tags = found[row.pk]

    return read


def chips(model: type[Model]) -> Cell:
    """The user tags of a row, each leading to all that have it."""
    where = tagged_url(model)

    def cell(row: Any) -> str:
        pairs = [(where(tag), tag, tag) for tag in row.user_tags]
        links = format_html_join("", '<a class="chip" href="{}" title="{}">{}</a>', pairs)
        return format_html('<span class="chips">{}</span>', links) if pairs else corral.NOTHING

    return cell
