"""What people are told when an operation went wrong."""

from dataclasses import dataclass

import pytest

from console.advice import CLEAN, RETRY, advice


@dataclass
class Step:
    """A step as far as advice looks at it."""

    status: str
    label: str = "Make the root volume"


@pytest.mark.parametrize("status", ["Pending", "Running", "Succeeded"])
def test_nothing_while_nothing_is_wrong(status: str) -> None:
    assert advice(status, "", [Step("Done")]) == ""


def test_a_clean_failure_says_that_nothing_is_left_and_what_to_do() -> None:
    assert advice("Failed", "SYS.1006", [Step("Undone"), Step("Pending")]) == f"{CLEAN} {RETRY}"


def test_a_known_code_has_its_own_remedy() -> None:
    assert "took longer" in advice("Failed", "SYS.1001", [Step("Undone")])


def test_a_failed_undo_names_what_may_be_left() -> None:
    text = advice("Failed", "SYS.1006", [Step("UndoFailed"), Step("Undone", "Start the machine")])
    assert "Make the root volume" in text
    assert "Start the machine" not in text
    assert CLEAN not in text


def test_a_cancelled_operation_is_not_told_to_try_again() -> None:
    assert advice("Cancelled", "", [Step("Undone")]) == CLEAN
