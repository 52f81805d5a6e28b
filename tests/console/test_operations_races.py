"""Two at the same moment, on a database that lets them: SQLite takes one writer at a time from the first word on.

tests/faults has the same questions for processes on an SQLite file.
"""

import pytest

from console.errors import Busy, WrongState
from console.models import Operation, ResourceLock
from console.operations.claim import claim
from console.operations.services import cancel, once
from tests.support.crowd import together
from tests.support.sample_flow import Sample, lapse

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
]
HOST, VM = "a" * 32, "1" * 32
CROWD = 8


def test_many_workers_at_once_one_gets_it(sample: Sample) -> None:
    operation = sample.submit()
    claims = together(*[lambda: claim(operation.pk)] * CROWD)
    assert ([held.token for held in claims if held], claims.count(None)) == ([1], CROWD - 1)


def test_many_workers_at_once_one_takes_over(sample: Sample) -> None:
    operation = sample.submit()
    claim(operation.pk)
    lapse(operation)
    claims = together(*[lambda: claim(operation.pk)] * CROWD)
    assert ([held.token for held in claims if held], claims.count(None)) == ([2], CROWD - 1)


def test_a_takeover_and_a_renewal_at_once_leave_one_holder(sample: Sample) -> None:
    for _ in range(10):
        operation = sample.submit()
        old = claim(operation.pk)
        lapse(operation)
        new, renewed = together(lambda: claim(operation.pk), old.renew)  # noqa: B023
        assert (new is None) is renewed


def test_a_crowd_cannot_squeeze_into_a_lane(sample: Sample) -> None:
    operations = [sample.submit(lane=HOST) for _ in range(CROWD)]
    claims = together(*[lambda uuid=operation.pk: claim(uuid) for operation in operations])
    assert len([held for held in claims if held]) == 2


def test_a_double_click_is_one_operation(sample: Sample) -> None:
    """Both take the same lock: the one that waited for it must not be told that its own operation is in the way."""
    answers = together(*[lambda: once("key", lambda: sample.submit(locks=(VM,), key="key"))] * CROWD)
    assert (len({answer.pk for answer in answers}), Operation.objects.count()) == (1, 1)


def test_a_double_click_is_not_told_that_its_own_change_was_made(sample: Sample) -> None:
    ResourceLock.objects.create(resource_uuid=VM, operation=sample.submit())

    def accept() -> Operation:
        """A transition: one conditional write, zero rows is a refusal."""
        if not ResourceLock.objects.filter(pk=VM).delete()[0]:
            raise WrongState("the state has changed")
        return sample.submit(key="key")

    answers = together(*[lambda: once("key", accept)] * CROWD)
    assert len({answer.pk for answer in answers}) == 1


def test_of_two_that_want_one_lock_the_later_is_refused(sample: Sample) -> None:
    answers = together(*[lambda: sample.submit(locks=(VM,)).pk] * CROWD)
    refused = [answer for answer in answers if isinstance(answer, Busy)]
    assert (len(refused), Operation.objects.count()) == (CROWD - 1, 1)


def test_locks_taken_in_any_order_do_not_wait_for_each_other(sample: Sample) -> None:
    names = [f"{number:032d}" for number in range(5)]
    answers = together(*[lambda n=n: sample.submit(locks=(*names[n % 5 :], *names[: n % 5])).pk for n in range(8)])
    assert len([answer for answer in answers if isinstance(answer, str)]) == 1
    assert {type(answer) for answer in answers} == {str, Busy}


def test_cancelling_at_the_end_is_either_heard_or_refused(sample: Sample) -> None:
    for _ in range(5):
        operation = sample.submit()
        finished, answer = together(lambda: sample.run(operation), lambda: cancel(operation))  # noqa: B023
        assert finished is True
        assert answer is None or isinstance(answer, WrongState)
        assert not operation.reload().is_open
