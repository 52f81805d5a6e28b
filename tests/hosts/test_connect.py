"""Add and reconnect a host: what a handshake records, makes and refuses (semantics §8.2)."""

from typing import Any

import pytest

from console.models import Operation, Status, Tag
from console.operations.services import cancel
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import SimulatedHypervisor
from hosts.hypervisor.spec import DhcpHost, Emulation, OsRelease
from hosts.models import Host, PrimaryStorage
from hosts.services import add_host, reconnect_host
from tests.support.datacenter import POOL, Datacenter, differences, failed_step, records, statuses

GIB = 1 << 30


def add(dc: Datacenter, name: str = "three", **changes: Any) -> Operation:
    values = {"management_ip": name, "uri": f"sim://{name}", "cluster_uuid": dc.uuid("cluster", "cluster-1")}
    return add_host(name=name, **{**values, **changes})


def reconnect(dc: Datacenter, name: str = "one") -> Operation:
    return dc.run(reconnect_host(uuid=dc.uuid("host", name)))


def driver(dc: Datacenter, name: str) -> SimulatedHypervisor:
    return SimulatedHypervisor(f"sim://{name}", name, dc.fleet.store.path)


@pytest.fixture
def three(dc: Datacenter) -> Datacenter:
    """A third host stands there and is not in the inventory yet."""
    dc.fleet.add_host(
        "three",
        cpus=12,
        memory=32 * GIB,
        cpu_model="EPYC-Rome",
        cpu_mhz=2800,
        libvirt_version="10.1.0",
        qemu_version="8.2.2",
        emulation=Emulation.QEMU,
        kvm_note="no /dev/kvm",
        os=OsRelease(distribution="debian", release="trixie", version="13"),
    )
    dc.names.append("three")
    return dc


def test_what_the_host_tells_is_recorded(three: Datacenter) -> None:
    operation = three.run(add(three))
    host = Host.objects.get(pk=operation.subject_uuid)
    assert (operation.status, host.status, host.status_reason, host.state) == ("Succeeded", "Connected", "", "Enabled")
    assert host.status_since is not None
    assert (host.total_cpu, host.total_memory, host.cpu_model, host.cpu_mhz) == (12, 32 * GIB, "EPYC-Rome", 2800)
    assert (host.hostname, host.libvirt_version, host.qemu_version) == ("three", "10.1.0", "8.2.2")
    assert (host.os_distribution, host.os_release, host.os_version) == ("debian", "trixie", "13")
    assert (host.emulation, host.kvm_note, host.hypervisor_type) == ("qemu", "no /dev/kvm", "KVM")
    assert (host.used_cpu, host.used_memory) == (0, 0)


def test_facts_are_inherent_tags(three: Datacenter) -> None:
    operation = three.run(add(three))
    tags = Tag.objects.filter(resource_uuid=operation.subject_uuid).order_by("tag")
    assert list(tags.values_list("tag", "type", "inherent", "resource_type")) == [
        (tag, "System", True, "HostVO")
        for tag in (
            "libvirt::version::10.1.0",
            "os::distribution::debian",
            "os::release::trixie",
            "os::version::13",
            "qemu-img::version::8.2.2",
        )
    ]


def test_a_host_without_facts_file_has_no_os_tags(three: Datacenter) -> None:
    three.fleet.set_host("three", os=None)
    operation = three.run(add(three))
    tags = Tag.objects.filter(resource_uuid=operation.subject_uuid).values_list("tag", flat=True)
    assert sorted(tag.partition("::")[0] for tag in tags) == ["libvirt", "qemu-img"]


def test_pools_and_networks_are_made_there(three: Datacenter) -> None:
    three.run(add(three))
    host = driver(three, "three")
    pool = host.pool(three.uuid("storage", "shared-1"))
    assert (pool.path, pool.active) == (POOL, True)
    networks = host.networks()
    assert {network.bridge for network in networks.values() if network.active} == {
        "br_eth1_100",
        "br_eth1",
        f"br_{three.uuid('l2', 'scratch')[:12]}",
    }
    assert networks[three.l3].gateway == "10.10.1.1"


def test_the_storage_becomes_connected_with_its_size(three: Datacenter) -> None:
    PrimaryStorage.objects.update(status="Connecting", total_capacity=0)
    three.run(add(three))
    storage = PrimaryStorage.objects.get()
    assert (storage.status, storage.total_capacity) == ("Connected", 10_240 * GIB)
    assert 0 < storage.physical_available <= storage.total_capacity


def test_until_the_handshake_is_done_it_is_connecting(three: Datacenter) -> None:
    assert Host.objects.get(pk=add(three).subject_uuid).status == "Connecting"


# a first handshake that fails

