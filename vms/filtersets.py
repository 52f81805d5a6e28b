"""Filters of the lists of VMs."""

import django_filters
from django.http import QueryDict

from console.models import Operation
from vms.models import VmInstance
from vms.models.vm import VmQuerySet
from vms.states import VmState
from vms.wizard import key_prefix

#: what a list is narrowed by with a choice: related rows by name
CHOICES = {"host": "Host", "cluster": "Cluster", "image": "Image"}


class VmFilter(django_filters.FilterSet):
    """VMs by part of the name, by state, place and image; without a state, destroyed ones are left out.

    `batch` are the VMs of one submit of the create wizard.
    """

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Name")
    state = django_filters.MultipleChoiceFilter(choices=[(state.value, state.value) for state in VmState])
    host = django_filters.CharFilter(field_name="host_id", label="Host")
    cluster = django_filters.CharFilter(field_name="cluster_id", label="Cluster")
    zone = django_filters.CharFilter(field_name="zone_id", label="Zone")
    image = django_filters.CharFilter(field_name="image_id", label="Image")
    batch = django_filters.CharFilter(method="created_together", label="Created together")

    class Meta:
        model = VmInstance
        fields = ["q", "state", "host", "cluster", "zone", "image", "batch"]

    def created_together(self, rows: VmQuerySet, name: str, key: str) -> VmQuerySet:
        del name
        made = Operation.objects.filter(idempotency_key__startswith=key_prefix(key))
        return rows.filter(pk__in=made.values("subject_uuid"))


def matching(query: QueryDict) -> VmQuerySet:
    """The VMs that an address of the list asks for; destroyed ones only when it asks for their state."""
    found = VmFilter(query, VmInstance.objects.all())
    rows: VmQuerySet = found.qs
    return rows if found.form.cleaned_data.get("state") else rows.visible()
