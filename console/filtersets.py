"""Filters of the kernel's lists."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from console.models import Operation, Status
from console.models.operation import COMMAND_LINE, OperationQuerySet
from console.operations import flow
from console.query.filters import QUERY, QueryFilter, QueryFilterSet

#: who asked, when no account did: Corral itself, or somebody at the command line; no account can be called so
SYSTEM, CLI = "~system", "~cli"
#: quick choices of time: value -> label and how far back
RECENT: Mapping[str, tuple[str, timedelta]] = {
    "hour": ("Last hour", timedelta(hours=1)),
    "today": ("Today (UTC)", timedelta(0)),
    "week": ("Last 7 days", timedelta(days=7)),
}
LEVELS = {"top": "Show: top level only", "parts": "Show: parts only"}


def kinds() -> list[tuple[str, str]]:
    """Every kind of operation with its flow's label."""
    return sorted(((one.kind, one.label) for one in flow.flows()), key=lambda pair: pair[1])


def mentions(text: str) -> Q:
    """Operations with the text in the title, the subject's name or the user's name; or by a whole uuid."""
    return (
        Q(title__icontains=text)
        | Q(subject_name__icontains=text)
        | Q(created_by__username__icontains=text)
        | Q(subject_uuid=text.lower())
        | Q(uuid=text.lower())
    )


def named(text: str) -> Q:
    """Things with the text in the name, or by a whole uuid."""
    return Q(name__icontains=text) | Q(uuid=text.lower())


class AnyOfField(django_filters.fields.MultipleChoiceField):
    """Several values out of a fixed choice; what is none of it is taken as it is, so far as a database can."""

    def clean(self, value: Any) -> list[str]:
        found: list[str] = super().clean(value)
        return [one.replace("\0", "\N{REPLACEMENT CHARACTER}") for one in found]

    def valid_value(self, value: Any) -> bool:
        del value
        return True


class MomentField(django_filters.fields.IsoDateTimeField):
    """A moment that has a name in UTC as well: on the first and the last day of the calendar not every one does."""

    def to_python(self, value: Any) -> datetime | None:
        found: datetime | None = super().to_python(value)
        try:
            return found.astimezone(UTC) if found else None
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """Rows that have one of the values; one that nobody can have finds nothing, and the list says so."""

    field_class = AnyOfField

    @property
    def known(self) -> list[str]:
        choices = getattr(self.extra["choices"], "choices", self.extra["choices"])
        return [str(value) for value, _ in (choices() if callable(choices) else choices)]


class OperationFilter(QueryFilterSet):
    """Operations by query, status, kind, subject, who asked, when, and their place in larger ones."""

    q = QueryFilter(Operation, mentions)
    status = AnyOfFilter(choices=Status)
    kind = AnyOfFilter(choices=kinds, label="Kind")
    subject = django_filters.CharFilter(method="about", label="Subject")
    who = django_filters.CharFilter(method="asked_by", label="Who")
    recent = django_filters.ChoiceFilter(
        choices=[(name, label) for name, (label, _) in RECENT.items()], method="not_long_ago", label="When"
    )
    since = MomentFilter(field_name="create_date", lookup_expr="gte", label="From")
    until = MomentFilter(field_name="create_date", lookup_expr="lte", label="To")
    level = django_filters.ChoiceFilter(choices=list(LEVELS.items()), method="at_level", label="Show")
    parent = django_filters.CharFilter(field_name="parent_id", label="Part of")

    class Meta:
        model = Operation
        fields = ["q", "status", "kind", "subject", "who", "recent", "since", "until", "level", "parent"]

    def about(self, rows: OperationQuerySet, name: str, text: str) -> OperationQuerySet:
        """One resource: its uuid, or its whole name as it was then."""
        del name
        return rows.about(text.lower()) | rows.filter(subject_name__iexact=text)

    def asked_by(self, rows: OperationQuerySet, name: str, who: str) -> OperationQuerySet:
        del name
        if who in (SYSTEM, CLI):
            return rows.filter(created_by=None, via=COMMAND_LINE if who == CLI else "")
        return rows.filter(created_by__username=who)

    def not_long_ago(self, rows: OperationQuerySet, name: str, recent: str) -> OperationQuerySet:
        del name
        now = timezone.now()
        back = RECENT[recent][1]
        return rows.filter(create_date__gte=now - back if back else now.replace(hour=0, minute=0, second=0))

    def at_level(self, rows: OperationQuerySet, name: str, level: str) -> OperationQuerySet:
        del name
        return rows.filter(parent__isnull=level == "top")


class RowFilter(django_filters.CharFilter):
    """Rows of one other resource, by its uuid; `resource` lets the list say when it is not there."""

    def __init__(self, resource: type[Model], field_name: str, label: str | None = None) -> None:
        super().__init__(field_name=field_name, label=label)
        self.resource = resource


class ScopeFilter(RowFilter):
    """Rows that hang on one other resource, in whatever way; the list names it."""

    def filter(self, rows: QuerySet, uuid: str) -> QuerySet:
        """No join: however many ways a row hangs on it, such as by two NICs, it is there once and counts once."""
        if not uuid:
            return rows
        found = rows.model._default_manager.filter(**{self.field_name: uuid})
        return rows.filter(pk__in=found.values("pk"))


def name_filter(
    model: type[Model],
    choices: Mapping[str, Any] | None = None,
    scopes: Mapping[str, tuple[type[Model], str]] | None = None,
    search: Callable[[str], Q] | None = None,
) -> type[QueryFilterSet]:
    """The FilterSet of a resource: its query, `choices` (field: enumeration), `scopes` (parameter: model, lookup).

    `search` is what a bare word asks where more than the name can have it.
    """
    fields: dict[str, Any] = {QUERY: QueryFilter(model, search)}
    fields |= {name: AnyOfFilter(choices=kinds.choices) for name, kinds in (choices or {}).items()}
    fields |= {name: ScopeFilter(resource, lookup) for name, (resource, lookup) in (scopes or {}).items()}
    meta = type("Meta", (), {"model": model, "fields": [*fields]})
    return type(
        f"{model.__name__}Filter", (QueryFilterSet,), {**fields, "Meta": meta, "__doc__": QueryFilterSet.__doc__}
    )
