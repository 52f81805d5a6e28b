"""What people are told when an operation went wrong."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.urls import reverse

import console.api
import console.cli  # noqa: F401  # both bring errors of their own
from console.advice import REMEDIES, UNKNOWN, Remedy, advice, remedy_of
from console.errors import CorralError
from console.operations.flow import CLEAN
from hosts.hypervisor import errors
from hosts.hypervisor.libvirt_driver import mapping

ROOT = Path(__file__).parents[2]
RAISED = re.compile(r"(?:Refusal|Failure)\([^()]*(?:\([^()]*\)[^()]*)*code=\"([A-Z_]+\.\d+)\"")


@dataclass
class Step:
    """A step as far as advice looks at it."""

    status: str
    label: str = "Make the root volume"


def classes(root: type[Exception]) -> set[type[Exception]]:
    """An error with all that are made from it, without those of tests."""
    below = {one for child in root.__subclasses__() for one in classes(child)}
    return {one for one in {root, *below} if not one.__module__.startswith("tests")}


def raised_codes() -> set[str]:
    """Codes that are given where an error is raised."""
    files = [path for app in ("console", "hosts", "networks", "vms") for path in (ROOT / app).rglob("*.py")]
    return {code for path in files for code in RAISED.findall(path.read_text())}


@pytest.mark.parametrize("error", sorted(classes(CorralError), key=lambda error: error.__name__))
def test_every_code_of_corral_has_a_remedy(error: type[CorralError]) -> None:
    assert error.code in REMEDIES


def test_every_code_given_where_an_error_is_raised_has_a_remedy() -> None:
    codes = raised_codes()
    assert "VM.1009" in codes
    assert codes <= set(REMEDIES)


@pytest.mark.parametrize("error", sorted(classes(errors.HypervisorError), key=lambda error: error.__name__))
def test_every_trouble_of_a_host_has_a_remedy_of_its_own(error: type[errors.HypervisorError]) -> None:
    found = remedy_of({"cause": {"code": error.error_code, "trouble": error.__name__}})
    assert found is not UNKNOWN


def test_every_code_of_libvirt_that_the_driver_knows_has_a_remedy() -> None:
    by_number = {*mapping.ERRORS.values(), *mapping.NOT_NOW.values(), *mapping.ERRNOS.values()}
    for error in by_number | {error for _, error in mapping.TEXTS}:
        assert remedy_of({"cause": {"code": error.error_code, "trouble": error.__name__}}) is not UNKNOWN


@pytest.mark.parametrize("remedy", REMEDIES.values(), ids=REMEDIES)
def test_a_remedy_says_cause_check_and_what_to_do_and_its_page_exists(remedy: Remedy) -> None:
    assert all(text.endswith((".", "?")) for text in (remedy.cause, remedy.check, remedy.do))
    assert not remedy.view or reverse(remedy.view)


@pytest.mark.parametrize("status", ["Pending", "Running", "Succeeded"])
def test_nothing_while_nothing_is_wrong(status: str) -> None:
    assert advice(status, {}, [Step("Done")]) is None


def test_a_clean_failure_says_that_nothing_is_left() -> None:
    told = advice("Failed", {"code": "SYS.1006"}, [Step("Undone"), Step("Pending")])
    assert told
    assert told.left == CLEAN


def test_the_class_of_an_error_says_more_than_its_code() -> None:
    full = remedy_of({"code": "VM.1000", "cause": {"code": "SYS.1006", "trouble": "NoSpace"}})
    assert "full" in full.cause


def test_an_error_without_its_class_is_known_by_the_code_of_its_cause() -> None:
    assert remedy_of({"code": "VM.1000", "cause": {"code": "SYS.1001"}}) is REMEDIES["SYS.1001"]


def test_a_failed_undo_names_what_may_be_left() -> None:
    told = advice("Failed", {}, [Step("UndoFailed"), Step("Undone", "Start the machine")])
    assert told
    assert "Make the root volume" in told.left
    assert "Start the machine" not in told.left
    assert CLEAN not in told.left


def test_a_cancelled_operation_is_not_told_to_try_again() -> None:
    told = advice("Cancelled", {}, [Step("Undone")])
    assert told
    assert (told.left, told.remedy) == (CLEAN, None)


def test_advice_that_only_points_to_the_message_is_given_where_there_is_none() -> None:
    given = [advice("Failed", {"code": "SYS.1006", **said}, []) for said in ({}, {"details": "No space left"})]
    assert [one and one.remedy for one in given] == [REMEDIES["SYS.1006"], None]
