"""Looking at hosts: whose turn it is, what no answer means, how a lost host comes back (semantics §3.8)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from console.globalconfig import update
from console.models import Operation, OperationStep
from hosts import health
from hosts.hypervisor.errors import HypervisorError
from hosts.models import Heard, Host, HostPulse, HostState, HostStatus
from hosts.realise import bring_up_to_date
from tests.support.datacenter import Datacenter


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Heard]]:
    """Looks that the trackers were asked for."""
    found: list[tuple[str, Heard]] = []
    monkeypatch.setattr(health, "ask", lambda host, by: found.append((host, by)) or True)
    return found


def one() -> Host:
    return Host.objects.get(name="one")


def pulse(**changes: object) -> HostPulse:
    return HostPulse.objects.update_or_create(host=one(), defaults=changes)[0]


def ago(seconds: float) -> object:
    return timezone.now() - timedelta(seconds=seconds)


def look(times: int = 1) -> None:
    HostPulse.objects.get_or_create(host=one())
    for _ in range(times):
        health.look(one().pk, Heard.POLL)


# whose turn it is


def test_every_host_gets_its_turn(dc: Datacenter, asked: list[tuple[str, Heard]]) -> None:
    HostPulse.objects.all().delete()
    assert health.ask_for_due() == 2
    assert {host for host, _ in asked} == set(Host.objects.values_list("pk", flat=True))


def test_what_was_asked_for_is_not_asked_for_again_at_once(dc: Datacenter, asked: list[tuple[str, Heard]]) -> None:
    health.ask_for_due()
    asked.clear()
    assert (health.ask_for_due(), asked) == (0, [])


@pytest.mark.parametrize("values", [{"state": HostState.MAINTENANCE}, {"status": HostStatus.CONNECTING}])
def test_hosts_out_of_service_are_left_alone(
    dc: Datacenter, asked: list[tuple[str, Heard]], values: dict[str, str]
) -> None:
    HostPulse.objects.update(look_at=ago(100))
    Host.objects.update(**values)
    assert health.ask_for_due() == 0


def test_the_next_turn_follows_the_interval_as_it_is_now(dc: Datacenter) -> None:
    update("host", "ping.interval", "7")
    look()
    until = HostPulse.objects.get(host=one()).look_at - timezone.now()
    assert timedelta(seconds=5) < until < timedelta(seconds=8)


def test_a_shorter_interval_holds_at_once(dc: Datacenter, asked: list[tuple[str, Heard]]) -> None:
    update("host", "ping.interval", "3600")
    look()
    assert health.ask_for_due() == 1  # the other host
    asked.clear()
    update("host", "ping.interval", "20")
    assert health.ask_for_due() == 1
    assert asked == [(one().pk, Heard.POLL)]
    assert health.ask_for_due() == 0


def test_the_interval_may_be_shorter_than_the_wait_for_an_answer(
    dc: Datacenter, asked: list[tuple[str, Heard]]
) -> None:
    update("host", "ping.interval", "1")
    health.ask_for_due()
    assert health.ask_for_due() == 0


@pytest.mark.parametrize(("degree", "looking", "now"), [(1, 0, 1), (2, 0, 2), (1, 1, 0), (2, 1, 1)])
def test_so_many_hosts_are_looked_at_at_a_time(
    dc: Datacenter, asked: list[tuple[str, Heard]], degree: int, looking: int, now: int
) -> None:
    health.ask_for_due()
    HostPulse.objects.update(look_at=ago(1))
    if looking:
        pulse(looking_until=timezone.now() + timedelta(seconds=30), look_at=timezone.now() + timedelta(seconds=30))
    update("host", "ping.parallelismDegree", str(degree))
    assert health.ask_for_due() == now


def test_a_host_has_as_long_for_an_answer_as_is_set(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    real = health.guard.patience
    monkeypatch.setattr(health.guard, "patience", lambda seconds: given.append(seconds) or real(seconds))
    look()
    update("host", "ping.timeout", "3")
    look()
    assert given == [10, 3]


def test_one_look_at_a_time_and_once_more_after_it(dc: Datacenter, asked: list[tuple[str, Heard]]) -> None:
    pulse(looking_until=timezone.now() + timedelta(seconds=30))
    dc.fleet.reset_calls()
    health.look(one().pk, Heard.EVENT)
    assert not dc.fleet.calls()
    assert HostPulse.objects.get(host=one()).look_at <= timezone.now()


def test_what_was_asked_for_meanwhile_follows(
    dc: Datacenter, asked: list[tuple[str, Heard]], monkeypatch: pytest.MonkeyPatch
) -> None:
    look_again = lambda host, by: lambda there, listing: HostPulse.objects.filter(pk=host.pk).update(look_at=ago(1))  # noqa: E731
    monkeypatch.setattr(health, "observers", [look_again])
    look()
    assert asked == [(one().pk, Heard.POLL)]


def test_a_look_whose_process_died_keeps_nobody_from_looking(dc: Datacenter) -> None:
    pulse(looking_until=ago(1))
    dc.fleet.reset_calls()
    look()
    assert dc.fleet.calls() == {"domains": 1}


# what was seen


def test_a_complete_listing_is_remembered_with_its_time_and_way(dc: Datacenter) -> None:
    pulse(misses=2, seen_at=None)
    health.look(one().pk, Heard.EVENT)
    seen = HostPulse.objects.get(host=one())
    assert (seen.misses, seen.seen_by, seen.looking_until) == (0, "event", None)
    assert seen.seen_at
    assert timezone.now() - seen.seen_at < timedelta(seconds=5)


def test_looking_is_no_change_of_the_host(dc: Datacenter) -> None:
    before = one().last_op_date
    look()
    assert one().last_op_date == before


def test_an_error_of_the_host_is_neither_a_report_nor_a_miss(dc: Datacenter) -> None:
    pulse(seen_at=None, seen_by="")
    dc.fleet.fault(host="one", call="domains", error=HypervisorError("internal trouble"), times=1)
    look()
    row = HostPulse.objects.get(host=one())
    assert (row.misses, row.seen_at, one().status) == (0, None, "Connected")


# lost and found


def test_it_is_lost_after_the_third_look_without_an_answer(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    seen = []
    for _ in range(3):
        look()
        seen.append(one().status)
    assert seen == ["Connected", "Connected", "Disconnected"]
    assert "one" in one().status_reason


def test_the_number_of_looks_is_a_setting(dc: Datacenter) -> None:
    update("host", "ping.maxFailure", "1")
    dc.fleet.cut_off("one")
    look()
    assert one().status == HostStatus.DISCONNECTED


def test_an_answer_in_between_begins_the_count_anew(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    look(2)
    dc.fleet.mend("one")
    look()
    dc.fleet.cut_off("one")
    look(2)
    assert one().status == HostStatus.CONNECTED


def test_a_frozen_host_is_lost_when_the_time_of_a_look_has_passed_without_answer(dc: Datacenter) -> None:
    update("host", "ping.timeout", "1")
    update("host", "ping.maxFailure", "1")
    dc.fleet.freeze("one")
    look()
    assert one().status == HostStatus.DISCONNECTED
    assert "did not answer domains within 1.0 s" in one().status_reason


def test_a_look_whose_own_time_is_over_is_neither_a_report_nor_a_miss(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records were slow to read, say: the host has nothing to do with that."""
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.05)
    pulse(seen_at=None, misses=0)
    dc.fleet.fault(host="one", call="domains", delay=0.5, times=1)
    look()
    row = HostPulse.objects.get(host=one())
    assert (row.misses, row.seen_at, one().status) == (0, None, "Connected")


