"""Filters of the kernel's lists."""

import django_filters
from django.db.models import Q

from console.models import Operation, Status
from console.models.operation import OperationQuerySet


class OperationFilter(django_filters.FilterSet):
    """Operations by text, status and subject."""

    q = django_filters.CharFilter(method="search", label="Text")
    status = django_filters.MultipleChoiceFilter(choices=Status)
    subject = django_filters.CharFilter(field_name="subject_uuid", label="Subject")

    class Meta:
        model = Operation
        fields = ["q", "status", "subject"]

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
