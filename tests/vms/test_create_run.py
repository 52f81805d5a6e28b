"""A VM from a template, from request to running, on simulated hosts."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.models import Operation, ResourceLock, Status, Tag
from console.naming import new_uuid
from console.operations.services import cancel
from hosts.hypervisor.simulator import SimulatedHypervisor
from hosts.hypervisor.spec import DhcpHost, DomainState
from hosts.models import Host, PrimaryStorage
from networks.models import UsedIp
from tests.support.datacenter import POOL, Datacenter, statuses
from vms.models import Image, InstanceOffering, VmInstance
from vms.services import create_vm

MIB = 1 << 20


def host(dc: Datacenter, vm: VmInstance) -> SimulatedHypervisor:
    name = str(vm.host.name)
    return SimulatedHypervisor(f"sim://{name}", name, dc.fleet.store.path)


# the record


def test_the_record_says_where_it_runs(dc: Datacenter) -> None:
    vm = dc.create()
    assert (vm.state, vm.type, vm.hypervisor_type) == ("Running", "UserVm", "KVM")
    assert (vm.zone_id, vm.cluster_id) == (dc.uuid("zone", "zone-1"), dc.uuid("cluster", "cluster-1"))
    assert vm.host.name in ("one", "two")
    assert vm.last_host_id is None


def test_the_hypervisor_type_is_that_of_the_image(dc: Datacenter) -> None:
    Image.objects.update(hypervisor_type="Xen")
    Host.objects.update(hypervisor_type="Xen")
    assert dc.create().hypervisor_type == "Xen"


def test_the_offering_is_copied_for_good(dc: Datacenter) -> None:
    vm = dc.create(instance_offering_uuid=dc.uuid("offering", "medium"))
    InstanceOffering.objects.update(cpu_num=9, cpu_speed=9, memory_size=9 * MIB, allocator_strategy="other")
    vm = vm.reload()
    assert (vm.cpu_num, vm.cpu_speed, vm.memory_size) == (2, 1000, 1024 * MIB)
    assert vm.allocator_strategy == "DefaultHostAllocatorStrategy"


def test_its_own_words_are_kept(dc: Datacenter) -> None:
    uuid = new_uuid()
    vm = dc.create(resource_uuid=uuid, name="web server", description="serves\nthe web", type="ApplianceVm")
    assert (vm.uuid, vm.name, vm.description, vm.type) == (uuid, "web server", "serves\nthe web", "ApplianceVm")


def test_tags_of_both_kinds_are_kept(dc: Datacenter) -> None:
    vm = dc.create(system_tags=("hostname::web-1",), user_tags=("blue", "green", "blue"))
    tags = Tag.objects.filter(resource_uuid=vm.uuid).order_by("tag")
    assert list(tags.values_list("tag", "type", "resource_type", "inherent")) == [
        ("blue", "User", "VmInstanceVO", False),
        ("green", "User", "VmInstanceVO", False),
        ("hostname::web-1", "System", "VmInstanceVO", False),
    ]


def test_the_root_volume_is_named_after_the_vm(dc: Datacenter) -> None:
    vm = dc.create(name="web")
    root = vm.root_volume
    assert (root.name, root.description) == ("ROOT-for-web", f"Root volume for VM[uuid:{vm.uuid}]")
    assert (root.type, root.device_id, root.format, root.status, root.state) == (
        "Root",
        0,
        "qcow2",
        "Ready",
        "Enabled",
    )
    assert (root.size, root.root_image_id, root.disk_offering_id) == (24 * MIB, vm.image_id, None)
    assert root.install_path == f"{POOL}/{root.uuid}.qcow2"
    assert root.primary_storage_id == dc.uuid("storage", "shared-1")


def test_the_name_of_the_root_volume_is_no_longer_than_names_may_be(dc: Datacenter) -> None:
    assert dc.create(name="x" * 255).root_volume.name == f"ROOT-for-{'x' * 246}"


def test_data_volumes_follow_the_root_volume(dc: Datacenter) -> None:
    small, large = dc.uuid("disk", "disk-1G"), dc.uuid("disk", "disk-10G")
    vm = dc.create(name="db", data_disk_offering_uuids=(large, small))
    data = vm.volumes.filter(type="Data").order_by("device_id")
    assert list(data.values_list("name", "device_id", "size", "disk_offering", "status", "root_image")) == [
        ("DATA-for-db", 1, 10 << 30, large, "Ready", None),
        ("DATA-for-db", 2, 1 << 30, small, "Ready", None),
    ]
    assert {str(volume.install_path).rpartition("/")[2] for volume in data} <= set(dc.files())


def test_what_it_takes_is_reserved(dc: Datacenter) -> None:
    vm = dc.create()
    assert (vm.host.used_cpu, vm.host.used_memory) == (1, 256 * MIB)
    image = Image.objects.get()
    assert PrimaryStorage.objects.get().used_capacity == image.size + image.actual_size


# NICs


def test_nics_are_numbered_in_the_order_of_the_request(dc: Datacenter) -> None:
    l3s = tuple(dc.uuid("l3", name) for name in ("scratch", "web", "database"))
    vm = dc.create(l3_network_uuids=l3s, default_l3_network_uuid=l3s[1])
    nics = vm.nics.order_by("device_id")
    assert list(nics.values_list("device_id", "l3_network")) == list(enumerate(l3s))
    assert [nic.internal_name for nic in nics] == [f"vnic{vm.internal_id}.{number}" for number in range(3)]
    assert [nic.gateway for nic in nics] == ["172.16.0.1", "10.10.1.1", "192.168.0.1"]
    assert {nic.netmask for nic in nics} == {"255.255.255.0"}


def test_macs_tell_device_and_default_network(dc: Datacenter) -> None:
    l3s = tuple(dc.uuid("l3", name) for name in ("scratch", "web", "database"))
    vm = dc.create(l3_network_uuids=l3s, default_l3_network_uuid=l3s[1])
    macs = list(vm.nics.order_by("device_id").values_list("mac", flat=True))
    assert all(re.fullmatch("fa(:[0-9a-f]{2}){5}", mac) for mac in macs)
    assert [mac[-2:] for mac in macs] == ["00", "01", "02"]
    assert [mac[3:5] == "fe" for mac in macs] == [True, False, True]


def test_addresses_are_taken_from_the_ranges(dc: Datacenter) -> None:
    vm = dc.create("web", "database")
    nics = {nic.l3_network_id: nic for nic in vm.nics.all()}
    taken = UsedIp.objects.in_bulk([nic.used_ip_id for nic in nics.values()])
    for nic in nics.values():
        used = taken[nic.used_ip_id]
        assert (used.ip, used.l3_network_id, used.gateway) == (nic.ip, nic.l3_network_id, nic.gateway)
        assert used.ip_range_id is not None
    assert nics[dc.l3].ip.startswith("10.10.1.")


# the host


def test_the_domain_is_what_the_record_says(dc: Datacenter) -> None:
    vm = dc.create("web", "database", name="web server", description="serves")
    hypervisor = host(dc, vm)
    assert hypervisor.domain_state(vm.uuid) == DomainState.RUNNING
    assert dc.fleet.active_on(vm.uuid) == [vm.host.name]
    xml = hypervisor.domain_xml(vm.uuid)
    for word in (
        f"<name>{vm.uuid}</name>",
        "<title>web server</title>",
        f'<memory unit="b">{256 * MIB}</memory>',
        "<shares>1000</shares>",
        f'file="{vm.root_volume.install_path}"',
        'dev="vda"',
    ):
        assert word in xml
    macs = list(vm.nics.order_by("device_id").values_list("mac", flat=True))
    assert re.findall('mac address="(.*?)"', xml) == macs


def test_the_root_volume_is_a_thin_clone(dc: Datacenter) -> None:
    vm = dc.create()
    made = host(dc, vm).volume(dc.uuid("storage", "shared-1"), f"{vm.root_volume_id}.qcow2")
    assert made is not None
    assert made.backing_path.startswith(f"{POOL}/image-{vm.image_id}-")
    assert (made.capacity, made.allocation < made.capacity) == (24 * MIB, True)


def test_the_host_leases_every_address_and_names_the_default_one(dc: Datacenter) -> None:
    vm = dc.create("web", "database", system_tags=("hostname::web-1",))
    nics = {nic.l3_network_id: nic for nic in vm.nics.all()}
    database = dc.uuid("l3", "database")
    networks = host(dc, vm).networks()
    assert networks[dc.l3].hosts == (DhcpHost(mac=nics[dc.l3].mac, ip=nics[dc.l3].ip, hostname="web-1"),)
    assert networks[database].hosts == (DhcpHost(mac=nics[database].mac, ip=nics[database].ip),)


def test_the_other_host_knows_nothing_of_it(dc: Datacenter) -> None:
    vm = dc.create(host_uuid=dc.uuid("host", "one"))
    two = SimulatedHypervisor("sim://two", "two", dc.fleet.store.path)
    assert vm.uuid not in two.domains()
    assert two.networks()[dc.l3].hosts == ()


def test_a_network_the_host_has_not_yet_is_made(dc: Datacenter) -> None:
    for name in dc.names:
        SimulatedHypervisor(f"sim://{name}", name, dc.fleet.store.path).remove_network(dc.l3)
    vm = dc.create()
    there = host(dc, vm).networks()[dc.l3]
    assert (there.active, there.bridge, there.gateway) == (True, "br_eth1_100", "10.10.1.1")
    assert [lease.ip for lease in there.hosts] == [vm.nics.get().ip]


def test_a_lease_left_over_from_a_vm_that_is_gone_yields(dc: Datacenter) -> None:
    operation = dc.accept()
    vm = VmInstance.objects.get(pk=operation.subject_uuid)
    nic = vm.nics.get()
    host(dc, vm).add_dhcp_host(dc.l3, DhcpHost(mac="fa:00:00:00:00:00", ip=nic.ip))
    assert dc.run(operation).status == Status.SUCCEEDED
    assert host(dc, vm).networks()[dc.l3].hosts == (DhcpHost(mac=nic.mac, ip=nic.ip),)


# the operation


def test_the_operation_tells_what_was_asked_and_where_it_went(dc: Datacenter) -> None:
    user = get_user_model().objects.create_user("ann")
    request = dc.request(name="web", user_tags=("blue",))
    operation = dc.run(create_vm(request, user=user)).reload()
    vm = VmInstance.objects.get(pk=operation.subject_uuid)
    assert (operation.kind, operation.title, operation.subject_name) == ("vm.create", "Create VM web", "web")
    assert (operation.created_by, operation.lane) == (user, vm.host_id)
    assert operation.arguments["l3_network_uuids"] == [dc.l3]
    assert operation.arguments["user_tags"] == ["blue"]
    report = operation.report
    assert (report["chosen"], report["eligible"], report["total"]) == (vm.host_id, 2, 2)
    assert set(statuses(operation).values()) == {"Done"}


def test_it_is_locked_as_long_as_it_is_being_made(dc: Datacenter) -> None:
    operation = dc.accept()
    assert list(ResourceLock.objects.values_list("pk", "operation")) == [(operation.subject_uuid, operation.pk)]
    dc.run(operation)
    assert not ResourceLock.objects.exists()


def test_before_a_worker_comes_it_is_created_and_placed(dc: Datacenter) -> None:
    vm = VmInstance.objects.get(pk=dc.accept().subject_uuid)
    assert (vm.state, vm.root_volume.status, vm.host is not None) == ("Created", "NotInstantiated", True)


def test_the_same_key_is_the_same_creation(dc: Datacenter) -> None:
    """Even though the second request would be refused: its hostname and its uuid are taken, by the first."""
    request = dc.request(resource_uuid=new_uuid(), system_tags=("hostname::web-1",))
    first = create_vm(request, idempotency_key="click")
    dc.run(first)
    assert create_vm(request, idempotency_key="click") == first
    assert (VmInstance.objects.count(), Operation.objects.filter(kind="vm.create").count()) == (1, 1)


def test_internal_ids_are_never_given_twice(dc: Datacenter) -> None:
    first = dc.create(name="first").internal_id
    cancelled = dc.accept(name="second")
    second = VmInstance.objects.get(pk=cancelled.subject_uuid).internal_id
    cancel(cancelled)
    dc.run(cancelled)
    assert first < second < dc.create().internal_id


# what it costs


@pytest.mark.parametrize(("networks", "disks", "statements"), [(("web",), 0, 51), (("web", "database"), 2, 68)])
def test_accepting_costs_a_fixed_number_of_statements(
    dc: Datacenter, networks: tuple[str, ...], disks: int, statements: int
) -> None:
    """Savepoints included; however many hosts and VMs there are."""
    for number in range(3):
        dc.accept(name=f"vm{number}")
    request = dc.request(*networks, data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),) * disks)
    with CaptureQueriesContext(connection) as counted:
        create_vm(request)
    assert len(counted) == statements


def test_creating_costs_a_fixed_number_of_calls(dc: Datacenter) -> None:
    dc.create(name="first")
    dc.fleet.reset_calls()
    dc.create("web", "database")
    assert dc.fleet.calls() == {
        "volume": 2,
        "create_volume": 1,
        "networks": 1,
        "add_dhcp_host": 2,
        "define_domain": 1,
        "start_domain": 1,
        "domain_state": 1,
    }
