"""Requests about places and hosts: what is refused, and how far enabling and disabling reaches."""

from typing import Any

import pytest

from console.errors import Busy, InvalidArgument, NotFound, Refusal
from console.naming import new_uuid
from hosts.models import Cluster, Host, Zone
from hosts.services import (
    add_host,
    change_cluster_state,
    change_host_state,
    change_zone_state,
    default_uri,
    reconnect_host,
)
from tests.factories import make_cluster, make_host, make_zone
from tests.support.datacenter import all_rows, differences

pytestmark = pytest.mark.django_db

MISSING = "1" * 12 + "4" + "1" * 3 + "a" + "1" * 15


def add(**changes: Any) -> Host:
    values = {"name": "new", "management_ip": "10.0.0.9"}
    if "cluster_uuid" not in changes:
        values["cluster_uuid"] = make_cluster().uuid
    return Host.objects.get(pk=add_host(**{**values, **changes}).subject_uuid)


def test_a_new_host_is_reached_over_tls_unless_said_otherwise() -> None:
    host = add(resource_uuid=(uuid := new_uuid()), description="in the attic")
    assert (host.uuid, host.uri, host.description) == (uuid, "qemu+tls://10.0.0.9/system", "in the attic")
    assert (host.status, host.uri) == ("Connecting", default_uri("10.0.0.9"))


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"name": ""}, InvalidArgument, "name"),
        ({"description": "x" * 2049}, InvalidArgument, "description"),
        ({"resource_uuid": "nonsense"}, InvalidArgument, "resourceUuid"),
        ({"cluster_uuid": MISSING}, NotFound, "clusterUuid"),
        ({"management_ip": ""}, InvalidArgument, "managementIp"),
        ({"management_ip": "a b"}, InvalidArgument, "managementIp"),
        ({"management_ip": "known"}, InvalidArgument, "managementIp"),
        ({"uri": "sim://known"}, InvalidArgument, "uri"),
    ],
)
def test_a_bad_request_for_a_host(changes: dict[str, Any], kind: type[Refusal], field: str) -> None:
    cluster = make_host(name="known").cluster
    before = all_rows()
    with pytest.raises(kind) as refused:
        add(**{"cluster_uuid": cluster.uuid, **changes})
    assert refused.value.field == field
    assert differences(before, all_rows()) == {}


def test_a_uuid_is_used_once() -> None:
    host = make_host(name="known")
    with pytest.raises(InvalidArgument, match=f"a host with uuid {host.uuid} already: known"):
        add(resource_uuid=host.uuid)


def test_the_same_key_adds_one_host() -> None:
    cluster = make_cluster()
    request = {"name": "new", "cluster_uuid": cluster.uuid, "management_ip": "10.0.0.9"}
    operations = [add_host(**request, idempotency_key="click") for _ in range(2)]
    assert (operations[0], Host.objects.count()) == (operations[1], 1)


def test_reconnecting_twice_at_a_time_is_refused() -> None:
    host = make_host(name="known")
    reconnect_host(uuid=host.uuid)
    with pytest.raises(Busy, match="Reconnect host known"):
        reconnect_host(uuid=host.uuid)


def test_reconnecting_a_host_that_is_not_there() -> None:
    with pytest.raises(NotFound, match=MISSING):
        reconnect_host(uuid=MISSING)


# enabling and disabling


def states() -> dict[str, str]:
    rows = [*Zone.objects.all(), *Cluster.objects.all(), *Host.objects.all()]
    return {row.name: row.state for row in rows}


@pytest.fixture
def places() -> dict[str, Any]:
    """Zone z with clusters a (hosts a1, a2, a3) and b (b1), zone y with cluster c (c1)."""
    zones = {name: make_zone(name=name) for name in "zy"}
    clusters = {name: make_cluster(name=name, zone=zones[zone]) for name, zone in (("a", "z"), ("b", "z"), ("c", "y"))}
    hosts = {name: make_host(name=name, cluster=clusters[name[0]]) for name in ("a1", "a2", "b1", "c1")}
    away = make_host(name="a3", cluster=clusters["a"], state="Maintenance")
    return {**zones, **clusters, **hosts, "a3": away}


CHANGES = {"z": change_zone_state, "a": change_cluster_state, "a1": change_host_state}


@pytest.mark.parametrize(
    ("what", "reached"), [("z", {"z", "a", "b", "a1", "a2", "b1"}), ("a", {"a", "a1", "a2"}), ("a1", {"a1"})]
)
def test_disabling_reaches_all_below_but_not_maintenance(places: dict[str, Any], what: str, reached: set[str]) -> None:
    changed = CHANGES[what](uuid=places[what].pk, event="disable")
    assert changed.state == "Disabled"
    assert states() == {
        name: "Maintenance" if name == "a3" else "Disabled" if name in reached else "Enabled" for name in places
    }


@pytest.mark.parametrize("what", CHANGES)
def test_enabling_again_restores_what_was(places: dict[str, Any], what: str) -> None:
    before = states()
    for event in ("disable", "enable"):
        CHANGES[what](uuid=places[what].pk, event=event)
    assert states() == before


def test_below_a_disabled_zone_single_hosts_may_be_enabled(places: dict[str, Any]) -> None:
    change_zone_state(uuid=places["z"].pk, event="disable")
    change_host_state(uuid=places["a1"].pk, event="enable")
    assert (states()["a1"], states()["a2"]) == ("Enabled", "Disabled")


@pytest.mark.parametrize("change", CHANGES.values())
def test_what_is_not_there_cannot_be_changed(change: Any) -> None:
    with pytest.raises(NotFound, match=MISSING):
        change(uuid=MISSING, event="enable")


@pytest.mark.parametrize("what", CHANGES)
def test_an_unknown_event(places: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidArgument, match="enable or disable; 'explode' is not"):
        CHANGES[what](uuid=places[what].pk, event="explode")
