"""Any call of any simulated host goes wrong on request: how, when and how often it was asked for."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import HostUnreachable, HypervisorError, NoSpace
from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DomainState
from tests.contract.scene import eventually
from tests.contract.values import domain_spec, raw_file
from tests.hosts.simulated import SHARED, defined, fleet, one, state, two

__all__ = ["fleet", "one", "state", "two"]


def outcomes(host: SimulatedHypervisor, calls: int) -> str:
    """How so many pings end: `.` answered, `x` failed."""

    def ping() -> str:
        try:
            host.ping()
        except HypervisorError:
            return "x"
        return "."

    return "".join(ping() for _ in range(calls))


def test_a_fault_raises_its_error_naming_host_and_call(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", error=NoSpace("the disk is full"))
    with pytest.raises(NoSpace, match="the disk is full") as caught:
        one.ping()
    assert (caught.value.host, caught.value.call) == ("one", "ping")


def test_a_fault_given_as_a_class_speaks_its_default_message(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", error=HostUnreachable)
    with pytest.raises(HostUnreachable, match="The host cannot be reached"):
        one.ping()


def test_a_fault_lasts_until_it_is_cleared(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fault = fleet.fault("one", "ping", error=HypervisorError)
    assert outcomes(one, 3) == "xxx"
    fleet.clear_fault(fault)
    assert outcomes(one, 1) == "."


def test_a_fault_happens_as_often_as_asked(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", error=HypervisorError, times=2)
    assert outcomes(one, 4) == "xx.."


def test_a_fault_spares_the_first_calls(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", error=HypervisorError, skip=2, times=1)
    assert outcomes(one, 4) == "..x."


def test_faults_follow_one_another_in_the_order_of_asking(fleet: Fleet, one: SimulatedHypervisor) -> None:
    for error in (NoSpace, HostUnreachable):
        fleet.fault("one", "ping", error=error, times=1)
    with pytest.raises(NoSpace):
        one.ping()
    with pytest.raises(HostUnreachable):
        one.ping()


def test_a_fault_of_one_host_and_call_spares_all_others(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    fleet.fault("one", "ping", error=HypervisorError)
    two.ping()
    one.domains()


def test_a_fault_of_any_call_meets_every_call(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", error=HypervisorError)
    with pytest.raises(HypervisorError):
        one.domains()
    with pytest.raises(HypervisorError):
        one.remove_pool("pool")


def test_a_fault_of_any_host_meets_every_host(fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor) -> None:
    fleet.fault(call="ping", error=HypervisorError)
    assert outcomes(one, 1) + outcomes(two, 1) == "xx"


def test_a_call_that_fails_before_has_not_acted(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "define_domain", error=HypervisorError)
    spec = domain_spec()
    with pytest.raises(HypervisorError):
        one.define_domain(spec)
    assert one.domain_state(spec.uuid) is DomainState.ABSENT


def test_a_call_that_fails_after_has_acted(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "define_domain", error=HypervisorError, after=True)
    spec = domain_spec()
    with pytest.raises(HypervisorError):
        one.define_domain(spec)
    assert one.domain_state(spec.uuid) is DomainState.SHUTOFF


def test_a_call_that_hangs_goes_on_when_the_fault_is_cleared(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "domains", hang=True, times=1)
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(one.domains)
        assert fleet.wait_for("one", "domains")
        assert not hung.done()
        fleet.clear_faults("one")
        assert hung.result() == {}


def test_a_call_that_hangs_and_has_an_error_fails_when_the_fault_is_cleared(
    fleet: Fleet, one: SimulatedHypervisor
) -> None:
    fleet.fault("one", "ping", hang=True, error=HostUnreachable, times=1)
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(one.ping)
        assert fleet.wait_for("one", "ping")
        fleet.clear_faults()
        assert isinstance(hung.exception(), HostUnreachable)


def test_a_call_that_hangs_ends_when_its_connection_is_closed(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", hang=True)
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(one.ping)
        assert fleet.wait_for("one", "ping")
        one.close()
        assert isinstance(hung.exception(), HostUnreachable)


def test_a_delayed_call_acts_all_the_same(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "define_domain", delay=0.01)
    assert defined(one).uuid in one.domains()


@pytest.fixture
def pool(one: SimulatedHypervisor) -> str:
    return one.ensure_pool(uuid4().hex, f"{SHARED}/uploads").name


def test_an_upload_breaks_midway(fleet: Fleet, one: SimulatedHypervisor, pool: str, tmp_path: Path) -> None:
    told: list[int] = []
    fleet.fault("one", "upload_chunk", error=HypervisorError, skip=3)
    with pytest.raises(HypervisorError):
        one.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000), lambda done, _total: told.append(done))
    assert told == [10_000, 20_000, 30_000]


def test_an_upload_to_a_host_that_goes_away_leaves_its_beginning_behind(
    fleet: Fleet, one: SimulatedHypervisor, pool: str, tmp_path: Path
) -> None:
    fleet.fault("one", "upload_chunk", error=HostUnreachable, skip=3, times=1)
    with pytest.raises(HostUnreachable):
        one.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))
    part = one.volume(pool, "a.raw")
    assert part is not None
    assert part.allocation == 30_000


def test_an_unfinished_upload_is_seen_growing(
    fleet: Fleet, one: SimulatedHypervisor, pool: str, tmp_path: Path
) -> None:
    fleet.fault("one", "upload_chunk", hang=True, skip=3)
    file = raw_file(tmp_path, 80_000)
    with ThreadPoolExecutor() as executor:
        upload = executor.submit(one.upload_volume, pool, "a.raw", file)
        assert eventually(lambda: [v.allocation for v in one.volumes(pool).values()] == [30_000])
        fleet.clear_faults()
        assert upload.result().allocation == 80_000


def test_a_fault_of_any_call_counts_an_upload_once(
    fleet: Fleet, one: SimulatedHypervisor, pool: str, tmp_path: Path
) -> None:
    fleet.fault("one", error=HypervisorError, skip=1, times=1)
    one.upload_volume(pool, "a.raw", raw_file(tmp_path, 80_000))
    assert outcomes(one, 2) == "x."


def test_a_fault_of_no_call_of_the_port_is_refused(fleet: Fleet) -> None:
    with pytest.raises(ValueError, match="no call 'pong'"):
        fleet.fault("one", "pong", error=HypervisorError)


def test_a_fault_with_an_error_of_no_port_is_refused(fleet: Fleet) -> None:
    class Strange(HypervisorError):
        """Not one of the port's."""

    with pytest.raises(ValueError, match="Strange"):
        fleet.fault("one", "ping", error=Strange)


