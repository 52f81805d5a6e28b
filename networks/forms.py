"""Forms of networks."""

from typing import Any, ClassVar

from django import forms

from console.errors import InvalidArgument
from console.forms import NamedForm, PlainForm, RowField
from console.models.resource import NAME_LENGTH
from console.naming import domain_problem, name_problem
from hosts.models import Zone
from networks.addresses import AddressError, RangeText, range_from_cidr, range_problems
from networks.guest import MAX_VLAN, bridge_problem
from networks.models import L2Network
from networks.services import check_dns


class L2Form(NamedForm):
    """A new L2 network."""

    zone = RowField(Zone.objects.all())
    physical_interface = forms.CharField(
        label="Physical interface",
        max_length=15,
        required=False,
        help_text="The hosts' interface it goes out by, such as eth1. Empty: guests of one host reach each other only.",
    )
    vlan = forms.IntegerField(
        label="VLAN",
        required=False,
        min_value=0,
        max_value=MAX_VLAN,
        help_text="Usually 1 to 4094; 0 and 4095 are reserved by the standard. Empty: untagged.",
    )

    def clean_physical_interface(self) -> str:
        interface = str(self.cleaned_data["physical_interface"]).strip()
        if interface and (problem := bridge_problem(interface)):
            raise forms.ValidationError(problem)
        return interface


class LinesField(forms.CharField):
    """Several texts, one per line or parted by commas."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea({"rows": 2}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [line for line in super().clean(value).replace(",", " ").split() if line]


class DnsForm(NamedForm):
    """What can be changed of an L3 network."""

    dns_domain = forms.CharField(
        label="DNS domain", max_length=255, required=False, help_text="Guests get hostname.domain as their full name."
    )
    dns = LinesField(
        label="DNS servers",
        required=False,
        help_text="IPv4 addresses, one per line. Guests ask their gateway, which forwards to these.",
    )

    def clean_dns_domain(self) -> str:
        domain: str = self.cleaned_data["dns_domain"]
        if domain and (problem := domain_problem(domain)):
            raise forms.ValidationError(problem)
        return domain

    def clean_dns(self) -> list[str]:
        for server in self.cleaned_data["dns"]:
            try:
                check_dns(server)
            except InvalidArgument as problem:
                self.add_error("dns", problem.details)
        return list(self.cleaned_data.get("dns", []))


class CidrField(forms.CharField):
    """A network whose addresses are given out, such as 10.0.0.0/24."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=32, **kwargs)

    def clean(self, value: Any) -> Any:
        cidr = super().clean(value)
        try:
            if cidr:
                range_from_cidr(cidr)
        except AddressError as problem:
            raise forms.ValidationError(str(problem)) from problem
        return cidr


class FreeL2Field(RowField):
    """An L2 network that carries no L3 network. Another one is read as well: the service says which it carries."""

    def __init__(self, **kwargs: Any) -> None:
        every = L2Network.objects.select_related("zone")
        self.read = RowField(every)
        super().__init__(every.filter(l3_networks=None), **kwargs)

    def to_python(self, value: Any) -> Any:
        return self.read.to_python(value)


class L3Form(DnsForm):
    """A new L3 network, with its first addresses."""

    names: ClassVar = {"networkCidr": "cidr"}

    l2_network = FreeL2Field(label="L2 network", help_text="Only those without an L3 network can be chosen.")
    cidr = CidrField(
        label="Addresses",
        help_text="A network such as 10.0.0.0/24: its first address is the gateway, the others go to guests. "
        "Empty: add ranges later.",
    )

    field_order = ("fresh", "name", "description", "l2_network", "cidr", "dns_domain", "dns")


#: the two ways to say which addresses a range has
NETWORK, SPAN = "network", "span"


class RangeForm(PlainForm):
    """More addresses: a whole network, or from one address to another."""

    names: ClassVar = {"networkCidr": "cidr"}

    name = forms.CharField(max_length=NAME_LENGTH, required=False, help_text="Empty: named after its addresses.")
    by = forms.ChoiceField(
        label="Addresses",
        choices=[(NETWORK, "A whole network"), (SPAN, "From one address to another")],
        widget=forms.RadioSelect,
        initial=NETWORK,
        required=False,
    )
    cidr = CidrField(label="Network", help_text="Such as 10.0.0.0/24: its first address is the gateway.")
    start_ip = forms.CharField(label="First address", required=False, max_length=15)
    end_ip = forms.CharField(label="Last address", required=False, max_length=15)
    netmask = forms.CharField(required=False, max_length=15)
    gateway = forms.CharField(required=False, max_length=15, help_text="Not one of the addresses given to guests.")

    single: ClassVar = ("start_ip", "end_ip", "netmask", "gateway")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name and (problem := name_problem(name)):
            raise forms.ValidationError(problem)
        return name

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        typed = self.data.get("cidr", "").strip()
        by = found["by"] = found.get("by") or (NETWORK if typed else SPAN)
        if by == NETWORK:
            if not typed:
                self.add_error("cidr", "Give a network, or choose “From one address to another”.")
        else:
            self.errors.pop("cidr", None)
            given = [name for name in self.single if found.get(name)]
            for name in set(self.single) - set(given):
                self.add_error(name, "Needed when no network is given.")
            if len(given) == len(self.single):
                for problem in range_problems(RangeText(*(found[name] for name in self.single))):
                    self.add_error(problem.field, problem.message)
        return found

    def values(self) -> dict[str, str]:
        """What the service takes: without empty fields, named in any case."""
        fields = ("name", "cidr") if self.cleaned_data["by"] == NETWORK else ("name", *self.single)
        given = {name: value for name in fields if (value := self.cleaned_data.get(name))}
        span = given.get("cidr") or f"{given.get('start_ip')} - {given.get('end_ip')}"
        return {"name": span} | given
