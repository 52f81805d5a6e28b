"""The wizard at work: a draft with its forms, checked against what is there now, and what it asks for."""

from functools import cached_property, partial
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.utils.datastructures import MultiValueDict

from console.errors import Refusal
from console.models import Operation
from vms import queries
from vms.creation import CreateVm
from vms.forms import BasicsForm, DisksForm, ImageForm, NetworksForm, PlacementForm, WizardForm
from vms.services import create_vm
from vms.systemtags import HOSTNAME, STATIC_IP
from vms.wizard import (
    MOST_COPIES,
    REVIEW,
    STEPS,
    Draft,
    Nics,
    Step,
    copy_key,
    hostnames_of,
    key_prefix,
    names_of,
    step_called,
    steps_before,
)
from vms.wizard_options import Options

FORMS: dict[str, type[WizardForm]] = {
    "basics": BasicsForm,
    "image": ImageForm,
    "networks": NetworksForm,
    "disks": DisksForm,
    "placement": PlacementForm,
}
BASICS, IMAGE, NETWORKS, DISKS, PLACEMENT = (step_called(name) for name in FORMS)


class Wizard:
    """A draft and its forms. Each page asks every earlier one again: what it named may have changed meanwhile."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.offered = Options()
        self._forms: dict[str, WizardForm] = {}

    # forms ------------------------------------------------------------------------------------------------

    def form(self, step: Step) -> Any:
        """The step's form with what the draft holds."""
        if step.name not in self._forms:
            self._forms[step.name] = self._bound(step, MultiValueDict(self.draft.given(step)))
        return self._forms[step.name]

    def shown(self, step: Step) -> Any:
        """The form to draw: without complaints on a page that nobody has answered yet."""
        return self.form(step) if self.draft.visited(step) else self._bound(step, None)

    def _bound(self, step: Step, data: Any) -> WizardForm:
        extra: dict[str, Any] = {"taken": self._taken} if step == BASICS else {}
        return FORMS[step.name](data, offered=self.offered, copies=self.copies, initial=self._initial(step), **extra)

    def _initial(self, step: Step) -> dict[str, Any]:
        """What is chosen at first: where there is only one choice, that one."""
        if step != IMAGE:
            return {}
        offered = {"image": self.offered.images, "offering": self.offered.offerings}
        usable = {name: [o.uuid for o in options.values() if not o.reason] for name, options in offered.items()}
        return {name: uuids[0] for name, uuids in usable.items() if len(uuids) == 1}

    def _taken(self, hostnames: Any) -> dict[str, str]:
        """Hostnames that VMs outside of this draft hold on its default network."""
        networks = self.form(NETWORKS)
        if not networks.is_valid():
            return {}
        l3 = self.offered.networks[networks.cleaned_data["default"]]
        return queries.taken_hostnames(l3.uuid, l3.name, hostnames, except_keys=key_prefix(self.draft.key))

    @property
    def copies(self) -> int:
        """How many VMs are wanted, as far as that can be read."""
        text = (self.draft.given(BASICS).get("count") or [""])[-1].strip()
        return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MOST_COPIES else 1

    @property
    def nics(self) -> Nics:
        given = self.draft.given(NETWORKS)
        return Nics(tuple(given.get("l3", [])), next(iter(given.get("default", [])), ""))

    # progress ---------------------------------------------------------------------------------------------

    def incomplete(self, before: Step = REVIEW) -> Step | None:
        """The first earlier page that is missing something."""
        return next((step for step in steps_before(before) if not self.form(step).is_valid()), None)

    def progress(self, current: Step) -> list[dict[str, Any]]:
        """Every step as the wizard's head shows it; links lead as far as the answers do."""
        lines = []
        open_so_far = True
        for step in STEPS:
            good = step != REVIEW and self.draft.visited(step) and self.form(step).is_valid()
            lines.append({"step": step, "current": step == current, "done": good, "reachable": open_so_far})
            open_so_far = open_so_far and (step == REVIEW or self.form(step).is_valid())
        return lines

    # what it asks for -------------------------------------------------------------------------------------

    @cached_property
    def values(self) -> dict[str, Any]:
        """The cleaned answers of all pages; only for a complete draft."""
        found: dict[str, Any] = {}
        for name in FORMS:
            form = self.form(step_called(name))
            if not form.is_valid():
                raise ValueError(f"step {name} is not complete")
            found |= form.cleaned_data
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        return names_of(self.values["name"], self.values["count"])

    @cached_property
    def hostnames(self) -> tuple[str, ...]:
        return hostnames_of(self.values["hostname"], self.values["count"])

    def requests(self) -> tuple[CreateVm, ...]:
        """One request per copy; only for a complete draft."""
        values = self.values
        kind, place = self.form(PLACEMENT).place()
        ask = partial(
            CreateVm,
            description=values["description"] or None,
            image_uuid=values["image"],
            instance_offering_uuid=values["offering"],
            l3_network_uuids=tuple(values["l3"]),
            default_l3_network_uuid=values["default"],
            data_disk_offering_uuids=self.form(DISKS).uuids(),
            user_tags=values["tags"].user,
            **({f"{kind}_uuid": place} if place else {}),
        )
        named: list[tuple[str, ...]] = [(HOSTNAME.render(hostname=one),) for one in self.hostnames]
        pinned = tuple(STATIC_IP.render(l3=l3, ip=ip) for l3, ip in values["addresses"].items())
        tags = named or [()] * len(self.names)
        return tuple(ask(name=name, system_tags=own + pinned) for name, own in zip(self.names, tags, strict=True))


# submitting -----------------------------------------------------------------------------------------------


def accepted(key: str, user: AbstractBaseUser) -> list[Operation]:
    """What a submit of this draft has set going already."""
    return list(Operation.objects.filter(idempotency_key__startswith=key_prefix(key), created_by_id=user.pk))


def submit(wizard: Wizard, user: AbstractBaseUser) -> dict[str, list[str]]:
    """Ask for every copy in turn, each on its own; gives the refusals: reason -> names. Twice is once."""
    refused: dict[str, list[str]] = {}
    for number, request in enumerate(wizard.requests(), start=1):
        try:
            create_vm(request, user=user, idempotency_key=copy_key(wizard.draft.key, number))
        except Refusal as refusal:
            refused.setdefault(refusal.details or refusal.description, []).append(request.name)
    return refused
