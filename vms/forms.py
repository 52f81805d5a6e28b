"""Forms of the create wizard, one per page. They read what was typed; the page draws the choices."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.utils.html import format_html

from console.forms import PlainForm
from console.models.resource import DESCRIPTION_LENGTH, NAME_LENGTH
from console.naming import format_size, hostname_problem, name_problem
from console.tag_field import TagsField
from networks.vips import why_not
from vms.creation import MAX_DATA_VOLUMES, MAX_NICS
from vms.creation import RESOURCE_TYPE as VM_TYPE
from vms.wizard import MOST_COPIES, address_field, hostnames_of, names_of
from vms.wizard_options import NetworkOption, Offered, Option, Options

#: hostnames -> for those that are taken, by whom, as a sentence
Taken = Callable[[Iterable[str]], Mapping[str, str]]


class WizardForm(PlainForm):
    """A page of the wizard. `offered` is what there is to choose from, `copies` how many VMs are wanted."""

    def __init__(self, *args: Any, offered: Options, copies: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        self.copies = copies

    @property
    def trouble(self) -> str:
        """What keeps the page from being left: something is missing, or wrong."""
        codes = {error.code for errors in self.errors.as_data().values() for error in errors}
        return (
            "Something is still missing on this page." if codes == {"required"} else "Something is wrong on this page."
        )

    def opens_at(self, name: str, options: Mapping[str, Option]) -> str:
        """Which of the options the page opens at, where it opens at this field: the chosen one, or the first to be."""
        if "autofocus" not in self.fields[name].widget.attrs:
            return ""
        possible = [uuid for uuid, option in options.items() if not option.reason]
        chosen = self[name].value()
        return chosen if chosen in possible else next(iter(possible), "")

    def chosen(self, options: Mapping[str, Option], uuid: str, what: str) -> str:
        """The uuid of something that can be chosen. Raises ValidationError."""
        option = options.get(uuid)
        if option is None:
            raise forms.ValidationError(f"There is no such {what} any more; choose another one.")
        if option.reason:
            raise forms.ValidationError(f"{option.name} {option.reason}; choose another one.")
        return uuid


class BasicsForm(WizardForm):
    """What the VMs are called, and how many there shall be."""

    name = forms.CharField(max_length=NAME_LENGTH, error_messages={"required": "Give it a name."})
    count = forms.IntegerField(
        label="Number of copies",
        min_value=1,
        max_value=MOST_COPIES,
        initial=1,
        error_messages={
            "required": f"How many? 1 to {MOST_COPIES}.",
            "invalid": f"A whole number from 1 to {MOST_COPIES}.",
            "min_value": f"At least 1; at most {MOST_COPIES} at a time.",
            "max_value": f"At most {MOST_COPIES} at a time.",
        },
    )
    hostname = forms.CharField(
        required=False,
        max_length=NAME_LENGTH,
        help_text="The name the guest gets by DHCP. Letters, digits and hyphens; empty for none.",
    )
    description = forms.CharField(
        required=False, max_length=DESCRIPTION_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )
    # What system tags of machines say has fields of its own, which know of copies.
    tags = TagsField(
        VM_TYPE,
        elsewhere="is asked for by a field of its own: the hostname above, addresses with the networks.",
        help_text="Labels to find it by, one per line or separated by commas; every copy gets them. Hostname and "
        "addresses have fields of their own.",
    )

    def __init__(self, *args: Any, taken: Taken, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.taken = taken
        for name in ("name", "hostname"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

    def clean(self) -> dict[str, Any]:
        """Every copy's name and hostname has to be good, not only what was typed."""
        values = super().clean() or self.cleaned_data
        count, name, hostname = (values.get(field) for field in ("count", "name", "hostname"))
        if name and (problem := name_problem(names_of(name, count or 1)[-1])):
            self.add_error("name", problem)
        if hostname and (problem := self._hostname_problem(hostnames_of(hostname, count or 1))):
            self.add_error("hostname", problem)
        return values

    def _hostname_problem(self, hostnames: tuple[str, ...]) -> str | None:
        if problem := hostname_problem(hostnames[-1]):
            return problem
        return next(iter(self.taken(hostnames).values()), None)


class ImageForm(WizardForm):
    """What the VM is made from, and how large it is."""

    image = forms.CharField(error_messages={"required": "Choose an image."})
    offering = forms.CharField(error_messages={"required": "Choose an offering."})

    @property
    def first(self) -> str:
        """The uuid whose radio button the page opens at."""
        images = self.opens_at("image", self.offered.images)
        return images or self.opens_at("offering", self.offered.offerings)

    def clean_image(self) -> str:
        return self.chosen(self.offered.images, self.cleaned_data["image"], "image")

    def clean_offering(self) -> str:
        return self.chosen(self.offered.offerings, self.cleaned_data["offering"], "offering")


