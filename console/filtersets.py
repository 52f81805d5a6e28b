"""Filters of the kernel's lists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from console.models import Operation, Status
from console.models.operation import COMMAND_LINE, OperationQuerySet
from console.operations import flow

#: who asked, when no account did: Corral itself, or somebody at the command line; no account can be called so
SYSTEM, CLI = "~system", "~cli"
#: quick choices of time: value -> label and how far back
RECENT: Mapping[str, tuple[str, timedelta]] = {
    "hour": ("Last hour", timedelta(hours=1)),
    "today": ("Today (UTC)", timedelta(0)),
    "week": ("Last 7 days", timedelta(days=7)),
}
LEVELS = {"top": "Top level", "parts": "Parts of a larger one"}


def kinds() -> list[tuple[str, str]]:
    """Every kind of operation with its flow's label."""
    return sorted(((one.kind, one.label) for one in flow.flows()), key=lambda pair: pair[1])


class OperationFilter(django_filters.FilterSet):
    """Operations by text, status, kind, subject, who asked, when, and their place in larger ones."""

    q = django_filters.CharFilter(method="search", label="Text")
    status = django_filters.MultipleChoiceFilter(choices=Status)
    kind = django_filters.MultipleChoiceFilter(choices=kinds, label="Kind")
    subject = django_filters.CharFilter(method="about", label="Subject")
    who = django_filters.CharFilter(method="asked_by", label="Who")
    recent = django_filters.ChoiceFilter(
        choices=[(name, label) for name, (label, _) in RECENT.items()], method="not_long_ago", label="When"
    )
    since = django_filters.IsoDateTimeFilter(field_name="create_date", lookup_expr="gte", label="From")
    until = django_filters.IsoDateTimeFilter(field_name="create_date", lookup_expr="lte", label="To")
    level = django_filters.ChoiceFilter(choices=list(LEVELS.items()), method="at_level", label="Level")
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

    def search(self, rows: OperationQuerySet, name: str, text: str) -> OperationQuerySet:
        """Part of the title, of the subject's name or of the user's name; or a whole uuid."""
        del name
        return rows.filter(
            Q(title__icontains=text)
            | Q(subject_name__icontains=text)
            | Q(created_by__username__icontains=text)
            | Q(subject_uuid=text.lower())
            | Q(uuid=text.lower())
        )


class NameFilter(django_filters.FilterSet):
    """Named resources by part of the name or the description, or by a whole uuid."""

    q = django_filters.CharFilter(method="search", label="Text")

    def search(self, rows: QuerySet, name: str, text: str) -> QuerySet:
        del name
        return rows.filter(Q(name__icontains=text) | Q(description__icontains=text) | Q(uuid=text.lower()))


class ScopeFilter(django_filters.CharFilter):
    """Rows that hang on one other resource, by its uuid; `resource` lets the list name it."""

    def __init__(self, resource: type[Model], field_name: str) -> None:
        super().__init__(field_name=field_name)
        self.resource = resource

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
) -> type[NameFilter]:
    """The FilterSet of a resource: its text, `choices` (field: enumeration), `scopes` (parameter: model, lookup)."""
    fields: dict[str, Any] = {
        name: django_filters.MultipleChoiceFilter(choices=kinds.choices) for name, kinds in (choices or {}).items()
    }
    fields |= {name: ScopeFilter(resource, lookup) for name, (resource, lookup) in (scopes or {}).items()}
    meta = type("Meta", (), {"model": model, "fields": ["q", *fields]})
    return type(f"{model.__name__}Filter", (NameFilter,), {**fields, "Meta": meta, "__doc__": NameFilter.__doc__})