def test_after_a_miss_the_next_try_comes_soon(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    look()
    assert HostPulse.objects.get(host=one()).look_at < timezone.now() + timedelta(seconds=2)


def test_how_soon_it_comes_is_a_setting(dc: Datacenter) -> None:
    update("host", "ping.sleepPeriodAfterFailure", "30")
    dc.fleet.cut_off("one")
    look()
    assert HostPulse.objects.get(host=one()).look_at > timezone.now() + timedelta(seconds=25)


def test_a_pause_that_is_longer_than_the_interval_is_waited_for(dc: Datacenter, asked: list[tuple[str, Heard]]) -> None:
    update("host", "ping.interval", "10")
    update("host", "ping.sleepPeriodAfterFailure", "60")
    health.ask_for_due()
    pulse(look_at=timezone.now() + timedelta(seconds=55))
    assert health.ask_for_due() == 0


def lost(dc: Datacenter) -> None:
    dc.fleet.cut_off("one")
    look(3)


def test_a_lost_host_that_answers_shakes_hands_and_is_not_simply_connected(dc: Datacenter) -> None:
    lost(dc)
    dc.fleet.mend("one")
    look()
    assert one().status == HostStatus.CONNECTING
    dc.run(Operation.objects.get(kind="host.reconnect"))
    assert one().status == HostStatus.CONNECTED


def test_a_lost_host_that_stays_silent_stays_lost(dc: Datacenter) -> None:
    lost(dc)
    look()
    assert one().status == HostStatus.DISCONNECTED
    assert not Operation.objects.filter(kind="host.reconnect").exists()


def test_it_comes_back_only_by_hand_when_so_configured(dc: Datacenter) -> None:
    lost(dc)
    dc.fleet.mend("one")
    update("host", "connection.autoReconnectOnError", "false")
    look()
    assert one().status == HostStatus.DISCONNECTED


# the time of steps


def test_a_step_whose_own_time_is_over_does_not_lose_its_host(dc: Datacenter) -> None:
    operation = bring_up_to_date(one(), "for a test")
    soon = timezone.now() + timedelta(seconds=0.5)
    OperationStep.objects.filter(operation=operation, name="networks").update(deadline=soon)
    dc.fleet.fault(host="one", call="ensure_network", delay=2)
    ended = dc.run(operation)
    assert (ended.status, (ended.error or {})["cause"]["trouble"]) == ("Failed", "OutOfTime")
    assert one().status == HostStatus.CONNECTED