class ListField(forms.Field):
    """Several values of one name, in the order in which they were sent."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[str]:
        return list(value or [])


class NetworksForm(WizardForm):
    """The L3 networks in the order of the guest's devices, the default one, and addresses that are wanted."""

    l3 = ListField(error_messages={"required": "Add at least one network."})
    default = forms.CharField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for uuid, option in self.offered.networks.items():
            address = forms.CharField(label=_address_label(option.name), required=False)
            address.widget.attrs |= {"placeholder": "any free one", "autocomplete": "off", "spellcheck": "false"}
            self.add_field(address_field(uuid), address)

    def clean_l3(self) -> list[str]:
        uuids: list[str] = self.cleaned_data["l3"]
        if len(uuids) > MAX_NICS:
            raise forms.ValidationError(f"{len(uuids)} networks are more than the {MAX_NICS} a VM can have.")
        for uuid in uuids:
            self.chosen(self.offered.networks, uuid, "network")
            self._room(self.offered.networks[uuid])
        if len(set(uuids)) < len(uuids):
            raise forms.ValidationError("A VM is on each network once; remove the second entry.")
        return uuids

    def _room(self, network: NetworkOption) -> None:
        if network.free < self.copies:
            raise forms.ValidationError(
                f"{network.name} has {network.free} free addresses of {network.total}; "
                f"{self.copies} copies need {self.copies}."
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        uuids = values.get("l3") or []
        if len(uuids) == 1:
            values["default"] = uuids[0]
        elif uuids and values.get("default") not in uuids:
            self.add_error("default", "Choose the default network: it gives the guest its route and resolver.")
        typed = {uuid: values.get(address_field(uuid)) for uuid in uuids}
        values["addresses"] = {uuid: ip for uuid, ip in typed.items() if ip}
        for uuid, ip in values["addresses"].items():
            if problem := self._address_problem(uuid, ip):
                self.add_error(address_field(uuid), problem)
        return values

    def _address_problem(self, uuid: str, ip: str) -> str:
        if self.copies > 1:
            return f"{self.copies} copies cannot have one address; leave it empty, or ask for one copy."
        return why_not(self.offered.networks[uuid].row, ip)


class DisksForm(WizardForm):
    """How many data disks of each disk offering; the field of one is `disk-<uuid>`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for uuid, option in self.offered.disks.items():
            self.fields[disk_field(uuid)] = forms.IntegerField(
                label=f"Disks of {option.name}",
                min_value=0,
                max_value=MAX_DATA_VOLUMES,
                required=False,
                widget=forms.NumberInput(attrs={"class": "form-control", "placeholder": "0", "inputmode": "numeric"}),
                error_messages={
                    "invalid": f"A whole number from 0 to {MAX_DATA_VOLUMES}.",
                    "min_value": "Not less than 0.",
                    "max_value": f"At most {MAX_DATA_VOLUMES}.",
                },
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        wanted = {uuid: values.get(disk_field(uuid)) or 0 for uuid in self.offered.disks}
        for uuid, option in self.offered.disks.items():
            if wanted[uuid] and option.reason:
                self.add_error(disk_field(uuid), f"{option.name} {option.reason}; choose another size.")
        if (total := sum(wanted.values())) > MAX_DATA_VOLUMES:
            raise forms.ValidationError(f"{total} data disks are more than the {MAX_DATA_VOLUMES} a VM can have.")
        return values

    def open_at_first(self) -> None:
        """What cannot be chosen has no field on the page, unless it is what is wrong."""
        shown = [uuid for uuid, option in self.offered.disks.items() if not option.reason]
        wrong = [name for name in self.fields if name in self.errors]
        for name in (wrong or [disk_field(uuid) for uuid in shown])[:1]:
            self.fields[name].widget.attrs["autofocus"] = True

    def rows(self) -> list[tuple[Option, forms.BoundField]]:
        """The offerings with their fields, for the table."""
        return [(option, self[disk_field(uuid)]) for uuid, option in self.offered.disks.items()]

    def uuids(self) -> tuple[str, ...]:
        """A uuid for every disk, in the order of the table; after is_valid."""
        counts = [(uuid, self.cleaned_data.get(disk_field(uuid)) or 0) for uuid in self.offered.disks]
        return tuple(uuid for uuid, count in counts for _ in range(count))


def disk_field(uuid: str) -> str:
    return f"disk-{uuid}"


AUTOMATIC = "auto"
KINDS = {AUTOMATIC: "Automatic", "zone": "In a zone", "cluster": "In a cluster", "host": "On a host"}


class PlacementForm(WizardForm):
    """Where the VM may run: anywhere, or in one zone, one cluster, on one host."""

    kind = forms.ChoiceField(choices=list(KINDS.items()), required=False, initial=AUTOMATIC)
    zone = forms.ChoiceField(required=False)
    cluster = forms.ChoiceField(required=False)
    host = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, options in self.places().items():
            field = self.fields[name]
            choices = [(option.uuid, _labelled(option)) for option in options.values()]
            field.choices = [("", f"Choose a {name}…"), *choices]  # type: ignore[attr-defined]
            field.error_messages["invalid_choice"] = f"There is no such {name} any more; choose another one."

    def places(self) -> dict[str, Offered]:
        return {"zone": self.offered.zones, "cluster": self.offered.clusters, "host": self.offered.hosts}

    def place_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.places()]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        kind = values["kind"] = values.get("kind") or AUTOMATIC
        if kind != AUTOMATIC and kind in values and not values[kind]:
            self.add_error(kind, f"Choose the {kind}, or let Corral choose.")
        return values

    def place(self) -> tuple[str, str]:
        """Kind and uuid; after is_valid."""
        kind = self.cleaned_data["kind"]
        return (kind, "") if kind == AUTOMATIC else (kind, self.cleaned_data[kind])

    def place_name(self) -> str:
        kind, uuid = self.place()
        return KINDS[AUTOMATIC] if kind == AUTOMATIC else f"{kind.capitalize()} {self.places()[kind][uuid].name}"


def _address_label(network: str) -> str:
    """What stands above it is the network's name, which is read out with it."""
    return format_html('Address<span class="visually-hidden"> on {}</span>', network)


def _labelled(option: Option) -> str:
    return f"{option.name} ({option.note})" if option.note else option.name


def sized(option: Option) -> str:
    """A disk offering in one line of a summary."""
    return f"{option.name} ({format_size(option.row.disk_size)})"
