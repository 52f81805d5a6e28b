"""Filters of the lists of VMs."""

import django_filters

from vms.models import VmInstance
from vms.states import VmState


class VmFilter(django_filters.FilterSet):
    """VMs by part of the name, by state and by place; without a state, destroyed ones are left out."""

    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Name")
    state = django_filters.MultipleChoiceFilter(choices=[(state.value, state.value) for state in VmState])
    host = django_filters.CharFilter(field_name="host_id", label="Host")
    cluster = django_filters.CharFilter(field_name="cluster_id", label="Cluster")
    zone = django_filters.CharFilter(field_name="zone_id", label="Zone")

    class Meta:
        model = VmInstance
        fields = ["q", "state", "host", "cluster", "zone"]
