"""Accepting and cancelling: locks, idempotency, refusals that leave nothing."""

import pytest
from django.utils import timezone

from console.errors import Busy, WrongState
from console.models import Operation, OperationStep, ResourceLock, Status
from console.operations.services import cancel, once, submit
from tests.support.sample_flow import KIND, Sample

pytestmark = pytest.mark.django_db
VM, VOLUME = "1" * 32, "2" * 32


def test_an_accepted_operation_waits_with_all_its_steps(sample: Sample) -> None:
    operation = sample.submit()
    steps = list(operation.steps.values_list("position", "name", "label", "status"))
    assert (operation.status, steps) == (
        Status.PENDING,
        [(0, "a", "Step a", "Pending"), (1, "b", "Step b", "Pending"), (2, "c", "Step c", "Pending")],
    )


@pytest.mark.django_db(transaction=True)
def test_accepting_outside_the_transaction_of_the_change_is_a_mistake(sample: Sample) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        submit(kind=KIND, title="", subject=("", "", ""), locks=(), arguments={}, user=None)


def test_a_lock_is_refused_by_the_name_of_its_holder(sample: Sample) -> None:
    holder = sample.submit(locks=(VM,))
    with pytest.raises(Busy, match=r"must wait: “Sample of the engine” \(Pending\) is working on it") as refused:
        sample.submit(locks=(VOLUME, VM))
    assert refused.value.data == {"holder": holder.pk}


def test_a_refused_operation_leaves_nothing(sample: Sample) -> None:
    holder = sample.submit(locks=(VM,))
    with pytest.raises(Busy):
        sample.submit(locks=(VOLUME, VM))
    left = (Operation.objects.count(), OperationStep.objects.count(), ResourceLock.objects.count())
    assert left == (1, 3, 1)
    assert ResourceLock.objects.get().operation_id == holder.pk


def test_locks_go_when_the_operation_ends(sample: Sample) -> None:
    sample.run(sample.submit(locks=(VM, VOLUME)))
    assert sample.submit(locks=(VM, VOLUME)).locks.count() == 2


def test_locks_go_when_the_operation_fails(sample: Sample) -> None:
    sample.fail("run b", "undo a")
    sample.run(sample.submit(locks=(VM,)))
    assert not ResourceLock.objects.exists()


def test_the_same_key_gives_the_same_operation(sample: Sample) -> None:
    first = once("key", lambda: sample.submit(key="key"))
    again = once("key", lambda: sample.submit(key="key"))
    assert (again.pk, Operation.objects.count()) == (first.pk, 1)


def test_without_a_key_every_request_is_its_own(sample: Sample) -> None:
    assert once(None, sample.submit).pk != once(None, sample.submit).pk


@pytest.mark.parametrize("key", ["other", None])
def test_a_refusal_is_not_hidden_by_a_key_that_nobody_used(sample: Sample, key: str | None) -> None:
    sample.submit(locks=(VM,), key="key")
    with pytest.raises(Busy):
        once(key, lambda: sample.submit(locks=(VM,), key=key))


def test_cancelling_is_remembered_once(sample: Sample) -> None:
    operation = sample.submit()
    cancel(operation)
    first = operation.reload().cancel_requested
    cancel(operation)
    assert (first is not None, operation.reload().cancel_requested) == (True, first)


def test_what_has_ended_cannot_be_cancelled(sample: Sample) -> None:
    operation = sample.submit()
    sample.run(operation)
    with pytest.raises(WrongState, match="already ended: Succeeded"):
        cancel(operation)


def test_cancelling_what_waits_makes_it_due(sample: Sample) -> None:
    operation = sample.submit()
    cancel(operation)
    assert list(Operation.objects.due(timezone.now())) == [operation]
