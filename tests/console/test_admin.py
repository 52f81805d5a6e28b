"""Django admin over the whole inventory: every page opens, and nothing that Corral keeps can be edited or deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from console.admin_base import KEPT
from console.models import Enablement, GlobalConfig, Operation, ResourceLock, Tag, TagType
from hosts.config import CPU_RATIO
from hosts.models import Cluster, Host, HostStatus, LocalStorageHost, PrimaryStorage, Zone
from networks.models import IpRange, L2Network, L3Network
from tests.factories import (
    GIB,
    make_cached_image,
    make_cluster,
    make_complete_vm,
    make_disk_offering,
    make_eip,
    make_host,
    make_instance_offering,
    make_ip_range,
    make_l2,
    make_l3,
    make_operation,
    make_port_forwarding_rule,
    make_security_group_rule,
    make_storage,
    make_superuser,
    make_tag,
    make_token,
    make_used_ip,
    make_vm,
    make_zone,
)
from vms.models import InstanceOffering, VmInstance
from vms.states import VmState

pytestmark = pytest.mark.django_db

OURS = ("console", "hosts", "networks", "vms")
# Steps and local parts are shown with their parents; lanes and internal ids are counters without meaning to people;
# histories and what was observed have pages of their own and are nobody's to edit.
UNSHOWN = {
    "ConfigChange", "IgnoredDomain",
    "Leftover", "OperationStep", "LocalStorageHost", "Lane", "InternalId", "HostPulse", "HostChange", "VmChange",
    "AddressUse", "Leak", "Stranger", "SavedView",
}  # fmt: skip
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]
NOT_ADDABLE = {
    "VmInstance", "VmNic", "Volume", "Image", "CachedImage", "UsedIp", "Operation", "ResourceLock", "Vip", "Eip",
    "PortForwardingRule", "SecurityGroupRule", "ApiToken",
}  # fmt: skip
NOT_DELETABLE = {*NOT_ADDABLE, "ImageStore", "Host"} - {"SecurityGroupRule", "ApiToken"}
# rows of these models that are kept all the same
KEEPING = {"Tag": {"type": TagType.SYSTEM}, "IpRange": {"used_ips__isnull": False}}


@pytest.fixture
def web(client: Client) -> Client:
    client.force_login(make_superuser())
    return client


@pytest.fixture
def fleet() -> None:
    """At least one row of every model."""
    vm = make_complete_vm()
    make_cached_image(image=vm.image)
    make_disk_offering()
    make_tag(vm, "VmInstanceVO", "web")
    make_token()
    make_tag(vm, "VmInstanceVO", "hostname::web", TagType.SYSTEM)
    make_ip_range()
    make_eip(nic=vm.nics.get())
    make_port_forwarding_rule(nic=vm.nics.get())
    make_security_group_rule()
    ResourceLock.objects.create(resource_uuid=vm.uuid, operation=make_operation(subject_uuid=vm.uuid))
    storage = make_storage([vm.host.cluster])
    LocalStorageHost.objects.create(primary_storage=storage, host=vm.host)
    GlobalConfig.objects.create(category=CPU_RATIO.category, name=CPU_RATIO.name, value="3")
    GlobalConfig.objects.create(category="was", name="defined.once", value="3")


def page(model: type[Model], name: str, *args: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def row_of(model: type[Model]) -> Any:
    row = model._default_manager.first()
    assert row is not None, f"the fleet has no {model.__name__}"
    return row


def by_name(model: type[Model]) -> str:
    return model.__name__


def test_every_model_is_in_the_admin() -> None:
    ours = {model.__name__ for app in OURS for model in apps.get_app_config(app).get_models()}
    assert ours - UNSHOWN == {model.__name__ for model in MODELS}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_lists_open_search_and_filter(web: Client, model: type[Model]) -> None:
    for query in ("", "?q=web", "?o=1"):
        assert web.get(page(model, "changelist") + query).status_code == 200


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_rows_open(web: Client, model: type[Model]) -> None:
    assert web.get(page(model, "change", str(row_of(model).pk))).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_only_inventory_can_be_added(web: Client, model: type[Model]) -> None:
    allowed = model.__name__ not in NOT_ADDABLE
    refused = 302 if model is VmInstance else 403
    assert web.get(page(model, "add")).status_code == (200 if allowed else refused)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_what_holds_a_reservation_or_is_a_record_cannot_be_deleted(web: Client, model: type[Model]) -> None:
    free = model._default_manager.exclude(**kept) if (kept := KEEPING.get(model.__name__)) else None
    row = free.first() if free is not None else row_of(model)
    assert row is not None
    response = web.get(page(model, "delete", str(row.pk)))
    assert response.status_code == (403 if model.__name__ in NOT_DELETABLE else 200)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_nothing_corral_keeps_can_be_edited(web: Client, model: type[Model]) -> None:
    for url in (page(model, "change", str(row_of(model).pk)), page(model, "add")):
        response = web.get(url)
        form = response.context and response.context.get("adminform")
        assert not (form and set(form.form.fields) & KEPT)


@pytest.mark.parametrize("model", MODELS, ids=by_name)
def test_nothing_is_deleted_in_bulk(web: Client, model: type[Model]) -> None:
    assert "delete_selected" not in web.get(page(model, "changelist")).content.decode()


def test_a_vm_is_made_by_the_wizard(web: Client) -> None:
    response = web.get(page(VmInstance, "add"), follow=True)
    assert "created with the wizard" in response.content.decode()


# --- changes


def post(web: Client, model: type[Model], verb: str, /, *args: str, **values: Any) -> list[str]:
    """Submit a form; the errors it shows."""
    response = web.post(page(model, verb, *args), values)
    if response.status_code == 302:
        return []
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    return [message for messages in errors.values() for message in messages]


INLINES = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0}


def management(*prefixes: str) -> dict[str, int]:
    return {f"{prefix}-{key}": value for prefix in prefixes for key, value in INLINES.items()}


def test_renaming_a_vm_writes_its_name_alone(web: Client) -> None:
    vm = make_vm(name="old", state=VmState.RUNNING)
    url = page(VmInstance, "change", vm.uuid)
    web.get(url)
    VmInstance.objects.filter(pk=vm.pk).update(state=VmState.STOPPED, host=None, version=9)
    web.post(url, {"name": "new", "description": "", "state": "Running", **management("nics", "volumes")})
    now = vm.reload()
    assert (now.name, now.state, now.host_id, now.version) == ("new", VmState.STOPPED, None, 9)


def test_a_change_moves_the_date_of_change(web: Client) -> None:
    zone = make_zone(name="old")
    post(web, Zone, "change", zone.uuid, name="new")
    assert zone.reload().last_op_date > zone.last_op_date


@pytest.mark.parametrize("make", [make_zone, make_instance_offering, make_disk_offering])
def test_deleting_takes_the_tags_along(web: Client, make: Callable[[], Any]) -> None:
    row = make()
    make_tag(row, f"{type(row).__name__}VO", "old")
    web.post(page(type(row), "delete", row.uuid), {"post": "yes"})
    assert (type(row).objects.count(), Tag.objects.count()) == (0, 0)


def test_a_bad_name_is_refused(web: Client) -> None:
    assert "contains" in post(web, Zone, "add", name="zône")[0]


def test_zone_cluster_and_offering_can_be_made(web: Client) -> None:
    assert post(web, Zone, "add", name="z", description="") == []
    zone = Zone.objects.get()
    assert post(web, Cluster, "add", name="c", zone=zone.uuid, hypervisor_type="KVM", **management("hosts")) == []
    offering = {"name": "o", "cpu_num": 1, "cpu_speed": 1, "memory_size": GIB, "sort_key": 0, "type": "UserVm"}
    strategy = "DefaultHostAllocatorStrategy"
    assert post(web, InstanceOffering, "add", allocator_strategy=strategy, **offering) == []
    assert Cluster.objects.get().zone == zone


def test_adding_a_host_begins_its_handshake(web: Client) -> None:
    cluster = make_cluster()
    values = {"name": "h", "cluster": cluster.uuid, "management_ip": "10.0.0.9", "uri": ""}
    assert post(web, Host, "add", **values) == []
    host, operation = Host.objects.get(), Operation.objects.get()
    assert (host.status, host.uri, operation.subject_uuid) == (
        HostStatus.CONNECTING,
        "qemu+tls://10.0.0.9/system",
        host.uuid,
    )


def test_a_second_host_of_one_address_is_refused(web: Client) -> None:
    host = make_host()
    values = {"name": "h", "cluster": host.cluster_id, "management_ip": host.management_ip, "uri": "sim://other"}
    assert "already exists" in post(web, Host, "add", **values)[0]


def test_what_the_service_refuses_is_told_on_the_page(web: Client) -> None:
    values = {"name": "h", "cluster": make_cluster().uuid, "management_ip": "no address", "uri": "sim://h"}
    response = web.post(page(Host, "add"), values, follow=True)
    assert "is not a hostname" in response.content.decode()
    assert not Host.objects.exists()


@pytest.mark.parametrize("event", [("disable", Enablement.DISABLED), ("enable", Enablement.ENABLED)])
def test_hosts_are_switched_by_actions(web: Client, event: tuple[str, str]) -> None:
    host = make_host(state=Enablement.DISABLED if event[0] == "enable" else Enablement.ENABLED)
    web.post(page(Host, "changelist"), {"action": event[0], "_selected_action": [host.uuid]})
    assert host.reload().state == event[1]


def test_a_disabled_zone_disables_what_is_in_it(web: Client) -> None:
    host = make_host()
    web.post(page(Zone, "changelist"), {"action": "disable", "_selected_action": [host.cluster.zone_id]})
    assert host.reload().state == Enablement.DISABLED


def test_storage_attaches_to_clusters_of_its_zone_and_does_not_detach(web: Client) -> None:
    inside, outside = make_cluster(), make_cluster()
    storage = make_storage([inside], zone=inside.zone)
    values = {"name": "s", **management("local_parts")}
    problems = [
        post(web, PrimaryStorage, "change", storage.uuid, clusters=[inside.uuid, outside.uuid], **values),
        post(web, PrimaryStorage, "change", storage.uuid, clusters=[], **values),
        post(web, PrimaryStorage, "change", storage.uuid, clusters=[inside.uuid], **values),
    ]
    assert [one[0].split(":")[0] if one else "" for one in problems] == [
        f"Not in zone {inside.zone}",
        "Detaching is not possible here",
        "",
    ]


def test_an_l2_is_of_the_kind_its_vlan_makes_it(web: Client) -> None:
    zone = make_zone()
    assert post(web, L2Network, "add", name="l2", zone=zone.uuid, physical_interface="eth1", vlan=100) == []
    assert L2Network.objects.get().type == "L2VlanNetwork"


@pytest.mark.parametrize(
    ("interface", "words"), [("eth1", "has eth1 VLAN 100 already, as L2 first"), ("averylongname1", "averylongname1")]
)
def test_an_l2_that_cannot_be_made_on_a_host_is_refused(web: Client, interface: str, words: str) -> None:
    cluster = make_cluster()
    make_l2([cluster], name="first", physical_interface="eth1", vlan=100)
    values = {"zone": cluster.zone_id, "physical_interface": interface, "vlan": 100, "clusters": [cluster.uuid]}
    assert words in " ".join(post(web, L2Network, "add", name="l2", **values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dns": '["nowhere"]'}, "is not an IPv4 address"),
        ({"dns": '"9.9.9.9"'}, "A list of addresses is expected"),
        ({"dns": "[]", "dns_domain": "a..b"}, "is not a DNS domain"),
    ],
)
def test_an_l3_with_bad_dns_is_refused(web: Client, values: dict[str, str], words: str) -> None:
    found = post(web, L3Network, "add", name="l3", l2_network=make_l2().uuid, **values, **management("ip_ranges"))
    assert words in " ".join(found)


def test_an_l2_carries_one_l3(web: Client) -> None:
    l3 = make_l3()
    values = {"name": "x", "l2_network": l3.l2_network_id, "dns": "[]", **management("ip_ranges")}
    assert f"already carries L3 {l3}" in post(web, L3Network, "add", **values)[0]


RANGE = {"start_ip": "10.0.0.10", "end_ip": "10.0.0.20", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}


@pytest.mark.parametrize(
    ("change", "words"),
    [({}, ""), ({"gateway": "10.0.0.15"}, "lies inside the range"), ({"end_ip": "10.0.1.9"}, "not in the network")],
)
def test_a_range_follows_the_rules_of_ranges(web: Client, change: dict[str, str], words: str) -> None:
    found = post(web, IpRange, "add", name="r", l3_network=make_l3().uuid, **RANGE | change)
    assert words in " ".join(found)
    assert IpRange.objects.exists() is not bool(words)


def test_a_range_that_has_given_addresses_away_stays(web: Client) -> None:
    used, free = make_ip_range(), make_ip_range()
    make_used_ip(ip_range=used)
    codes = [web.get(page(IpRange, "delete", one.uuid)).status_code for one in (used, free)]
    assert codes == [403, 200]


def test_an_l3_with_taken_addresses_cannot_be_deleted(web: Client) -> None:
    used = make_used_ip()
    web.post(page(L3Network, "delete", used.l3_network_id), {"post": "yes"})
    assert L3Network.objects.exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (CPU_RATIO.name, "5", ""),
        (CPU_RATIO.name, "0", "from 1 to 1000"),
        ("no.such", "1", "There is no global configuration host.no.such"),
    ],
)
def test_global_configurations_follow_their_definitions(web: Client, name: str, value: str, words: str) -> None:
    found = post(web, GlobalConfig, "add", category="host", name=name, value=value)
    assert words in " ".join(found)
    assert CPU_RATIO.get() == (CPU_RATIO.default if words else 5)


def test_a_global_configuration_is_changed_and_brought_back(web: Client) -> None:
    row = GlobalConfig.objects.create(category=CPU_RATIO.category, name=CPU_RATIO.name, value="3")
    post(web, GlobalConfig, "change", str(row.pk), value="4")
    assert CPU_RATIO.get() == 4
    web.post(page(GlobalConfig, "delete", str(row.pk)), {"post": "yes"})
    assert CPU_RATIO.get() == CPU_RATIO.default


def test_a_user_tag_is_made_for_a_resource_that_exists(web: Client) -> None:
    zone = make_zone()
    values = {"resource_type": "ZoneVO", "tag": "rack-3"}
    assert "There is no Zone" in post(web, Tag, "add", resource_uuid="0" * 32, **values)[0]
    assert post(web, Tag, "add", resource_uuid=zone.uuid, **values) == []
    assert Tag.objects.get().type == TagType.USER


def test_system_tags_are_not_deleted_here(web: Client) -> None:
    zone = make_zone()
    kinds = [TagType.USER, TagType.SYSTEM]
    codes = [web.get(page(Tag, "delete", make_tag(zone, "ZoneVO", "t", kind).pk)).status_code for kind in kinds]
    assert codes == [200, 403]
