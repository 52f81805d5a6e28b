"""Forms of data volumes."""

from typing import Any

from console.forms import NamedForm, RowField
from console.models import Enablement
from console.models.resource import NAME_LENGTH
from console.naming import format_size
from hosts.models import PrimaryStorage
from vms.attaching import clusters_of
from vms.models import DiskOffering, VmInstance


class OfferingField(RowField):
    """A disk offering: its name and its size."""

    def __init__(self) -> None:
        rows = DiskOffering.objects.filter(state=Enablement.ENABLED).order_by("sort_key", "disk_size", "name")
        super().__init__(rows, label="Disk offering")

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {format_size(obj.disk_size)}"


class StorageField(RowField):
    """A primary storage, or none: then any that has room."""

    def __init__(self, help_text: str) -> None:
        rows = PrimaryStorage.objects.filter(state=Enablement.ENABLED).order_by("name", "pk")
        super().__init__(rows, label="Primary storage", required=False, empty_label="Automatic", help_text=help_text)


class VolumeForm(NamedForm):
    """A new data volume that belongs to no VM yet."""

    disk_offering = OfferingField()
    primary_storage = StorageField("Only VMs of clusters that it is attached to can use the volume.")

    field_order = ("fresh", "name", "description", "disk_offering", "primary_storage")


class VmVolumeForm(NamedForm):
    """A new data volume for one VM; the key of its question makes sending it twice one."""

    fresh = None  # type: ignore[assignment]  # Django's way to leave out an inherited field
    disk_offering = OfferingField()
    primary_storage = StorageField("One that the VM's cluster is attached to.")

    field_order = ("name", "description", "disk_offering", "primary_storage")

    def __init__(self, *args: Any, vm: VmInstance, **kwargs: Any) -> None:
        super().__init__(*args, initial={"name": f"DATA-for-{vm.name}"[:NAME_LENGTH]}, **kwargs)
        storages: Any = self.fields["primary_storage"]
        storages.queryset = storages.queryset.filter(clusters__in=clusters_of(vm)).distinct()
