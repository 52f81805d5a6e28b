"""A watcher on simulated hosts: which it listens to, and that whatever happens there leads to an ask."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from hosts import health
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import events
from hosts.models import Host, HostPulse, HostState, HostStatus
from hosts.watch import stream
from hosts.watch.watcher import Watcher
from tests.support.datacenter import Datacenter
from tests.support.processes import wait_for


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the hosts that a look was asked for, in order."""
    found: list[str] = []
    names = dict(Host.objects.values_list("pk", "name"))
    monkeypatch.setattr(health, "ask", lambda host, by: found.append(names[host]) or True)
    return found


@pytest.fixture
def watcher(dc: Datacenter, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    monkeypatch.setattr(stream, "FIRST_RETRY", 0.05)
    HostPulse.objects.bulk_create([HostPulse(host=host) for host in Host.objects.filter(pulse=None)])
    watcher = Watcher()
    yield watcher
    watcher.let_go()


def listening(watcher: Watcher, asked: list[str]) -> None:
    """It has taken its turn, all of its streams are open, and the looks that follow their opening were asked for."""
    watcher.turn()
    wait_for(watcher.tend, "all streams are open", 5)
    wait_for(lambda: set(asked) == watched_by(watcher), "a look after each opening", 5)
    asked.clear()


def watched_by(watcher: Watcher | str) -> set[str]:
    name = watcher if isinstance(watcher, str) else watcher.name
    return set(HostPulse.objects.filter(watcher=name).values_list("host__name", flat=True))


def happens(asked: list[str], host: str) -> None:
    wait_for(lambda: host in asked, f"a look at {host} is asked for", 5)


# whatever happens leads to an ask


def test_a_change_made_outside_leads_to_an_ask_of_its_host_alone(
    dc: Datacenter, watcher: Watcher, asked: list[str]
) -> None:
    listening(watcher, asked)
    dc.fleet.add_stranger("one", "visitor")
    happens(asked, "one")
    assert asked == ["one"]


def test_a_crowd_of_events_is_few_asks(dc: Datacenter, watcher: Watcher, asked: list[str]) -> None:
    listening(watcher, asked)
    for number in range(30):
        dc.fleet.add_stranger("one", f"visitor-{number}")
    happens(asked, "one")
    assert len(asked) < 15


def test_an_ask_that_the_broker_did_not_hear_is_made_again(
    dc: Datacenter, watcher: Watcher, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(watcher, asked)
    heard = iter([False, True])
    monkeypatch.setattr(health, "ask", lambda host, by: (asked.append(host), next(heard))[1])
    dc.fleet.add_stranger("one", "visitor")
    wait_for(lambda: len(asked) == 2, "asked for twice", 5)


# streams that break


@pytest.mark.parametrize("trouble", ["cut_off", "freeze", "lose_power"])
def test_a_stream_that_breaks_asks_at_once_and_opens_again_when_the_host_is_back(
    dc: Datacenter, watcher: Watcher, asked: list[str], trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.1)
    listening(watcher, asked)
    getattr(dc.fleet, trouble)("one")
    happens(asked, "one")
    asked.clear()
    dc.fleet.mend("one")
    wait_for(watcher.tend, "the stream is open again", 20)
    happens(asked, "one")
    asked.clear()
    dc.fleet.add_stranger("one", "visitor")
    happens(asked, "one")


def test_a_host_that_hangs_while_its_stream_is_opened_delays_no_other(
    dc: Datacenter, watcher: Watcher, asked: list[str]
) -> None:
    dc.fleet.fault("one", "watch", hang=True)
    watcher.turn()
    watcher.tend()
    happens(asked, "two")
    dc.fleet.add_stranger("two", "visitor")
    wait_for(lambda: asked.count("two") == 2, "its events lead to asks", 5)
    assert "one" not in asked


def test_a_host_that_refuses_its_stream_is_tried_again(dc: Datacenter, watcher: Watcher, asked: list[str]) -> None:
    dc.fleet.fault("one", "watch", error=HypervisorError, times=3)
    watcher.turn()
    wait_for(watcher.tend, "all streams are open", 10)
    assert dc.fleet.calls("one")["watch"] == 4


# whose hosts


def test_a_watcher_alone_has_all_hosts(watcher: Watcher) -> None:
    watcher.turn()
    assert watched_by(watcher) == {"one", "two"}


def test_two_watchers_share_and_the_first_one_drops_what_it_lost(
    dc: Datacenter, watcher: Watcher, asked: list[str]
) -> None:
    listening(watcher, asked)
    second = Watcher()
    second.turn()
    (lost,) = watched_by(second)
    watcher.turn()
    dc.fleet.add_stranger(lost, "visitor")
    dc.fleet.add_stranger(*watched_by(watcher), "visitor")  # type: ignore[misc]
    happens(asked, *watched_by(watcher))
    assert lost not in asked
    second.let_go()


def held_by_another(**left: float) -> None:
    HostPulse.objects.update(watcher="another", watched_until=Now() + timedelta(**left))


def test_hosts_of_a_dead_watcher_are_taken_over(watcher: Watcher) -> None:
    held_by_another(seconds=-1)
    watcher.turn()
    assert watched_by(watcher) == {"one", "two"}


def test_hosts_of_a_live_watcher_stay_with_it_but_for_a_fair_share(watcher: Watcher) -> None:
    held_by_another(seconds=60)
    watcher.turn()
    assert (len(watched_by(watcher)), len(watched_by("another"))) == (1, 1)


def test_what_is_let_go_is_free_at_once(watcher: Watcher) -> None:
    watcher.turn()
    watcher.let_go()
    assert set(HostPulse.objects.values_list("watcher", "watched_until")) == {("", None)}


@pytest.mark.parametrize(
    "leave",
    [
        lambda one: one.update(state=HostState.MAINTENANCE),
        lambda one: one.update(status=HostStatus.DISCONNECTED),
        lambda one: one.update(status=HostStatus.CONNECTING),
        lambda one: one.delete(),
    ],
    ids=["maintenance", "disconnected", "connecting", "deleted"],
)
def test_hosts_that_leave_service_are_not_listened_to(
    dc: Datacenter, watcher: Watcher, asked: list[str], leave: Callable[..., object]
) -> None:
    listening(watcher, asked)
    leave(Host.objects.filter(name="one"))
    watcher.turn()
    dc.fleet.add_stranger("one", "visitor")
    dc.fleet.add_stranger("two", "visitor")
    happens(asked, "two")
    assert "one" not in asked


def test_a_host_that_returns_to_service_is_listened_to(dc: Datacenter, watcher: Watcher, asked: list[str]) -> None:
    one = Host.objects.filter(name="one")
    one.update(status=HostStatus.DISCONNECTED)
    watcher.turn()
    one.update(status=HostStatus.CONNECTED)
    listening(watcher, asked)
    dc.fleet.add_stranger("one", "visitor")
    happens(asked, "one")


def test_a_turn_in_which_nothing_changes_is_one_write(watcher: Watcher) -> None:
    watcher.turn()
    with CaptureQueriesContext(connection) as queries:
        watcher.turn()
    kinds = [query["sql"].split()[0] for query in queries]
    assert (kinds.count("UPDATE"), kinds.count("SELECT"), len(kinds)) == (1, 3, 4)
