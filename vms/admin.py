"""Admin pages of VMs and what they are made of."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.admin_base import CorralAdmin, NoAdd, NoDelete, ReadOnly, ReadOnlyInline, ResourceAdmin, size_column
from vms.models import (
    CachedImage,
    DiskOffering,
    Eip,
    Image,
    InstanceOffering,
    PortForwardingRule,
    VmInstance,
    VmNic,
    Volume,
)


class NicInline(ReadOnlyInline):
    """The NICs of a VM."""

    model = VmNic
    fields = ("device_id", "ip", "mac", "l3_network", "internal_name")


class VolumeInline(ReadOnlyInline):
    """The volumes of a VM."""

    model = Volume
    fields = ("device_id", "name", "type", "size", "status", "primary_storage")


@admin.register(VmInstance)
class VmInstanceAdmin(NoAdd, NoDelete, ResourceAdmin):
    """VMs; only name and description are edited here, everything else is an operation."""

    list_display = ("name", "state", "host", "cpu_num", "memory", "image", "create_date")
    list_filter = ("state", "type", "zone", "cluster", "host")
    search_fields = ("name", "uuid", "description", "nics__ip", "nics__mac")
    inlines = (NicInline, VolumeInline)
    memory = size_column("memory_size", "memory")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(field.name for field in self.opts.fields if field.name not in ("name", "description"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        messages.info(request, "VMs are created with the wizard of the console, which finds them a host.")
        return HttpResponseRedirect(reverse("admin:vms_vminstance_changelist"))


class EipInline(ReadOnlyInline):
    """The EIP of a NIC."""

    model = Eip
    fields = ("name", "vip", "state")


class PortForwardingRuleInline(ReadOnlyInline):
    """The ports that are forwarded to a NIC."""

    model = PortForwardingRule
    fields = ("name", "vip", "protocol_type", "vip_port_start", "vip_port_end", "private_port_start", "state")


@admin.register(VmNic)
class VmNicAdmin(ReadOnly, CorralAdmin):
    """NICs."""

    inlines = (EipInline, PortForwardingRuleInline)

    list_display = ("ip", "mac", "vm", "l3_network", "device_id", "internal_name")
    list_filter = ("l3_network",)
    search_fields = ("ip", "mac", "uuid", "vm__name")


@admin.register(Volume)
class VolumeAdmin(NoAdd, NoDelete, ResourceAdmin):
    """Volumes; only name and description are edited here."""

    list_display = ("name", "type", "vm", "shown_size", "status", "state", "primary_storage")
    list_filter = ("type", "status", "state", "primary_storage")
    search_fields = ("name", "uuid", "vm__name")
    shown_size = size_column("size", "size")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(field.name for field in self.opts.fields if field.name not in ("name", "description"))


class CachedImageInline(ReadOnlyInline):
    """The copies of an image on primary storages."""

    model = CachedImage
    fields = ("primary_storage", "ready", "tries", "size")


@admin.register(Image)
class ImageAdmin(NoAdd, NoDelete, ResourceAdmin):
    """Images; their files are brought in and removed by operations."""

    fixed = ("image_store", "url", "format", "media_type", "size", "hypervisor_type")
    list_display = ("name", "media_type", "format", "platform", "shown_size", "state", "status", "image_store")
    list_filter = ("media_type", "format", "platform", "state", "status")
    search_fields = ("name", "uuid", "guest_os_type", "url")
    inlines = (CachedImageInline,)
    shown_size = size_column("size", "virtual size")


@admin.register(CachedImage)
class CachedImageAdmin(ReadOnly, CorralAdmin):
    """Copies of images on primary storages."""

    list_display = ("image", "primary_storage", "ready", "tries", "shown_size")
    list_filter = ("ready", "primary_storage")
    search_fields = ("image__name", "uuid")
    shown_size = size_column("size", "reserved")


@admin.register(InstanceOffering)
class InstanceOfferingAdmin(ResourceAdmin):
    """Instance offerings; changes never touch VMs that exist."""

    list_display = ("name", "cpu_num", "memory", "type", "allocator_strategy", "state", "sort_key")
    list_filter = ("type", "state", "allocator_strategy")
    memory = size_column("memory_size", "memory")


@admin.register(DiskOffering)
class DiskOfferingAdmin(ResourceAdmin):
    """Disk offerings."""

    list_display = ("name", "size", "state", "sort_key")
    list_filter = ("state",)
    size = size_column("disk_size", "size")


@admin.register(Eip)
class EipAdmin(NoAdd, NoDelete, ResourceAdmin):
    """EIPs; made, attached and deleted in the console, name and description are edited here."""

    fixed = ("vip", "nic")
    list_display = ("name", "vip", "nic", "state", "create_date")
    list_filter = ("state",)
    list_select_related = ("vip", "nic")
    search_fields = ("name", "uuid", "vip__ip", "nic__ip", "nic__vm__name")


@admin.register(PortForwardingRule)
class PortForwardingRuleAdmin(NoAdd, NoDelete, ResourceAdmin):
    """Port forwarding rules; made, attached and deleted in the console, name and description are edited here."""

    fixed = (
        "vip", "nic", "protocol_type", "vip_port_start", "vip_port_end", "private_port_start", "private_port_end",
        "allowed_cidr",
    )  # fmt: skip
    list_display = ("name", "vip", "protocol_type", "vip_port_start", "vip_port_end", "nic", "state")
    list_filter = ("state", "protocol_type")
    list_select_related = ("vip", "nic")
    search_fields = ("name", "uuid", "vip__ip", "nic__ip", "nic__vm__name")