CALLS = {
    "facts": "handshake",
    "ensure_pool": "storage",
    "ensure_network": "networks",
    "domains": "networks",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_first_handshake_that_fails_leaves_no_record(three: Datacenter, call: str) -> None:
    before = records("last_op_date")
    three.fleet.fault(host="three", call=call, error=HypervisorError("made to fail"), times=1)
    operation = three.run(add(three))
    assert (operation.status, failed_step(operation)) == (Status.FAILED, CALLS[call])
    assert operation.error["details"] == "made to fail"
    assert differences(before, records("last_op_date")) == {}


def test_an_address_where_nobody_answers(dc: Datacenter) -> None:
    operation = dc.run(add(dc, name="nobody"))
    assert (operation.status, failed_step(operation)) == (Status.FAILED, "handshake")
    assert "There is no simulated host 'nobody'" in operation.error["details"]
    assert not Host.objects.filter(name="nobody").exists()


def test_cancelled_before_it_began_it_leaves_no_record(three: Datacenter) -> None:
    before = records("last_op_date")
    operation = add(three)
    cancel(operation)
    assert three.run(operation).status == Status.CANCELLED
    assert differences(before, records("last_op_date")) == {}


def test_the_same_machine_under_another_address_is_refused(dc: Datacenter) -> None:
    before = dc.everything()
    operation = dc.run(add(dc, name="alias", uri="sim://one/"))
    assert operation.error["details"] == "alias is the same machine as host one (one)"
    assert dc.changes(before) == {}


# reconnecting


def test_reconnecting_brings_everything_up_to_date(dc: Datacenter) -> None:
    dc.fleet.set_host("one", memory=128 * GIB, qemu_version="8.0.0", os=None)
    assert reconnect(dc).status == Status.SUCCEEDED
    host = Host.objects.get(name="one")
    assert (host.status, host.total_memory, host.qemu_version, host.os_version) == ("Connected", 128 * GIB, "8.0.0", "")
    tags = set(Tag.objects.filter(resource_uuid=host.pk, inherent=True).values_list("tag", flat=True))
    assert tags == {"libvirt::version::9.0.0", "qemu-img::version::8.0.0"}


def test_while_it_reconnects_it_takes_no_vms(dc: Datacenter) -> None:
    reconnect_host(uuid=dc.uuid("host", "one"))
    host = Host.objects.get(name="one")
    assert (host.status, host.status_reason) == ("Connecting", "reconnecting")


def test_networks_get_exactly_the_leases_of_the_vms_placed_there(dc: Datacenter) -> None:
    one = dc.uuid("host", "one")
    vm = dc.create("web", "database", host_uuid=one, system_tags=("hostname::web-1",))
    dc.create(name="elsewhere", host_uuid=dc.uuid("host", "two"))
    hypervisor = driver(dc, "one")
    hypervisor.remove_network(dc.uuid("l3", "database"))
    hypervisor.add_dhcp_host(dc.l3, DhcpHost(mac="fa:00:00:00:00:00", ip="10.10.1.200"))
    reconnect(dc)
    nics = {nic.l3_network_id: nic for nic in vm.nics.all()}
    leases = {uuid: network.hosts for uuid, network in hypervisor.networks().items() if network.hosts}
    database = dc.uuid("l3", "database")
    assert leases == {
        dc.l3: (DhcpHost(mac=nics[dc.l3].mac, ip=nics[dc.l3].ip, hostname="web-1"),),
        database: (DhcpHost(mac=nics[database].mac, ip=nics[database].ip),),
    }


def test_capacity_is_counted_anew(dc: Datacenter) -> None:
    vm = dc.create(host_uuid=dc.uuid("host", "one"))
    Host.objects.update(used_cpu=50, used_memory=50 * GIB)
    reconnect(dc)
    host = Host.objects.get(name="one")
    assert (host.used_cpu, host.used_memory) == (vm.cpu_num, vm.memory_size)


def test_a_host_that_does_not_answer_is_disconnected_and_says_why(dc: Datacenter) -> None:
    since = Host.objects.get(name="one").status_since
    dc.fleet.cut_off("one")
    operation = reconnect(dc)
    host = Host.objects.get(name="one")
    assert (operation.status, host.status) == (Status.FAILED, "Disconnected")
    assert host.status_reason == "one: unable to connect: no route to host"
    assert host.status_since > since


def test_facts_of_a_lost_host_are_kept(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    reconnect(dc)
    host = Host.objects.get(name="one")
    assert (host.total_memory, host.os_release, host.state) == (64 * GIB, "bookworm", "Enabled")


def test_cancelled_before_it_began_the_host_is_disconnected(dc: Datacenter) -> None:
    operation = reconnect_host(uuid=dc.uuid("host", "one"))
    cancel(operation)
    dc.run(operation)
    host = Host.objects.get(name="one")
    assert (host.status, host.status_reason) == ("Disconnected", "Cancelled on request")


def test_a_lost_host_comes_back(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    reconnect(dc)
    dc.fleet.mend("one")
    dc.disconnect()
    operation = reconnect(dc)
    assert set(statuses(operation).values()) == {"Done"}
    assert Host.objects.get(name="one").status == "Connected"


def test_reconnecting_twice_changes_nothing_more(dc: Datacenter) -> None:
    reconnect(dc)
    before = dc.everything()
    reconnect(dc)
    moving = {"hosts.Host"}  # since when it is connected
    assert dc.changes(before).keys() <= moving
