"""The hardware that global configurations give to guests, from the next time they are defined on."""

from collections.abc import Callable
from typing import Any

import pytest

from console import globalconfig
from hosts.hypervisor.simulator import codec
from hosts.hypervisor.spec import DomainSpec, Emulation
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from vms.domain import domain_spec
from vms.life import reboot_vm, start_vm, stop_vm
from vms.models import VmInstance

Look = Callable[[DomainSpec], Any]


def defined(dc: Datacenter) -> DomainSpec:
    """As the host has it."""
    return codec.load_domain(dc.world()["domain"][0]["spec"])


@pytest.fixture
def vm(dc: Datacenter) -> VmInstance:
    return dc.create()


@pytest.mark.parametrize(
    ("category", "name", "value", "look", "before", "after"),
    [
        ("kvm", "vm.cacheMode", "1", lambda spec: spec.disks[0].cache, "none", "writethrough"),
        ("kvm", "vm.cacheMode", "2", lambda spec: spec.disks[0].cache, "none", "writeback"),
        ("kvm", "vm.consoleMode", "spice", lambda spec: spec.console, "vnc", "spice"),
        ("kvm", "vm.cpuMode", "host-passthrough", lambda spec: spec.passthrough, False, True),
        ("kvm", "vm.cpuMode", "host-model", lambda spec: spec.passthrough, False, False),
        ("vm", "videoType", "virtio", lambda spec: spec.video, "vga", "virtio"),
        ("vm", "emulateHyperV", "true", lambda spec: spec.hyper_v, False, True),
        ("vm", "kvmHiddenState", "true", lambda spec: spec.hide_kvm, False, True),
    ],
)
def test_what_is_set_holds_from_the_next_start_on(
    dc: Datacenter, vm: VmInstance, category: str, name: str, value: str, look: Look, before: Any, after: Any
) -> None:
    globalconfig.update(category, name, value)
    assert look(defined(dc)) == before
    ran(dc, stop_vm(vm.pk))
    ran(dc, start_vm(vm.pk))
    assert look(defined(dc)) == after


def test_a_reboot_defines_it_anew_as_well(dc: Datacenter, vm: VmInstance) -> None:
    globalconfig.update("vm", "videoType", "cirrus")
    ran(dc, reboot_vm(vm.pk))
    assert defined(dc).video == "cirrus"


@pytest.mark.parametrize(("cpus", "queues"), [(1, 1), (2, 2), (8, 4)])
def test_a_nic_has_so_many_queues_and_no_more_than_the_guest_has_cpus(vm: VmInstance, cpus: int, queues: int) -> None:
    globalconfig.update("vm", "nicMultiQueueNum", "4")
    vm.cpu_num = cpus
    assert [nic.queues for nic in domain_spec(vm, vm.host).nics] == [queues]


def test_what_is_not_set_is_what_guests_always_had(vm: VmInstance) -> None:
    spec = domain_spec(vm, vm.host)
    plain = DomainSpec(uuid="", title="", description="", vcpus=1, memory=1, cpu_shares=0, emulation=Emulation.KVM)
    for name in ("passthrough", "hyper_v", "hide_kvm", "console", "video"):
        assert getattr(spec, name) == getattr(plain, name)
