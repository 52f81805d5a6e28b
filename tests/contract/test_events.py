"""The port about events: whatever changes a domain is told, until the stream is ended or lost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.port import Hypervisor
from tests.contract.ear import Ear
from tests.contract.scene import Scene, eventually

pytestmark = pytest.mark.contract


@pytest.fixture
def listen() -> Iterator[Callable[[Hypervisor], Ear]]:
    with ExitStack() as stack:

        def begin(host: Hypervisor) -> Ear:
            ear = Ear(host)
            stack.callback(ear.end)
            return ear

        yield begin


Listen = Callable[[Hypervisor], Ear]


def test_a_domain_that_is_defined_is_told(scene: Scene, listen: Listen) -> None:
    ear = listen(scene.host)
    uuid = scene.domain().uuid
    assert eventually(lambda: uuid in ear.heard, 2)


def test_start_stop_and_removal_of_a_domain_are_told(scene: Scene, listen: Listen) -> None:
    uuid, host = scene.domain().uuid, scene.host
    ear = listen(host)
    for act in (host.start_domain, host.destroy_domain, host.undefine_domain):
        assert ear.hears_when(act, uuid), act


def test_every_listener_is_told(scene: Scene, listen: Listen) -> None:
    uuid = scene.domain().uuid
    ears = [listen(scene.host), listen(scene.host)]
    scene.host.start_domain(uuid)
    assert eventually(lambda: all(uuid in ear.heard for ear in ears), 2)


def test_a_stream_that_was_ended_tells_nothing_more_and_leaves_others_alone(scene: Scene, listen: Listen) -> None:
    uuid = scene.domain().uuid
    ended, other = listen(scene.host), listen(scene.host)
    ended.end()
    ended.heard.clear()
    assert other.hears_when(scene.host.start_domain, uuid)
    assert (ended.heard, ended.lost) == ([], 0)


def test_ending_twice_is_ending_once(scene: Scene, listen: Listen) -> None:
    ear = listen(scene.host)
    ear.end()
    ear.end()
    assert ear.lost == 0


def test_a_closed_connection_loses_its_streams_once(scene: Scene, listen: Listen) -> None:
    ear = listen(scene.stage.anew())
    ear.host.close()
    assert eventually(lambda: ear.lost == 1, 3)
    ear.end()
    assert ear.lost == 1


def test_a_host_that_is_not_there_cannot_be_listened_to(scene: Scene) -> None:
    with pytest.raises(HostUnreachable):
        scene.gone.watch(str, lambda: None)


@pytest.mark.needs("two_hosts")
def test_a_stream_tells_of_its_own_host_only(scene: Scene, listen: Listen) -> None:
    uuid = scene.domain().uuid
    here, there = listen(scene.host), listen(scene.other)
    assert here.hears_when(scene.host.start_domain, uuid)
    assert uuid not in there.heard