def test_faults_can_be_listed(fleet: Fleet) -> None:
    fleet.fault("one", "ping", error=NoSpace, times=2)
    (listed,) = fleet.faults()
    assert (listed["host"], listed["call"], listed["error"], listed["remaining"]) == ("one", "ping", "NoSpace", 2)


def test_clearing_the_faults_of_one_host_leaves_those_of_the_others(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    for host in ("one", "two"):
        fleet.fault(host, "ping", error=HypervisorError)
    fleet.clear_faults("one")
    assert outcomes(one, 1) + outcomes(two, 1) == ".x"


def test_calls_are_counted_by_host_and_name(fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor) -> None:
    one.ping()
    one.domains()
    two.ping()
    assert fleet.calls("one") == {"ping": 1, "domains": 1}
    assert fleet.calls() == {"ping": 2, "domains": 1}


def test_a_call_that_fails_is_counted(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fault("one", "ping", error=HypervisorError)
    outcomes(one, 2)
    assert fleet.calls("one")["ping"] == 2


def test_counting_starts_anew(fleet: Fleet, one: SimulatedHypervisor) -> None:
    one.ping()
    fleet.reset_calls()
    assert not fleet.calls()


def test_waiting_for_a_call_that_does_not_come_ends(fleet: Fleet) -> None:
    assert not fleet.wait_for("one", "ping", seconds=0.01)
