"""The form in which people decide what a stranger becomes."""

from typing import Any, ClassVar

from django import forms

from console.forms import NamedForm
from console.naming import format_size
from console.tag_field import TagsField
from vms.adoption_plan import Plan
from vms.creation import RESOURCE_TYPE as VM_TYPE
from vms.models import Platform

VIRTIO = "with drivers for virtio"
EMULATED = "without: SATA disks, Intel network cards"


class AdoptForm(NamedForm):
    """Name, and what there is to choose; a domain with one disk, or one network, leaves no choice of that."""

    #: what is handed on to the adoption, by the names it has there
    DECIDES: ClassVar[tuple[str, ...]] = ("name", "description", "root", "default_l3", "platform")

    root = forms.ChoiceField(label="Root volume", widget=forms.RadioSelect, help_text="The disk that it boots from.")
    default_l3 = forms.ChoiceField(
        label="Default network",
        widget=forms.RadioSelect,
        required=False,
        help_text="Gives the guest its default route and its resolver.",
    )
    platform = forms.ChoiceField(
        label="Guest",
        choices=[(one.value, f"{one.label}: {VIRTIO if one.virtio else EMULATED}") for one in Platform],
        help_text="Which devices it finds at its next start; suggested by the ones it has now.",
    )

    tags = TagsField(VM_TYPE, elsewhere="is a system tag; the VM gets them on its own page.")

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        volumes = [one.disk for one in plan.volumes]
        l3s = [one.l3 for one in plan.connected if one.l3]
        first = {
            "name": plan.stranger.name,
            "root": volumes[0].target if volumes else "",
            "default_l3": l3s[0].pk if l3s else "",
            "platform": plan.platform,
        }
        super().__init__(*args, initial=first, **kwargs)
        roots = [(disk.target, f"{disk.target}, {format_size(disk.capacity or 0)}, {disk.path}") for disk in volumes]
        self._offer("root", roots)
        self._offer("default_l3", [(l3.pk, l3.name) for l3 in l3s])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices
        if len(choices) < 2:
            field.widget, field.required = forms.HiddenInput(), False
            field.widget.choices = choices

    names: ClassVar[dict[str, str]] = {"defaultL3NetworkUuid": "default_l3"}
