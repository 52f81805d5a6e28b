"""Strategies, orderings, and the report with a reason for every host."""

import json
from random import Random
from time import perf_counter

import pytest

from hosts.allocation.engine import Decision, decide
from hosts.allocation.spec import AllocationSpec, HostView, Place, PlaceKind, Release, VolumePlace
from hosts.allocation.strategies import (
    DEFAULT,
    DESIGNATED,
    LAST_HOST,
    LEAST_VM,
    MIGRATE,
    SELECTABLE,
    STRATEGIES,
    strategy_for_create,
)
from tests.hosts.allocation_views import DATA, GIB, MIB, ROOT, host, spec, storage


def run(hosts: list[HostView], wanted: AllocationSpec, strategy: str = DEFAULT, seed: int = 1) -> Decision:
    return decide(hosts, wanted, STRATEGIES[strategy], Random(seed))


def names(decision: Decision) -> list[str]:
    return [candidate.name for candidate in decision.candidates]


NODES = [host("node1"), host("node2"), host("node3")]


def test_default_order_is_random():
    assert len({tuple(names(run(NODES, spec(), seed=seed))) for seed in range(100)}) == 6


def test_same_seed_same_order():
    assert names(run(NODES, spec(), seed=7)) == names(run(NODES, spec(), seed=7))


def test_least_vm_puts_the_emptiest_hosts_first_and_settles_ties_at_random():
    hosts = [host("busy", vm_count=5), host("a", vm_count=1), host("b", vm_count=1)]
    orders = {tuple(names(run(hosts, spec(), LEAST_VM, seed))) for seed in range(40)}
    assert orders == {("a", "b", "busy"), ("b", "a", "busy")}


def test_start_prefers_the_last_host():
    orders = {
        names(run(NODES, spec(last_host_uuid="uuid-node2", volumes=()), LAST_HOST, seed))[0] for seed in range(20)
    }
    assert orders == {"node2"}


def test_start_falls_back_to_any_other_host():
    hosts = [host("node1"), host("node2", status="Disconnected"), host("node3")]
    assert set(names(run(hosts, spec(last_host_uuid="uuid-node2", volumes=()), LAST_HOST))) == {
        "node1",
        "node3",
    }


def test_designated_host_is_the_only_candidate():
    wanted = spec(place=Place(PlaceKind.HOST, "uuid-node3", "node3"))
    assert names(run(NODES, wanted, DESIGNATED)) == ["node3"]


def test_migration_goes_to_another_host_of_the_same_release_that_reaches_the_volumes():
    bookworm = Release("debian", "bookworm", "12")
    hosts = [
        host("node1", os=bookworm),
        host("node2", os=bookworm),
        host("node3", os=Release("debian", "trixie", "13")),
        host("node4", os=bookworm, storages=(storage(uuid="ps2"),)),
    ]
    wanted = spec(image=None, volumes=(), volume_places=(VolumePlace("ps1", "shared"),), current=hosts[0])
    decision = run(hosts, wanted, MIGRATE)
    assert names(decision) == ["node2"]
    assert [entry.rule for entry in decision.report.entries] == ["avoid", None, "versions", "volume-storages"]


@pytest.mark.parametrize(
    ("designated", "expected"), [(True, DESIGNATED), (False, LEAST_VM)], ids=["place given", "no place"]
)
def test_a_named_place_overrides_the_strategy_of_the_offering(designated, expected):
    assert strategy_for_create(LEAST_VM, designated).name == expected


def test_only_default_and_least_vm_are_offered():
    assert SELECTABLE == (DEFAULT, LEAST_VM)


def test_an_unknown_strategy_is_an_error():
    with pytest.raises(KeyError):
        strategy_for_create("RoundRobin", designated=False)


def test_report_names_the_first_rule_that_refused():
    lame = host("node1", state="Disabled", status="Disconnected", used_memory=8 * GIB)
    assert run([lame], spec()).report.entries[0].rule == "state"


