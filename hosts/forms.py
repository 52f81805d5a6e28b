"""The form of the add-host wizard."""

from typing import Any, ClassVar

from django import forms

from console.forms import NamedForm, RowField
from hosts.address import TRANSPORTS, user_problem
from hosts.models import Cluster

EXPLICIT = "uri"
WAYS = [
    ("tls", "TLS: certificates on both sides, the way for production"),
    ("ssh", "SSH: a key of the console's user"),
    ("tcp", "Plain TCP: no protection, for a lab or a closed network"),
    (EXPLICIT, "Another libvirt URI"),
]


class HostForm(NamedForm):
    """Where a host is and how it is reached."""

    names: ClassVar = {"clusterUuid": "cluster", "managementIp": "address"}

    cluster = RowField(Cluster.objects.select_related("zone"))
    address = forms.CharField(
        label="Address", max_length=255, help_text="IP address or DNS name at which the console reaches the host."
    )
    transport = forms.ChoiceField(label="Reached by", choices=WAYS, widget=forms.RadioSelect, initial=TRANSPORTS[0])
    user = forms.CharField(
        label="SSH user", max_length=64, required=False, help_text="For SSH only; empty is the console's own user."
    )
    uri = forms.CharField(
        label="libvirt URI",
        max_length=512,
        required=False,
        help_text="For another URI only, such as qemu+tcp://10.0.0.5:16510/system.",
    )

    field_order = ("name", "description", "cluster", "address", "transport", "user", "uri")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("transport") == EXPLICIT:
            if not found.get("uri"):
                self.add_error("uri", "Give the URI, or choose another way to reach it.")
        elif found.get("address") and found.get("transport"):
            if found["transport"] == "ssh" and (problem := user_problem(found.get("user", ""))):
                self.add_error("user", problem)
            user = f"{found['user']}@" if found["transport"] == "ssh" and found.get("user") else ""
            found["uri"] = f"qemu+{found['transport']}://{user}{found['address']}/system"
        return found
