"""Admin pages of places and machines."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest

from console.admin_base import (
    AttachedForm,
    NoDelete,
    ReadOnlyInline,
    ResourceAdmin,
    ResourceForm,
    Switches,
    size_column,
)
from hosts.address import default_uri
from hosts.models import Cluster, Host, ImageStore, LocalStorageHost, PrimaryStorage, Zone
from hosts.services import add_host, change_cluster_state, change_host_state, change_zone_state


@admin.register(Zone)
class ZoneAdmin(Switches, ResourceAdmin):
    """Zones; enabling and disabling reaches their clusters and hosts."""

    change_state = staticmethod(change_zone_state)
    list_display = ("name", "state", "create_date")
    list_filter = ("state",)


class HostInline(ReadOnlyInline):
    """The hosts of a cluster."""

    model = Host
    fields = ("name", "management_ip", "state", "status", "total_cpu", "used_cpu", "total_memory", "used_memory")


@admin.register(Cluster)
class ClusterAdmin(Switches, ResourceAdmin):
    """Clusters; enabling and disabling reaches their hosts."""

    change_state = staticmethod(change_cluster_state)
    fixed = ("zone", "hypervisor_type")
    list_display = ("name", "zone", "hypervisor_type", "state", "create_date")
    list_filter = ("state", "zone")
    inlines = (HostInline,)


class HostForm(ResourceForm):
    """A host is reached by its address when no URI is given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "uri" in self.fields:
            self.fields["uri"].required = False
            self.fields["uri"].help_text = f"empty: {default_uri('ADDRESS')}"

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if "uri" in self.fields and not found.get("uri") and found.get("management_ip"):
            found["uri"] = default_uri(found["management_ip"])
        return found


@admin.register(Host)
class HostAdmin(NoDelete, Switches, ResourceAdmin):
    """Hosts; adding one shakes hands with it, and when that fails the host is not added."""

    change_state = staticmethod(change_host_state)
    form = HostForm
    fixed = ("cluster", "management_ip", "uri", "hypervisor_type")
    list_display = (
        "name", "cluster", "management_ip", "state", "status", "cpu", "memory", "libvirt_version", "qemu_version",
        "emulation",
    )  # fmt: skip
    list_filter = ("state", "status", "cluster", "emulation")
    search_fields = ("name", "uuid", "management_ip", "hostname")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ("name", "description", "cluster", "management_ip", "uri")
        return super().get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Model, form: forms.ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        host: Any = obj
        user: Any = request.user
        operation = add_host(
            name=host.name,
            description=host.description,
            cluster_uuid=host.cluster_id,
            management_ip=host.management_ip,
            uri=host.uri,
            resource_uuid=host.uuid,
            user=user,
        )
        messages.info(request, f"{operation.title} has begun; the host disappears again when it fails.")

    @admin.display(description="CPUs reserved", ordering="used_cpu")
    def cpu(self, row: Host) -> str:
        return f"{row.used_cpu} on {row.total_cpu} cores"

    memory = size_column("used_memory", "memory reserved")


class LocalPartInline(ReadOnlyInline):
    """The parts of a local storage on its hosts."""

    model = LocalStorageHost
    fields = ("host", "total_capacity", "used_capacity")
    show_change_link = False


@admin.register(PrimaryStorage)
class PrimaryStorageAdmin(ResourceAdmin):
    """Primary storages; a host learns of a new one when it is reconnected."""

    form = AttachedForm
    fixed = ("zone", "type", "url")
    list_display = ("name", "zone", "type", "url", "state", "status", "total", "used")
    list_filter = ("type", "state", "status", "zone")
    inlines = (LocalPartInline,)
    total = size_column("total_capacity", "size")
    used = size_column("used_capacity", "reserved")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        free = obj is None or not obj.used_capacity
        return free and super().has_delete_permission(request, obj)


@admin.register(ImageStore)
class ImageStoreAdmin(NoDelete, ResourceAdmin):
    """Folders of images; deleting one would leave its files."""

    fixed = ("url",)
    list_display = ("name", "url", "state", "status", "create_date")
    list_filter = ("state", "status")
