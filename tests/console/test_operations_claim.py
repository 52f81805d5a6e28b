"""Leases, tokens and lanes: who may work on what."""

import pytest
from django.db.models.functions import Now

from console import globalconfig
from console.models import Operation, Status
from console.operations import flow
from console.operations.claim import LEASE_SECONDS, LeaseLost, claim
from console.operations.services import cancel
from tests.support.sample_flow import KIND, Sample, lapse

pytestmark = pytest.mark.django_db
HOST, OTHER_HOST = "a" * 32, "b" * 32


def test_a_free_operation_is_taken_for_the_time_of_a_lease(sample: Sample) -> None:
    operation = sample.submit()
    held = claim(operation.pk)
    row = operation.reload()
    assert held is not None
    assert (held.token, row.token, row.lease_until == row.ring_at) == (1, 1, True)
    assert abs((row.lease_until - row.started).total_seconds() - LEASE_SECONDS) < 1


def test_a_second_delivery_finds_the_operation_held(sample: Sample) -> None:
    operation = sample.submit()
    claim(operation.pk)
    assert claim(operation.pk) is None


def test_an_operation_that_has_ended_is_not_taken_again(sample: Sample) -> None:
    operation = sample.submit()
    sample.run(operation)
    assert claim(operation.pk) is None


def test_an_operation_that_does_not_exist_is_not_taken() -> None:
    assert claim("0" * 32) is None


def test_a_kind_that_this_version_does_not_know_is_left_to_one_that_does(sample: Sample) -> None:
    operation = sample.submit()
    del flow._flows[KIND]
    held = claim(operation.pk)
    flow.register(sample.flow)
    assert (held, operation.reload().token) == (None, 0)


def test_a_lapsed_lease_is_taken_over_with_a_greater_token(sample: Sample) -> None:
    operation = sample.submit()
    first = claim(operation.pk)
    lapse(operation)
    second = claim(operation.pk)
    assert (first.token, second.token) == (1, 2)


def test_the_first_start_is_kept_over_takeovers(sample: Sample) -> None:
    operation = sample.submit()
    claim(operation.pk)
    started = operation.reload().started
    lapse(operation)
    claim(operation.pk)
    assert operation.reload().started == started


def test_a_lost_claim_can_write_nothing(sample: Sample) -> None:
    operation = sample.submit()
    first = claim(operation.pk)
    lapse(operation)
    claim(operation.pk)
    with pytest.raises(LeaseLost), first.fenced():
        Operation.objects.filter(pk=operation.pk).update(title="written by the dead")
    assert operation.reload().title == "Sample of the engine"


def test_what_is_written_under_the_fence_goes_when_it_fails(sample: Sample) -> None:
    operation = sample.submit()
    held = claim(operation.pk)
    with pytest.raises(ZeroDivisionError), held.fenced():
        Operation.objects.filter(pk=operation.pk).update(title=f"{1 / 0}")
    assert operation.reload().title == "Sample of the engine"


def test_renewing_moves_lease_and_ring(sample: Sample) -> None:
    operation = sample.submit()
    held = claim(operation.pk)
    lapse(operation)
    before = operation.reload()
    renewed = held.renew()
    after = operation.reload()
    assert renewed is True
    assert after.lease_until == after.ring_at > before.lease_until


def test_a_claim_that_was_taken_over_is_not_renewed(sample: Sample) -> None:
    operation = sample.submit()
    first = claim(operation.pk)
    lapse(operation)
    claim(operation.pk)
    assert first.renew() is False


def test_a_renewal_just_after_the_end_is_no_loss(sample: Sample) -> None:
    operation = sample.submit()
    held = claim(operation.pk)
    Operation.objects.filter(pk=operation.pk).update(status=Status.SUCCEEDED, lease_until=None)
    assert (held.renew(), operation.reload().lease_until) == (True, None)


# lanes


def test_two_operations_of_a_lane_work_and_the_third_waits(sample: Sample) -> None:
    operations = [sample.submit(lane=HOST) for _ in range(3)]
    assert [bool(claim(operation.pk)) for operation in operations] == [True, True, False]


def test_lanes_do_not_count_for_each_other(sample: Sample) -> None:
    operations = [sample.submit(lane=lane) for lane in (HOST, HOST, OTHER_HOST, "", "", "")]
    assert all(claim(operation.pk) for operation in operations)


def test_the_limit_is_a_configuration_that_holds_at_once(sample: Sample) -> None:
    globalconfig.update("host", "operation.parallelismDegree", "1")
    operations = [sample.submit(lane=HOST) for _ in range(2)]
    assert [bool(claim(operation.pk)) for operation in operations] == [True, False]


def test_a_dead_worker_keeps_the_place_of_its_operation(sample: Sample) -> None:
    first, second, third = (sample.submit(lane=HOST) for _ in range(3))
    claim(first.pk)
    claim(second.pk)
    lapse(first)
    assert (claim(third.pk), bool(claim(first.pk))) == (None, True)


def test_the_end_of_one_makes_the_oldest_that_wait_in_its_lane_due(sample: Sample) -> None:
    globalconfig.update("host", "operation.parallelismDegree", "1")
    first, second, third = (sample.submit(lane=HOST) for _ in range(3))
    sample.run(first)
    due = list(Operation.objects.due(Now()))
    assert (due, third.reload().status) == ([second], Status.PENDING)


def test_what_waits_in_a_full_lane_can_be_cancelled_at_once(sample: Sample) -> None:
    operations = [sample.submit(lane=HOST) for _ in range(3)]
    for operation in operations[:2]:
        claim(operation.pk)
    cancel(operations[2])
    sample.run(operations[2])
    assert (operations[2].reload().status, sample.done) == (Status.CANCELLED, ["undo a"])
