"""Filters of the kernel's lists."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import Model, Q, QuerySet

from console.models import Operation, Status
from console.models.operation import OperationQuerySet


class OperationFilter(django_filters.FilterSet):
    """Operations by text, status and subject."""

    q = django_filters.CharFilter(method="search", label="Text")
    status = django_filters.MultipleChoiceFilter(choices=Status)
    subject = django_filters.CharFilter(method="about", label="Subject")

    class Meta:
        model = Operation
        fields = ["q", "status", "subject"]

    def about(self, rows: OperationQuerySet, name: str, uuid: str) -> OperationQuerySet:
        del name
        return rows.about(uuid)

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
        super().__init__(field_name=field_name, distinct=True)
        self.resource = resource


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
