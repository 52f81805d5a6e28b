"""What stands in one cell of a table or beside one property: functions from a row to a piece of HTML."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from console import faces
from console.faces import Faces, face_of
from console.templatetags import corral

Cell = Callable[[Any], str]


def value_of(row: Any, path: str) -> Any:
    """What a dotted path leads to; None when something on it is missing."""
    try:
        return attrgetter(path)(row)
    except (AttributeError, ObjectDoesNotExist):
        return None


def text(path: str) -> Cell:
    return lambda row: _or_nothing(value_of(row, path), "{}")


def code(path: str) -> Cell:
    return lambda row: _or_nothing(value_of(row, path), "<code>{}</code>")


def yes_no(path: str) -> Cell:
    return lambda row: "yes" if value_of(row, path) else "no"


def size(path: str) -> Cell:
    return lambda row: corral.size(value_of(row, path))


def ago(path: str = "create_date") -> Cell:
    return lambda row: corral.ago(value_of(row, path))


def clock(path: str) -> Cell:
    return lambda row: corral.clock(value_of(row, path))


def badge(path: str, table: Faces, classes: str = "") -> Cell:
    return lambda row: corral.badge(face_of(table, value_of(row, path)), classes)


def enablement(classes: str = "bare") -> Cell:
    return badge("state", faces.ENABLEMENT, classes)


def name() -> Cell:
    """The row's name, leading to its page."""
    return lambda row: format_html('<a class="name" href="{}">{}</a>', address(row), row)


def link(path: str) -> Cell:
    """Another resource, leading to its page."""

    def cell(row: Any) -> str:
        found = value_of(row, path)
        return corral.NOTHING if found is None else linked(found)

    return cell


def linked(row: Model) -> str:
    """A resource's name, leading to its page where it has one."""
    where = address(row)
    return format_html('<a href="{}">{}</a>', where, row) if where else format_html("{}", row)


def links(path: str) -> Cell:
    """Several resources; `path` is a prefetched relation."""

    def cell(row: Any) -> str:
        pieces = [(linked(other),) for other in value_of(row, path).all()]
        return format_html_join(", ", "{}", pieces) if pieces else corral.NOTHING

    return cell


def address(row: Any) -> str:
    """Where a row's page is; empty when its kind has none."""
    return corral.page_of(type(row).__name__, row.pk)


def count(path: str, view: str = "", parameter: str = "") -> Cell:
    """How many, leading to the list that shows them."""

    def cell(row: Any) -> str:
        number = value_of(row, path) or 0
        if not number:
            return format_html('<span class="none">{}</span>', 0)
        if not view:
            return str(number)
        return format_html('<a href="{}?{}={}">{}</a>', reverse(view), parameter, row.pk, number)

    return cell


def gauge(label: str, used: Callable[[Any], int], total: Callable[[Any], int], *, sizes: bool = True) -> Cell:
    """How much of something is taken, as a bar with its figures."""

    def cell(row: Any) -> str:
        taken, whole = used(row) or 0, total(row) or 0
        shown = (corral.size(taken), corral.size(whole)) if sizes else (str(taken), str(whole))
        percent = corral.percent_of(taken, whole)
        return format_html(
            '<div class="gauge"><div class="gauge-text"><span>{0}</span><span><b>{1}</b> of {2}</span></div>'
            '<progress class="tone-{4}" max="100" value="{3}" aria-label="{0}: {1} of {2} ({3} %)">{3} %</progress>'
            "</div>",
            label,
            *shown,
            percent,
            corral.fill_tone(percent),
        )

    return cell


def word(path: str, words: Mapping[Any, str]) -> Cell:
    """A value by its word for people."""
    return lambda row: words.get(value_of(row, path), str(value_of(row, path)))


def joined(path: str) -> Cell:
    """A list of texts, one below the other."""

    def cell(row: Any) -> str:
        found = value_of(row, path) or []
        return format_html_join("", "<div><code>{}</code></div>", [(one,) for one in found]) or corral.NOTHING

    return cell


def noted(main: Cell, note: Callable[[Any], str]) -> Cell:
    """A cell with a smaller line below it."""

    def cell(row: Any) -> str:
        extra = note(row)
        return format_html('{}<span class="note">{}</span>', main(row), extra) if extra else main(row)

    return cell


def _or_nothing(found: Any, form: str) -> str:
    return corral.NOTHING if found is None or found == "" else format_html(form, found)
