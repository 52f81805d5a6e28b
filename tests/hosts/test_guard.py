"""The guard: no caller waits past its time, and a silent host is left alone."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from console.operations.flow import DEFAULT_DEADLINE
from hosts.hypervisor.errors import DomainNotFound, HostUnreachable, HypervisorError, HypervisorTimeout, OutOfTime
from hosts.hypervisor.guard import (
    COOL_DOWN,
    LIMITS,
    LONGEST_COOL_DOWN,
    Breaker,
    GuardedHypervisor,
    before_calls,
    deadline,
    patience,
)
from hosts.hypervisor.lanes import MOST_LANES
from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from tests.contract.scene import eventually
from tests.contract.values import domain_spec, raw_file
from tests.hosts.guarded import SHORT, Clock, Drivers, clock, drivers, fleet, guard, hasty, state, time_out

__all__ = ["clock", "drivers", "fleet", "guard", "hasty", "state"]


# deadlines


def test_a_call_that_hangs_ends_at_its_limit_naming_host_and_call(hasty: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "ping", hang=True)
    with pytest.raises(HypervisorTimeout, match=r"kennel did not answer ping within \d\.\d s") as caught:
        hasty.ping()
    assert (caught.value.host, caught.value.call) == ("kennel", "ping")


def test_a_frozen_host_ends_a_call_at_its_limit(hasty: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.freeze("kennel")
    with pytest.raises(HypervisorTimeout):
        hasty.ping()


def test_a_driver_that_hangs_while_it_is_opened_ends_the_call_at_its_limit() -> None:
    release = threading.Event()

    def opens_never() -> SimulatedHypervisor:
        release.wait()
        raise HostUnreachable

    time_out(GuardedHypervisor(opens_never, "kennel"))
    release.set()


def test_a_callers_nearer_deadline_ends_the_call_earlier(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with (
        pytest.raises(OutOfTime, match=r"kennel did not answer domains within 0\.\d s, when") as caught,
        deadline(SHORT),
    ):
        guard.domains()
    assert (caught.value.host, caught.value.call) == ("kennel", "domains")


def test_an_inner_deadline_does_not_prolong_an_outer_one(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with pytest.raises(OutOfTime, match=r"within 0\.\d s"), deadline(SHORT), deadline(1000):
        guard.domains()


def test_a_call_that_its_caller_cut_short_says_nothing_of_the_host(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", hang=True, times=1)
    with pytest.raises(OutOfTime), deadline(SHORT):
        guard.domains()
    guard.ping()


def test_a_later_deadline_leaves_a_silent_host_silent(hasty: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "ping", hang=True)
    with pytest.raises(HypervisorTimeout), deadline(10 * SHORT):
        hasty.ping()


def test_a_probe_that_its_caller_cut_short_leaves_the_next_call_to_probe(
    guard: GuardedHypervisor, fleet: Fleet, clock: Clock
) -> None:
    fleet.fault("kennel", "ping", hang=True, times=2)
    time_out(guard)
    clock.now += COOL_DOWN
    with pytest.raises(OutOfTime), deadline(SHORT):
        guard.ping()
    guard.ping()


def test_patience_makes_a_host_silent_before_the_limit_of_a_call(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with pytest.raises(HypervisorTimeout), patience(SHORT):
        guard.domains()


def test_patience_may_be_longer_than_the_limit_of_a_call(hasty: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "ping", delay=2 * SHORT)
    with patience(100 * SHORT):
        hasty.ping()


def test_a_deadline_holds_only_inside_its_block(guard: GuardedHypervisor) -> None:
    with deadline(0):
        pass
    guard.domains()


def test_without_time_left_the_host_is_not_called_nor_blamed(guard: GuardedHypervisor, fleet: Fleet) -> None:
    with pytest.raises(OutOfTime, match="No time is left for ping on kennel") as caught, deadline(0):
        guard.ping()
    assert not isinstance(caught.value, HostUnreachable)
    guard.ping()
    assert fleet.calls("kennel")["ping"] == 1


# uploads


@pytest.fixture
def pool(guard: GuardedHypervisor) -> str:
    return guard.ensure_pool(uuid4().hex, "/pool").name


def test_an_upload_may_last_as_long_as_it_makes_progress(
    guard: GuardedHypervisor, fleet: Fleet, pool: str, tmp_path: Path
) -> None:
    fleet.fault("kennel", "upload_chunk", delay=0.07)  # eight pieces: more than the limit of 0.5 s in all
    guard.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))
    assert guard.download_volume(pool, "a.raw")


def test_an_upload_that_stands_still_ends_at_its_limit(
    hasty: GuardedHypervisor, fleet: Fleet, pool: str, tmp_path: Path
) -> None:
    fleet.fault("kennel", "upload_chunk", hang=True, skip=3)
    with pytest.raises(HypervisorTimeout):
        hasty.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))


def test_an_abandoned_upload_stops_when_the_host_goes_on(
    hasty: GuardedHypervisor, fleet: Fleet, pool: str, tmp_path: Path, state: Path
) -> None:
    fleet.fault("kennel", "upload_chunk", hang=True, skip=3)
    with pytest.raises(HypervisorTimeout):
        hasty.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))
    fleet.clear_faults()
    behind = SimulatedHypervisor("sim://kennel", "kennel", state)
    assert eventually(lambda: behind.volume(pool, "a.raw") is None)


def test_a_callers_deadline_ends_an_upload_that_makes_progress(
    guard: GuardedHypervisor, fleet: Fleet, pool: str, tmp_path: Path
) -> None:
    fleet.fault("kennel", "upload_chunk", delay=0.04)
    with pytest.raises(OutOfTime), deadline(0.1):
        guard.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))


def test_progress_is_told_in_the_callers_thread(guard: GuardedHypervisor, pool: str, tmp_path: Path) -> None:
    threads = []
    guard.upload_volume(
        pool, "a.raw", raw_file(tmp_path, 80_000), lambda *_: threads.append(threading.current_thread())
    )
    assert set(threads) == {threading.current_thread()}


# the breaker


def test_a_host_that_did_not_answer_is_left_alone(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.cut_off("kennel")
    with pytest.raises(HostUnreachable):
        guard.ping()
    fleet.mend("kennel")
    with pytest.raises(HostUnreachable, match=r"kennel has not been answering since .* UTC\."):
        guard.ping()
    assert fleet.calls("kennel")["ping"] == 1


def test_after_the_cool_down_a_call_is_let_through(guard: GuardedHypervisor, fleet: Fleet, clock: Clock) -> None:
    fleet.fault("kennel", "ping", hang=True)
    time_out(guard)
    fleet.clear_faults()
    clock.now += COOL_DOWN
    guard.ping()
    guard.domains()


def test_an_error_that_is_an_answer_leaves_the_breaker_closed(guard: GuardedHypervisor) -> None:
    with pytest.raises(DomainNotFound):
        guard.start_domain(uuid4().hex)
    guard.ping()


def breaker_after(clock: Clock, failed_probes: int) -> Breaker:
    breaker = Breaker("kennel", clock)
    breaker.failed(probe=breaker.admit("ping"))
    for _ in range(failed_probes):
        clock.now += LONGEST_COOL_DOWN
        breaker.failed(probe=breaker.admit("ping"))
    return breaker


@pytest.mark.parametrize(("failed_probes", "seconds"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (9, 60)])
def test_the_cool_down_doubles_up_to_a_minute(clock: Clock, failed_probes: int, seconds: int) -> None:
    breaker = breaker_after(clock, failed_probes)
    clock.now += seconds - 1
    with pytest.raises(HostUnreachable, match="has not been answering"):
        breaker.admit("ping")
    clock.now += 1
    assert breaker.admit("ping")


@pytest.mark.parametrize(("seconds", "admitted"), [(1, True), (-1, False)])
def test_silence_that_began_before_others_heard_of_the_host_is_forgotten(
    clock: Clock, seconds: int, admitted: bool
) -> None:
    breaker = breaker_after(clock, 0)
    breaker.heard_at(datetime.now(UTC) + timedelta(seconds=seconds))
    with contextlib.nullcontext() if admitted else pytest.raises(HostUnreachable):
        breaker.admit("ping")


def test_only_one_call_tries_again(clock: Clock) -> None:
    breaker = breaker_after(clock, 0)
    clock.now += COOL_DOWN
    breaker.admit("ping")
    with pytest.raises(HostUnreachable, match="has not been answering"):
        breaker.admit("ping")


def test_an_answer_closes_the_breaker_and_forgets_the_long_cool_down(clock: Clock) -> None:
    breaker = breaker_after(clock, 3)
    breaker.answered()
    assert breaker.admit("ping") is False
    breaker.failed(probe=False)
    clock.now += COOL_DOWN
    assert breaker.admit("ping")


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_cool_down(clock: Clock) -> None:
    breaker = breaker_after(clock, 0)
    clock.now += COOL_DOWN - 1
    breaker.failed(probe=False)
    clock.now += 1
    assert breaker.admit("ping")


def test_a_probe_that_was_not_made_leaves_the_next_one_free(clock: Clock) -> None:
    breaker = breaker_after(clock, 0)
    clock.now += COOL_DOWN
    breaker.withdraw(breaker.admit("ping"))
    assert breaker.admit("ping")


# hooks and errors


class LeaseLost(Exception):
    """The caller may not act any more."""


def refuse(_host: str, _call: str) -> None:
    raise LeaseLost


def test_a_hook_is_asked_before_each_call_that_changes_the_host_and_no_other(
    guard: GuardedHypervisor,
) -> None:
    asked: list[tuple[str, str]] = []
    spec = domain_spec()
    with before_calls(lambda host, call: asked.append((host, call))):
        guard.define_domain(spec)
        guard.domains()
        guard.start_domain(spec.uuid)
    guard.destroy_domain(spec.uuid)
    assert asked == [("kennel", "define_domain"), ("kennel", "start_domain")]


def test_a_hook_that_raises_keeps_the_call_from_the_host(guard: GuardedHypervisor, fleet: Fleet) -> None:
    with pytest.raises(LeaseLost), before_calls(refuse):
        guard.define_domain(domain_spec())
    assert fleet.calls("kennel")["define_domain"] == 0


def test_a_hook_that_raises_costs_neither_thread_nor_trust(guard: GuardedHypervisor) -> None:
    for _ in range(2 * MOST_LANES):
        with pytest.raises(LeaseLost), before_calls(refuse):
            guard.define_domain(domain_spec())
    guard.ping()
    assert guard.lanes.threads == 1


def test_a_hook_may_be_given_at_construction(drivers: Drivers, fleet: Fleet) -> None:
    guard = GuardedHypervisor(drivers, "kennel", before_call=refuse)
    with pytest.raises(LeaseLost):
        guard.remove_pool("a")
    assert fleet.calls("kennel")["remove_pool"] == 0
    guard.close()


def broken(error: BaseException) -> Callable[[], SimulatedHypervisor]:
    def open_driver() -> SimulatedHypervisor:
        raise error

    return open_driver


def test_an_error_of_no_known_kind_is_wrapped_with_its_cause() -> None:
    cause = KeyError("volume")
    guard = GuardedHypervisor(broken(cause), "kennel")
    with pytest.raises(HypervisorError, match="ping on kennel failed: KeyError: 'volume'") as caught:
        guard.ping()
    assert caught.value.__cause__ is cause
    assert (caught.value.host, caught.value.call, caught.value.retryable) == ("kennel", "ping", False)


def test_not_even_an_exit_asked_for_in_a_driver_ends_more_than_the_call() -> None:
    guard = GuardedHypervisor(broken(SystemExit(3)), "kennel")
    with pytest.raises(HypervisorError):
        guard.ping()


def test_an_error_is_told_which_host_and_call_it_is_of() -> None:
    guard = GuardedHypervisor(broken(DomainNotFound()), "kennel")
    with pytest.raises(DomainNotFound) as caught:
        guard.ping()
    assert (caught.value.host, caught.value.call) == ("kennel", "ping")


def test_a_call_that_is_interrupted_is_abandoned(
    guard: GuardedHypervisor, pool: str, tmp_path: Path, drivers: Drivers
) -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000), interrupt)
    assert eventually(lambda: drivers.closed == drivers.opened)
    guard.ping()


def test_a_guarded_call_costs_little(guard: GuardedHypervisor) -> None:
    start = time.perf_counter()
    for _ in range(100):
        guard.ping()
    assert time.perf_counter() - start < 2


#: made in steps that have more time than most
LONG_STEPS = {"start_domain", "create_volume", "upload_volume", "download_volume", "migrate_domain"}


def test_a_silent_host_is_found_out_before_the_time_of_a_step_is_over() -> None:
    assert {method for method, limit in LIMITS.items() if limit >= DEFAULT_DEADLINE} <= LONG_STEPS
