"""The suite covers the port, and every driver has every call of it with the same parameters."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.hypervisor.guard import LIMITS, MUTATING, GuardedHypervisor
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.simulator import SimulatedHypervisor
from hosts.hypervisor.simulator.faults import CALLS, UPLOAD_CHUNK
from tests.contract.capabilities import CAPABILITIES, DRIVERS, LACKS, drivers_for
from tests.contract.libvirt_hosts import libvirt_driver

METHODS = {name for name in vars(Hypervisor) if not name.startswith("_")}
IMPLEMENTATIONS: dict[str, Callable[[], type]] = {
    "simulator": lambda: SimulatedHypervisor,
    "guard": lambda: GuardedHypervisor,
    "libvirt": libvirt_driver,
}


def calls_in_suite() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in Path(__file__).parent.glob("test_*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {node.func.attr for node in nodes if isinstance(node.func, ast.Attribute)}


def needs_in_suite() -> set[str]:
    needs = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.needs":
                needs |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return needs


def test_the_suite_calls_every_method_of_the_port() -> None:
    assert METHODS - calls_in_suite() == set()


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_has_the_signature_of_the_port(implementation: str, method: str) -> None:
    wanted = inspect.signature(getattr(Hypervisor, method))
    assert inspect.signature(getattr(IMPLEMENTATIONS[implementation](), method)) == wanted


def test_the_guard_limits_every_method_but_close() -> None:
    assert set(LIMITS) == METHODS - {"close"}


def test_the_guard_knows_which_methods_change_a_host() -> None:
    domains = {"domains", "domain_state", "domain_xml", "domain_devices"}
    others = {"ping", "facts", "networks", "pool", "volumes", "volume", "download_volume", "watch", "close"}
    assert domains | others == METHODS - MUTATING


def test_every_method_but_close_can_be_made_to_fail() -> None:
    assert METHODS - {"close"} | {UPLOAD_CHUNK} == CALLS


def test_every_capability_that_a_driver_lacks_is_needed_by_some_test() -> None:
    assert CAPABILITIES - needs_in_suite() == set()


def test_every_driver_says_what_it_lacks_and_why() -> None:
    assert [param.values[0] for param in DRIVERS] == list(LACKS)
    assert all(reason for lacks in LACKS.values() for reason in lacks.values())


def test_a_test_cannot_need_what_nobody_lacks() -> None:
    with pytest.raises(ValueError, match="LACKS"):
        drivers_for(frozenset({"typo"}))
