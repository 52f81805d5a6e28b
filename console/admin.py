"""Admin pages of the kernel."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from console import globalconfig
from console.admin_base import CorralAdmin, NoAdd, ReadOnly, ReadOnlyInline
from console.errors import CorralError
from console.inventory import all_inventories
from console.models import ApiToken, GlobalConfig, Operation, OperationStep, ResourceLock, Tag, TagType

admin.site.site_header = "Corral inventory"
admin.site.site_title = "Corral"
admin.site.index_title = "Inventory"


class GlobalConfigForm(forms.ModelForm):
    """Values follow the definition of their configuration."""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        category = found.get("category", self.instance.category)
        name = found.get("name", self.instance.name)
        if "value" in found and category and name:
            try:
                config = globalconfig.find(category, name)
                found["value"] = config.kind.show(config.parse(found["value"]))
            except CorralError as error:
                raise forms.ValidationError(error.details) from error
        return found


@admin.register(GlobalConfig)
class GlobalConfigAdmin(CorralAdmin):
    """Values that differ from their defaults; deleting one brings the default back."""

    form = GlobalConfigForm
    fixed = ("category", "name")
    readonly_fields = ("description", "default")
    list_display = ("category", "name", "value", "default", "last_op_date")
    list_display_links = ("name",)
    list_filter = ("category",)
    search_fields = ("category", "name", "value")

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("last_op_date",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ("category", "name", "value", *(("description", "default") if obj else ()))

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        row: Any = obj
        globalconfig.update(row.category, row.name, row.value, request.user)
        row.pk = GlobalConfig.objects.get(category=row.category, name=row.name).pk

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        row: Any = obj
        known = {config.key for config in globalconfig.definitions()}
        if (row.category, row.name) in known:
            globalconfig.reset(row.category, row.name, request.user)
        else:
            row.delete()

    @admin.display(description="default")
    def default(self, row: GlobalConfig) -> str:
        return self._inventory(row).get("defaultValue", "")

    @admin.display(description="description")
    def description(self, row: GlobalConfig) -> str:
        return self._inventory(row).get("description", "no longer used")

    def _inventory(self, row: GlobalConfig) -> dict[str, str]:
        known = {config.key: config for config in globalconfig.definitions()}
        config = known.get((row.category, row.name))
        return {"defaultValue": config.kind.show(config.default), "description": config.description} if config else {}


def resource_types() -> list[tuple[str, str]]:
    return sorted((one.resource_type, one.name) for one in all_inventories() if one.model)


class TagForm(forms.ModelForm):
    """A user tag for a resource that exists."""

    resource_type = forms.ChoiceField(choices=resource_types)

    class Meta:
        model = Tag
        fields = ("resource_type", "resource_uuid", "tag")

    def clean_resource_uuid(self) -> str:
        uuid: str = self.cleaned_data["resource_uuid"].lower()
        chosen = self.cleaned_data.get("resource_type")
        for one in all_inventories():
            if one.resource_type == chosen and not one.rows().filter(pk=uuid).exists():
                raise forms.ValidationError(f"There is no {one.name} with uuid {uuid}")
        return uuid


@admin.register(Tag)
class TagAdmin(CorralAdmin):
    """Tags; user tags can be made and deleted, system tags belong to Corral's own commands."""

    form = TagForm
    list_display = ("tag", "type", "resource_type", "resource_uuid", "inherent", "create_date")
    list_filter = ("type", "resource_type", "inherent")
    search_fields = ("tag", "resource_uuid")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        names = ("resource_type", "resource_uuid", "tag")
        return names if obj is None else (*names, "type", "inherent", "create_date", "last_op_date")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = obj is None or obj.type == TagType.USER
        return mine and super().has_delete_permission(request, obj)


class StepInline(ReadOnlyInline):
    """The steps of an operation."""

    model = OperationStep
    fields = ("position", "label", "status", "attempts", "started", "finished", "done", "total", "note", "error")
    show_change_link = False


class LockInline(ReadOnlyInline):
    """The resources that an operation holds."""

    model = ResourceLock
    fields = ("resource_uuid",)
    show_change_link = False


@admin.register(Operation)
class OperationAdmin(ReadOnly, CorralAdmin):
    """The record of every change."""

    list_display = ("title", "kind", "status", "subject_name", "created_by", "create_date", "duration")
    list_filter = ("status", "kind", "subject_type")
    search_fields = ("uuid", "title", "subject_uuid", "subject_name", "created_by__username")
    date_hierarchy = "create_date"
    inlines = (StepInline, LockInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        """A placement report alone can be a megabyte: the list leaves such columns out."""
        return super().get_queryset(request).defer("report", "arguments", "data")


@admin.register(ResourceLock)
class ResourceLockAdmin(ReadOnly, CorralAdmin):
    """Which resource is held by which open operation."""

    list_display = ("resource_uuid", "operation")
    search_fields = ("resource_uuid", "operation__title")


@admin.register(ApiToken)
class ApiTokenAdmin(NoAdd, CorralAdmin):
    """The tokens of all people. Deleting one revokes it; people make their own, since a key is shown once."""

    list_display = ("name", "user", "create_date", "expires", "last_used", "scope")
    list_filter = ("user",)
    search_fields = ("name", "user__username")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ("name", "user", "scope", "create_date", "expires", "last_used")
