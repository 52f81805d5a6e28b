"""What the admin pages of all apps share.

The admin is for inventory: people make and name things there. What Corral itself keeps (states, reservations,
observations, leases) is shown and never edited, and a change writes only the columns that were changed: the rest of
the row may have moved since the page was opened.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from console.errors import CorralError, Refusal
from console.models import Dated, Resource, Tag
from console.naming import format_size, name_problem

#: columns that only Corral writes, whatever the model
KEPT = frozenset(
    {
        "state", "state_since", "status", "status_since", "status_reason", "version", "token", "lease_until", "worker",
        "host", "last_host", "used_cpu", "used_memory", "used_capacity", "total_cpu", "total_memory",
        "total_capacity", "physical_available", "internal_id", "hostname", "hypervisor_uuid", "cpu_model", "cpu_mhz",
        "libvirt_version", "qemu_version", "os_distribution", "os_release", "os_version", "emulation", "kvm_note",
        "actual_size", "install_path", "system",
    }
)  # fmt: skip


class ResourceForm(forms.ModelForm):
    """Names follow the rule for names."""

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if problem := name_problem(name):
            raise forms.ValidationError(problem)
        return name


class CorralAdmin(admin.ModelAdmin):
    """Shows what Corral keeps, edits the rest; `fixed` can be chosen when the thing is made, and not changed later."""

    fixed: tuple[str, ...] = ()
    list_per_page = 50
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        kept = [field.name for field in self.opts.fields if field.name in KEPT or not field.editable]
        shown = [name for name in kept if obj is not None or name not in ("uuid", "create_date", "last_op_date")]
        return (*self.readonly_fields, *shown, *(self.fixed if obj else ()))

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """What does not exist before the thing does is not on the page that makes it."""
        if obj is not None:
            return ()
        return tuple(field.name for field in self.opts.fields if field.name in KEPT or not field.editable)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        names = super().get_fields(request, obj)
        return names if obj is not None else [name for name in names if name not in self.get_exclude(request, obj)]

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        relations = (*self.opts.fields, *self.opts.many_to_many)
        return tuple(
            field.name
            for field in relations
            if field.editable and field.related_model and issubclass(field.related_model, Resource)
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting is done one by one: the rules about it look at the row."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What a service refuses is told on the page again."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if not change:
            obj.save()
        elif columns := {field.name for field in self.opts.concrete_fields} & set(form.changed_data):
            obj.save(update_fields=columns)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Tags go with their resource."""
        with transaction.atomic():
            Tag.objects.filter(resource_uuid=obj.pk).delete()
            obj.delete()


class ResourceAdmin(CorralAdmin):
    """A named resource."""

    form = ResourceForm
    search_fields: ClassVar[Any] = ("name", "uuid", "description")
    list_display: Any = ("name", "uuid", "create_date")

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The things people set first, then what Corral knows."""
        names = list(self.get_fields(request, obj))
        kept = [name for name in names if name in self.get_readonly_fields(request, obj)]
        mine = [name for name in names if name not in kept]
        return [(None, {"fields": mine}), *([("What Corral knows", {"fields": kept})] if kept else [])]


class NoDelete:
    """Rows that hold a reservation go when Corral has given it back, not before."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NoAdd:
    """Rows that only Corral makes."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnly(NoAdd, NoDelete):
    """Rows that only Corral writes."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    """Children, shown with their parent."""

    extra = 0
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fields or ()


class AttachedForm(ResourceForm):
    """Clusters are attached to siblings in their zone; detaching would take something away from running VMs."""

    def clean_clusters(self) -> QuerySet:
        clusters: QuerySet = self.cleaned_data["clusters"]
        zone = self.cleaned_data.get("zone") or getattr(self.instance, "zone", None)
        strangers = [cluster.name for cluster in clusters if zone and cluster.zone_id != zone.pk]
        if strangers:
            raise forms.ValidationError(f"Not in zone {zone}: {', '.join(strangers)}")
        if not self.instance._state.adding:
            gone = [one.name for one in self.instance.clusters.all() if one not in clusters]
            if gone:
                raise forms.ValidationError(f"Detaching is not possible here: {', '.join(gone)}")
        return clusters


def size_column(field: str, words: str) -> Callable[[Any, Dated], str]:
    """A list column that shows a size for people."""

    @admin.display(description=words, ordering=field)
    def column(self: Any, row: Dated) -> str:
        return format_size(getattr(row, field))

    return column


class Switches:
    """Actions that enable and disable the chosen rows by the service of their kind."""

    actions: ClassVar[Any] = ("enable", "disable")

    @staticmethod
    def change_state(*, uuid: str, event: str) -> Any:
        raise NotImplementedError

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, rows: QuerySet) -> None:
        self._switch(request, rows, "enable")

    @admin.action(description="Disable: no new VMs; running ones stay", permissions=["change"])
    def disable(self, request: HttpRequest, rows: QuerySet) -> None:
        self._switch(request, rows, "disable")

    def _switch(self, request: HttpRequest, rows: Iterable[Dated], event: str) -> None:
        for row in rows:
            try:
                self.change_state(uuid=row.pk, event=event)
            except CorralError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, f"{row}: {event}d")
