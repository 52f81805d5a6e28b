"""Where no host can take a VM, the refusal says of every host why not, with numbers, and nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from console.errors import NoAddress, NoHost, Refusal
from console.globalconfig import update
from console.models import Enablement
from console.naming import new_uuid
from hosts.models import Cluster, Host, ImageStore, PrimaryStorage, Zone
from hosts.services import change_cluster_state, change_host_state, change_zone_state
from networks.models import IpRange, L2Network
from tests.support.datacenter import Datacenter, all_rows, differences
from vms.models import InstanceOffering
from vms.services import create_vm, preview_create

GIB = 1 << 30
Prepare = Callable[[Datacenter], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """`rule` and `reasons` are those of hosts one and two; `figures` of one are (resource, needed, available)."""

    name: str
    prepare: Prepare
    rule: str
    reasons: tuple[str, str]
    summary: str
    figures: tuple[str, int, int] | None = None


def offering(dc: Datacenter, **values: Any) -> dict[str, Any]:
    made = InstanceOffering.objects.create(**{"name": "special", "cpu_num": 1, "memory_size": GIB} | values)
    return {"instance_offering_uuid": made.uuid}


def much_memory(dc: Datacenter) -> dict[str, Any]:
    Host.objects.filter(name="two").update(used_memory=30 * GIB)
    return offering(dc, memory_size=61 * GIB)


def many_cpus(dc: Datacenter) -> dict[str, Any]:
    Host.objects.filter(name="two").update(used_cpu=100)
    return offering(dc, cpu_num=161)


def disabled_hosts(dc: Datacenter) -> dict[str, Any]:
    change_host_state(uuid=dc.uuid("host", "one"), event="disable")
    Host.objects.filter(name="two").update(state="Maintenance")
    return {}


def disabled_cluster(dc: Datacenter) -> dict[str, Any]:
    change_cluster_state(uuid=dc.uuid("cluster", "cluster-1"), event="disable")
    Host.objects.update(state=Enablement.ENABLED)  # changed one by one afterwards
    return {}


def disabled_zone(dc: Datacenter) -> dict[str, Any]:
    change_zone_state(uuid=dc.uuid("zone", "zone-1"), event="disable")
    Cluster.objects.update(state=Enablement.ENABLED)
    Host.objects.update(state=Enablement.ENABLED)
    return {}


def lost_hosts(dc: Datacenter) -> dict[str, Any]:
    Host.objects.filter(name="one").update(status="Disconnected")
    Host.objects.filter(name="two").update(status="Connecting")
    return {}


def detached_network(dc: Datacenter) -> dict[str, Any]:
    L2Network.objects.get(pk=dc.uuid("l2", "web")).clusters.clear()
    return {}


def full_storage(dc: Datacenter) -> dict[str, Any]:
    PrimaryStorage.objects.update(total_capacity=10 * GIB, used_capacity=4 * GIB)
    disk = dc.uuid("disk", "disk-10G")
    return {"data_disk_offering_uuids": (disk,)}


def lost_storage(dc: Datacenter) -> dict[str, Any]:
    PrimaryStorage.objects.update(status="Disconnected")
    return {}


def store_elsewhere(dc: Datacenter) -> dict[str, Any]:
    ImageStore.objects.get().zones.set([Zone.objects.create(name="far")])
    return {}


def store_disabled(dc: Datacenter) -> dict[str, Any]:
    ImageStore.objects.update(state=Enablement.DISABLED)
    return {}


def other_hypervisor(dc: Datacenter) -> dict[str, Any]:
    Host.objects.update(hypervisor_type="Xen")
    return {}


CASES = (
    Case(
        "too little memory anywhere",
        much_memory,
        "memory",
        (
            "one has 60 GiB of memory available, 61 GiB needed (64 GiB in total, 0 B used, 4 GiB reserved).",
            "two has 30 GiB of memory available, 61 GiB needed (64 GiB in total, 30 GiB used, 4 GiB reserved).",
        ),
        "No host can run this VM: 2 of 2 lack memory (need 61 GiB, most free 60 GiB on one).",
        ("memory", 61 * GIB, 60 * GIB),
    ),
    Case(
        "too many CPUs",
        many_cpus,
        "cpu",
        (
            "one has 160 CPUs available, 161 needed (160 in total, 0 used, 0 reserved).",
            "two has 60 CPUs available, 161 needed (160 in total, 100 used, 0 reserved).",
        ),
        "No host can run this VM: 2 of 2 lack CPU (need 161, most free 160 on one).",
        ("CPU", 161, 160),
    ),
    Case(
        "hosts out of use",
        disabled_hosts,
        "state",
        ("one is disabled.", "two is in maintenance."),
        "No host can run this VM: 1 of 2 is disabled, 1 is in maintenance.",
    ),
    Case(
        "a disabled cluster",
        disabled_cluster,
        "state",
        (
            "one is in cluster cluster-1, which is disabled.",
            "two is in cluster cluster-1, which is disabled.",
        ),
        "No host can run this VM: 2 of 2 are in a disabled cluster.",
    ),
    Case(
        "a disabled zone",
        disabled_zone,
        "state",
        ("one is in zone zone-1, which is disabled.", "two is in zone zone-1, which is disabled."),
        "No host can run this VM: 2 of 2 are in a disabled zone.",
    ),
    Case(
        "no host connected",
        lost_hosts,
        "status",
        ("one is disconnected.", "two is connecting."),
        "No host can run this VM: 1 of 2 is disconnected, 1 is connecting.",
    ),
    Case(
        "a network that reaches no host",
        detached_network,
        "attached-l2",
        (
            "one is in cluster cluster-1, which is not attached to L2 network l2-web.",
            "two is in cluster cluster-1, which is not attached to L2 network l2-web.",
        ),
        "No host can run this VM: 2 of 2 are not attached to L2 network l2-web.",
    ),
    Case(
        "too little storage",
        full_storage,
        "primary-storage",
        (
            "one has no primary storage with enough room: "
            "shared-1 has 5 GiB available, the data volume disk-10G needs 10 GiB.",
            "two has no primary storage with enough room: "
            "shared-1 has 5 GiB available, the data volume disk-10G needs 10 GiB.",
        ),
        "No host can run this VM: 2 of 2 lack storage (need 10 GiB, most free 5 GiB on shared-1).",
        ("storage", 10 * GIB, 5 * GIB),
    ),
    Case(
        "a storage out of reach",
        lost_storage,
        "primary-storage",
        (
            "one reaches no usable primary storage: shared-1 is disconnected.",
            "two reaches no usable primary storage: shared-1 is disconnected.",
        ),
        "No host can run this VM: 2 of 2 reach no usable primary storage.",
    ),
    Case(
        "an image store of another zone",
        store_elsewhere,
        "image-store",
        (
            "one cannot get image tiny-linux: no image store of zone zone-1 holds it.",
            "two cannot get image tiny-linux: no image store of zone zone-1 holds it.",
        ),
        "No host can run this VM: 2 of 2 cannot get image tiny-linux.",
    ),
    Case(
        "an image store out of use",
        store_disabled,
        "image-store",
        (
            "one cannot get image tiny-linux: image store images is disabled.",
            "two cannot get image tiny-linux: image store images is disabled.",
        ),
        "No host can run this VM: 2 of 2 cannot get image tiny-linux.",
    ),
    Case(
        "hosts of another kind",
        other_hypervisor,
        "hypervisor",
        ("one runs Xen, the VM needs KVM.", "two runs Xen, the VM needs KVM."),
        "No host can run this VM: 2 of 2 do not run KVM.",
    ),
)


def refusal(dc: Datacenter, kind: type[Refusal], **changes: Any) -> dict[str, Any]:
    """The refusal of a request, after it has been made sure that it changed nothing."""
    before = all_rows()
    with pytest.raises(kind) as refused:
        create_vm(dc.request(**changes))
    assert differences(before, all_rows()) == {}
    return refused.value.as_dict()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_hosts_reason_is_told(dc: Datacenter, case: Case) -> None:
    error = refusal(dc, NoHost, **case.prepare(dc))
    one, two = error["report"]["hosts"]
    assert (error["code"], error["details"]) == ("HOST_ALLOCATION.1000", case.summary)
    assert (one["rule"], two["rule"]) == (case.rule, case.rule)
    assert (one["reason"], two["reason"]) == case.reasons
    assert (one["host_name"], two["host_name"], one["eligible"], two["eligible"]) == ("one", "two", False, False)
    if case.figures:
        resource, needed, available = case.figures
        assert one["figures"] == {"resource": resource, "needed": needed, "available": available}


def test_a_demanded_host_alone_counts(dc: Datacenter) -> None:
    Host.objects.filter(name="one").update(status="Disconnected")
    error = refusal(dc, NoHost, host_uuid=dc.uuid("host", "one"))
    assert error["details"] == "The requested host cannot run this VM: one is disconnected."


def test_a_cluster_without_hosts(dc: Datacenter) -> None:
    empty = Cluster.objects.create(name="empty", zone_id=dc.uuid("zone", "zone-1"))
    error = refusal(dc, NoHost, cluster_uuid=empty.uuid)
    assert error["details"] == "No host can run this VM: none is in the requested cluster empty."


def test_without_hosts_there_is_nothing_to_explain(dc: Datacenter) -> None:
    Host.objects.all().delete()
    assert refusal(dc, NoHost)["details"] == "No host can run this VM: there are no hosts."


def test_raised_overprovisioning_makes_room(dc: Datacenter) -> None:
    update("host", "cpu.overProvisioning.ratio", "11")
    assert dc.accept(**offering(dc, cpu_num=161))


def test_cpus_kept_back_by_the_setting_are_not_given_out(dc: Datacenter) -> None:
    update("kvm", "reservedCpu", "160")
    assert "(160 in total, 0 used, 160 reserved)" in refusal(dc, NoHost)["report"]["hosts"][0]["reason"]


def test_a_full_range_is_told_with_numbers(dc: Datacenter) -> None:
    IpRange.objects.filter(l3_network=dc.l3).update(start_ip="10.10.1.2", end_ip="10.10.1.3")
    dc.create(name="first")
    dc.create(name="second")
    error = refusal(dc, NoAddress)
    assert (error["code"], error["field"]) == ("SYS.1006", "l3NetworkUuids")
    assert error["details"] == "Network web has no free address: 1 range(s) with 2 addresses, 2 taken, 0 left"


def test_a_network_without_range_has_no_address(dc: Datacenter) -> None:
    IpRange.objects.filter(l3_network=dc.l3).delete()
    assert "0 range(s) with 0 addresses" in refusal(dc, NoAddress)["details"]


def test_one_full_network_of_two_refuses_both(dc: Datacenter) -> None:
    database = dc.uuid("l3", "database")
    IpRange.objects.filter(l3_network=database).update(start_ip="192.168.0.2", end_ip="192.168.0.2")
    dc.create("web", "database", name="first")
    error = refusal(dc, NoAddress, l3_network_uuids=(dc.l3, database))
    assert error["details"].startswith("Network database has no free address")


def test_a_preview_says_the_same_and_reserves_nothing(dc: Datacenter) -> None:
    before = all_rows()
    report = preview_create(dc.request()).report
    assert (report.summary(), report.strategy) == ("2 of 2 hosts can run this VM.", "DefaultHostAllocatorStrategy")
    assert differences(before, all_rows()) == {}


def test_a_refused_request_may_be_repeated_when_there_is_room(dc: Datacenter) -> None:
    uuid = new_uuid()
    Host.objects.update(status="Disconnected")
    refusal(dc, NoHost, resource_uuid=uuid)
    Host.objects.update(status="Connected")
    assert dc.create(resource_uuid=uuid).uuid == uuid
