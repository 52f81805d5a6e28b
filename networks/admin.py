"""Admin pages of networks."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from console.admin_base import (
    AttachedForm,
    CorralAdmin,
    NoAdd,
    NoDelete,
    ReadOnly,
    ReadOnlyInline,
    ResourceAdmin,
    ResourceForm,
)
from console.naming import domain_problem
from hosts.models import Cluster
from networks.addresses import AddressError, RangeText, ip_number, range_problems
from networks.guest import bridge_problem
from networks.ipam import address_range
from networks.models import IpRange, L2Network, L2Type, L3Network, SecurityGroup, SecurityGroupRule, UsedIp, Vip


class L2Form(AttachedForm):
    """The bridge's name must fit, and a cluster carries a physical interface and VLAN once (semantics §8.3)."""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        interface = found.get("physical_interface", self.instance.physical_interface)
        vlan = found.get("vlan", self.instance.vlan)
        if interface and (problem := bridge_problem(interface, vlan)):
            self.add_error("physical_interface" if "physical_interface" in self.fields else None, problem)
        if vlan is not None and not interface:
            self.add_error("vlan", "A VLAN needs a physical interface.")
        if interface:
            self._check_twins(found.get("clusters") or (), interface, vlan)
        return found

    def _check_twins(self, clusters: Any, interface: str, vlan: int | None) -> None:
        list(Cluster.objects.select_for_update().filter(pk__in=[cluster.pk for cluster in clusters]).order_by("pk"))
        l2s: Any = L2Network.objects
        twins = l2s.filter(physical_interface=interface, vlan=vlan).exclude(pk=self.instance.pk)
        for cluster in clusters:
            if twin := twins.filter(clusters=cluster).first():
                where = interface + ("" if vlan is None else f" VLAN {vlan}")
                self.add_error("clusters", f"Cluster {cluster} has {where} already, as L2 {twin}")


@admin.register(L2Network)
class L2NetworkAdmin(ResourceAdmin):
    """L2 networks; with a VLAN they are of the kind that has one."""

    form = L2Form
    fixed = ("zone", "physical_interface", "vlan")
    readonly_fields = ("type",)
    list_display = ("name", "zone", "type", "physical_interface", "vlan", "create_date")
    list_filter = ("type", "zone")
    search_fields = ("name", "uuid", "physical_interface")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if not change and isinstance(obj, L2Network):
            obj.type = L2Type.NO_VLAN if obj.vlan is None else L2Type.VLAN
        super().save_model(request, obj, form, change)


class L3Form(ResourceForm):
    """One L3 per L2, a DNS domain that is one, servers that are addresses (semantics §8.4)."""

    def clean_l2_network(self) -> L2Network:
        # The admin saves in the transaction that checks: the row is locked between the two.
        l2: L2Network = L2Network.objects.select_for_update().get(pk=self.cleaned_data["l2_network"].pk)
        others: QuerySet = l2.l3_networks.exclude(pk=self.instance.pk)
        if other := others.first():
            raise forms.ValidationError(f"L2 {l2} already carries L3 {other}; make another L2 for this network")
        return l2

    def clean_dns_domain(self) -> str | None:
        domain: str | None = self.cleaned_data["dns_domain"]
        if domain and (problem := domain_problem(domain)):
            raise forms.ValidationError(problem)
        return domain

    def clean_dns(self) -> list[str]:
        servers = self.cleaned_data["dns"] or []
        if not isinstance(servers, list) or not all(isinstance(server, str) for server in servers):
            raise forms.ValidationError('A list of addresses is expected, such as ["9.9.9.9"]')
        try:
            for server in servers:
                ip_number(server)
        except AddressError as error:
            raise forms.ValidationError(str(error)) from error
        return servers


class IpRangeInline(ReadOnlyInline):
    """The ranges of an L3 network."""

    model = IpRange
    fields = ("name", "start_ip", "end_ip", "netmask", "gateway")


@admin.register(L3Network)
class L3NetworkAdmin(ResourceAdmin):
    """L3 networks; deleting one is refused while addresses of it are taken."""

    form = L3Form
    fixed = ("l2_network",)
    list_display = ("name", "l2_network", "dns_domain", "state", "system", "create_date")
    list_filter = ("state", "system")
    search_fields = ("name", "uuid", "dns_domain")
    inlines = (IpRangeInline,)


class IpRangeForm(ResourceForm):
    """A range fits its network and the other ranges of its L3 (semantics §8.4)."""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        names = ("start_ip", "end_ip", "netmask", "gateway")
        if all(found.get(name) for name in (*names, "l3_network")):
            l3 = L3Network.objects.select_for_update().get(pk=found["l3_network"].pk)
            others = [address_range(row) for row in l3.ip_ranges.all()]
            for problem in range_problems(RangeText(*(found[name] for name in names)), others):
                self.add_error(problem.field, problem.message)
        return found


@admin.register(IpRange)
class IpRangeAdmin(ResourceAdmin):
    """Ranges; one that has given addresses away stays."""

    form = IpRangeForm
    fixed = ("l3_network", "start_ip", "end_ip", "netmask", "gateway")
    list_display = ("name", "l3_network", "start_ip", "end_ip", "netmask", "gateway")
    list_filter = ("l3_network",)
    search_fields = ("name", "uuid", "start_ip", "end_ip")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        free = obj is None or not obj.used_ips.exists()
        return free and super().has_delete_permission(request, obj)


@admin.register(UsedIp)
class UsedIpAdmin(ReadOnly, CorralAdmin):
    """Addresses that are taken."""

    list_display = ("ip", "l3_network", "ip_range", "gateway", "create_date")
    list_filter = ("l3_network",)
    search_fields = ("ip", "uuid")


@admin.register(Vip)
class VipAdmin(NoAdd, NoDelete, ResourceAdmin):
    """VIPs; their addresses are taken and given back by the console, name and description are edited here."""

    fixed = ("l3_network", "used_ip", "ip", "netmask", "gateway")
    list_display = ("name", "ip", "l3_network", "use_for", "state", "create_date")
    list_filter = ("state", "use_for", "l3_network")
    search_fields = ("name", "uuid", "ip")


class SecurityGroupRuleInline(ReadOnlyInline):
    """The rules of a security group."""

    model = SecurityGroupRule
    fields = ("type", "protocol", "start_port", "end_port", "allowed_cidr", "state")


@admin.register(SecurityGroup)
class SecurityGroupAdmin(ResourceAdmin):
    """Security groups; networks are attached in the console, since their NICs leave the group with them."""

    readonly_fields = ("l3_networks",)
    list_display = ("name", "state", "create_date")
    list_filter = ("state", "l3_networks")
    inlines = (SecurityGroupRuleInline,)


@admin.register(SecurityGroupRule)
class SecurityGroupRuleAdmin(NoAdd, CorralAdmin):
    """Rules of security groups; another rule is another row."""

    fixed = ("security_group", "type", "protocol", "start_port", "end_port", "allowed_cidr")
    list_display = ("security_group", "type", "protocol", "start_port", "end_port", "allowed_cidr", "state")
    list_filter = ("type", "protocol", "state")
    search_fields = ("uuid", "security_group__name", "allowed_cidr")
