"""What needs no database: the status of an operation, the registry of flows, errors as they are kept."""

import pytest

from console.errors import Busy, Cancelled, Failure
from console.models import Status, StepStatus
from console.models.operation import status_of
from console.operations import flow
from console.operations.flow import Flow, Step
from console.operations.runner import describe
from hosts.hypervisor.errors import HostUnreachable
from tests.support.sample_flow import KIND, Sample

P, R, D, F = StepStatus.PENDING, StepStatus.RUNNING, StepStatus.DONE, StepStatus.FAILED
U, UNDONE, UNDO_FAILED = StepStatus.UNDOING, StepStatus.UNDONE, StepStatus.UNDO_FAILED


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((P, P), Status.PENDING),
        ((R, P), Status.RUNNING),
        ((D, P), Status.RUNNING),
        ((D, R), Status.RUNNING),
        ((D, D), Status.SUCCEEDED),
    ],
)
def test_status_on_the_way_forward(steps: tuple[str, ...], expected: str) -> None:
    assert status_of(steps, undoing=False, cancelled=False) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((D, F, P), Status.UNDOING),
        ((D, U, P), Status.UNDOING),
        ((D, UNDONE, P), Status.UNDOING),
        ((U, UNDONE, P), Status.UNDOING),
        ((UNDONE, UNDONE, P), Status.FAILED),
        ((UNDONE, UNDO_FAILED, P), Status.FAILED),
        ((UNDO_FAILED, UNDO_FAILED, P), Status.FAILED),
        ((P, P, P), Status.FAILED),
    ],
)
def test_status_on_the_way_back(steps: tuple[str, ...], expected: str) -> None:
    assert status_of(steps, undoing=True, cancelled=False) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [((D, F, P), Status.UNDOING), ((UNDONE, UNDO_FAILED, P), Status.CANCELLED), ((P, P), Status.CANCELLED)],
)
def test_status_of_a_cancelled_operation(steps: tuple[str, ...], expected: str) -> None:
    assert status_of(steps, undoing=True, cancelled=True) == expected


def test_every_status_of_a_step_is_either_left_behind_or_settled() -> None:
    alone = {step: status_of([step], undoing=True, cancelled=False) for step in StepStatus}
    settled = {step for step, status in alone.items() if status == Status.FAILED}
    assert settled == {P, UNDONE, UNDO_FAILED}


def test_a_kind_belongs_to_one_flow(sample: Sample) -> None:
    with pytest.raises(ValueError, match="two flows"):
        flow.register(Flow(KIND, "Another", (Step(), *sample.flow.steps)[1:]))


def test_registering_a_flow_again_changes_nothing(sample: Sample) -> None:
    flow.register(sample.flow)
    assert flow.get(KIND) is sample.flow


@pytest.mark.parametrize("names", ["", "aa"])
def test_a_flow_has_steps_with_names_of_their_own(sample: Sample, names: str) -> None:
    with pytest.raises(ValueError, match="name of its own"):
        flow.register(Flow("test.other", "Other", tuple(sample.steps[name] for name in names)))


def test_a_step_of_another_version_is_named(sample: Sample) -> None:
    with pytest.raises(LookupError, match=r"test\.sample has no step z"):
        sample.flow.step("z")


MAKE = Flow("test.make", "Make it", (), code="VM.1000")


def test_a_failure_has_the_code_of_its_flow_and_the_error_as_its_cause() -> None:
    assert describe(Failure("disk is full", code="VM.1009"), MAKE) == {
        "code": "VM.1000",
        "description": "Make it failed.",
        "details": "disk is full",
        "cause": {
            "code": "VM.1009",
            "description": "A step of an operation failed.",
            "details": "disk is full",
            "trouble": "Failure",
        },
    }


def test_a_refusal_is_kept_with_its_data() -> None:
    assert describe(Busy("wait", holder="7" * 32), MAKE)["holder"] == "7" * 32


def test_a_cancelled_step_is_told_from_a_failed_one() -> None:
    kept = describe(Cancelled("on request"), MAKE)
    assert (kept["cancelled"], kept["description"]) == (True, "Make it was cancelled.")


def test_an_error_of_a_hypervisor_is_kept_with_host_and_call() -> None:
    kept = describe(HostUnreachable("no route", code=38, host="kvm-1", call="start_domain"), MAKE)
    assert kept == {
        "code": "VM.1000",
        "description": "Make it failed.",
        "details": "no route",
        "cause": {
            "code": "HOST.1003",
            "description": "The host cannot be reached.",
            "details": "no route",
            "trouble": "HostUnreachable",
        },
        "host": "kvm-1",
        "call": "start_domain",
        "hypervisorCode": 38,
    }
