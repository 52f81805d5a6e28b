"""The port about a host as such: it answers or it does not, and it tells what it is."""

import pytest

from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.spec import Emulation
from tests.contract.scene import Scene

pytestmark = pytest.mark.contract


def test_a_host_that_is_there_answers_a_ping(scene: Scene) -> None:
    scene.host.ping()


def test_a_host_that_is_not_there_fails_a_ping_as_unreachable(scene: Scene) -> None:
    with pytest.raises(HostUnreachable) as caught:
        scene.gone.ping()
    assert caught.value.retryable
    assert (caught.value.host, caught.value.call) == ("gone", "ping")


def test_a_host_that_is_not_there_has_no_empty_list_of_domains(scene: Scene) -> None:
    with pytest.raises(HostUnreachable):
        scene.gone.domains()


def test_closing_twice_is_closing_once(scene: Scene) -> None:
    scene.gone.close()
    scene.gone.close()


def test_facts_tell_who_the_host_is_and_what_it_has(scene: Scene) -> None:
    facts = scene.facts
    assert facts.hostname
    assert facts.libvirt_version[0].isdigit()
    assert facts.qemu_version[0].isdigit()
    assert facts.cpu_count > 0
    assert facts.memory_total > 0
    assert 0 <= facts.memory_free <= facts.memory_total
    assert isinstance(facts.emulation, Emulation)
    assert facts.kvm_note


@pytest.mark.needs("host_uuid")
def test_a_host_has_a_uuid_of_32_characters(scene: Scene) -> None:
    assert len(scene.facts.hypervisor_uuid) == 32


def test_facts_asked_again_are_of_the_same_host_and_leave_no_domain_behind(scene: Scene) -> None:
    uuid, domains = scene.facts.hypervisor_uuid, set(scene.host.domains())
    assert scene.host.facts().hypervisor_uuid == uuid
    assert set(scene.host.domains()) == domains


@pytest.mark.needs("two_hosts")
def test_two_hosts_have_two_uuids(scene: Scene) -> None:
    assert scene.facts.hypervisor_uuid != scene.other.facts().hypervisor_uuid