def test_report_is_json_with_figures_for_every_host():
    hosts = [host("node1"), host("node2", used_memory=6 * GIB)]
    data = run(hosts, spec()).report.as_data()
    assert json.loads(json.dumps(data)) == {
        "strategy": DEFAULT,
        "cpu": 2,
        "memory": 4 * GIB,
        "place": None,
        "eligible": 1,
        "total": 2,
        "summary": "1 of 2 hosts can run this VM.",
        "hosts": [
            {
                "host_uuid": "uuid-node1",
                "host_name": "node1",
                "eligible": True,
                "rule": None,
                "reason": None,
                "figures": None,
                "room": {"cpu": host("node1").available_cpu, "memory": 8 * GIB},
            },
            {
                "host_uuid": "uuid-node2",
                "host_name": "node2",
                "eligible": False,
                "rule": "memory",
                "reason": "node2 has 2 GiB of memory available, 4 GiB needed "
                "(8 GiB in total, 6 GiB used, 0 B reserved).",
                "figures": {"resource": "memory", "needed": 4 * GIB, "available": 2 * GIB},
            },
        ],
    }


def test_summary_counts_hosts_by_what_they_lack_and_shows_the_closest():
    hosts = [
        host("node1", used_memory=8 * GIB - 100 * MIB),
        host("node2", used_memory=6 * GIB, reserved_memory=512 * MIB),
        host("node3", state="Disabled"),
    ]
    assert run(hosts, spec()).report.summary() == (
        "No host can run this VM: 2 of 3 lack memory (need 4 GiB, most free 1.5 GiB on node2), 1 is disabled."
    )


def test_summary_of_a_requested_host_is_that_hosts_reason():
    wanted = spec(place=Place(PlaceKind.HOST, "uuid-node2", "node2"))
    hosts = [host("node1"), host("node2", status="Disconnected")]
    assert run(hosts, wanted, DESIGNATED).report.summary() == (
        "The requested host cannot run this VM: node2 is disconnected."
    )


def test_summary_of_a_requested_zone_leaves_other_zones_out():
    wanted = spec(place=Place(PlaceKind.ZONE, "z1", "east"))
    hosts = [host("node1", used_cpu=40), host("node2", zone_uuid="z2"), host("node3", zone_uuid="z2")]
    assert run(hosts, wanted, DESIGNATED).report.summary() == (
        "No host of zone east can run this VM: 1 of 1 lacks CPU (need 2, most free 0 on node1)."
    )


@pytest.mark.parametrize("hosts", [[], [host("node1")]], ids=["no host at all", "none there"])
def test_summary_of_an_empty_place_says_so(hosts):
    wanted = spec(place=Place(PlaceKind.CLUSTER, "c9", "rack9"))
    assert run(hosts, wanted, DESIGNATED).report.summary() in (
        "No host can run this VM: none is in the requested cluster rack9.",
        "No host can run this VM: there are no hosts.",
    )


def test_summary_stays_short_when_the_reasons_are_many():
    hosts = [host(f"node{n}", l2_uuids=frozenset(), storages=(), hypervisor_type=f"H{n}") for n in range(3)]
    hosts += [host(f"lost{n}", status=status) for n, status in enumerate(("Connecting", "Disconnected"))]
    hosts += [host(f"off{n}", **{key: "Disabled"}) for n, key in enumerate(("state", "cluster_state", "zone_state"))]
    hosts += [host("full", used_memory=8 * GIB)]
    summary = run(hosts, spec()).report.summary()
    assert summary.startswith("No host can run this VM: 3 of 9 do not run KVM, ")
    assert summary.endswith(", 2 for other reasons.")
    one_less = run(hosts[:-1], spec()).report.summary()
    assert one_less.endswith("1 is in a disabled cluster, 1 is in a disabled zone.")


def test_ten_thousand_hosts_are_judged_quickly():
    full = [host(f"full{n}", used_memory=7 * GIB) for n in range(5_000)]
    free = [host(f"free{n}", vm_count=n % 7, storages=(storage(), storage(uuid="ps2"))) for n in range(5_000)]
    started = perf_counter()
    decision = run(full + free, spec(volumes=(ROOT, DATA)), LEAST_VM)
    elapsed = perf_counter() - started
    assert len(decision.candidates) == 5_000
    # It takes a fraction of this; the limit only catches a change of order of magnitude.
    assert elapsed < 5
