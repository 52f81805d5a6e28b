"""Filters of the lists of VMs."""

import django_filters
from django.http import QueryDict

from console.errors import InvalidArgument
from console.filtersets import AnyOfFilter, RowFilter, ScopeFilter
from console.lists.unknown import unknown_values
from console.models import Operation
from console.query.filters import QUERY, QueryFilter, QueryFilterSet
from hosts.models import Cluster, Host, PrimaryStorage, Zone
from networks.models import IpRange, L2Network, L3Network
from vms.models import Image, InstanceOffering, VmInstance
from vms.models.vm import VmQuerySet
from vms.states import VmState
from vms.wizard import key_prefix

#: what a list is narrowed by with a choice: related rows by name
CHOICES = {"host": "Host", "cluster": "Cluster", "image": "Image"}


class VmFilter(QueryFilterSet):
    """VMs by query, by state, and by what holds them; destroyed ones are left out unless they are asked for.

    `batch` are the VMs of one submit of the create wizard.
    """

    q = QueryFilter(VmInstance)
    state = AnyOfFilter(choices=[(state.value, state.value) for state in VmState])
    host = RowFilter(Host, "host_id", "Host")
    cluster = RowFilter(Cluster, "cluster_id", "Cluster")
    zone = ScopeFilter(Zone, "zone_id")
    l3_network = ScopeFilter(L3Network, "nics__l3_network_id")
    l2_network = ScopeFilter(L2Network, "nics__l3_network__l2_network_id")
    ip_range = ScopeFilter(IpRange, "nics__used_ip__ip_range_id")
    storage = ScopeFilter(PrimaryStorage, "volumes__primary_storage_id")
    offering = ScopeFilter(InstanceOffering, "instance_offering_id")
    image = RowFilter(Image, "image_id", "Image")
    batch = django_filters.CharFilter(method="created_together", label="Created together")

    class Meta:
        model = VmInstance
        fields = [
            "q", "state", "host", "cluster", "zone", "l3_network", "l2_network", "ip_range", "storage", "offering",
            "image", "batch",
        ]  # fmt: skip

    def created_together(self, rows: VmQuerySet, name: str, key: str) -> VmQuerySet:
        del name
        made = Operation.objects.filter(idempotency_key__startswith=key_prefix(key))
        return rows.filter(pk__in=made.values("subject_uuid"))


def matching(query: QueryDict) -> VmQuerySet:
    """The VMs that an address of the list asks for. Raises InvalidArgument when it cannot be understood."""
    found = VmFilter(query, VmInstance.objects.all())
    if found.problem:
        raise InvalidArgument(found.problem, field=QUERY)
    if unknown := unknown_values(VmFilter.base_filters, query):
        raise InvalidArgument(unknown[0].text)
    rows: VmQuerySet = found.qs
    return rows
