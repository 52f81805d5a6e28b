"""The commands of a VM's life, as the manual writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from console.models import Operation
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from vms.life import stop_vm

Cli = Callable[..., dict[str, Any]]


@pytest.fixture
def cli(dc: Datacenter, capsys: pytest.CaptureFixture[str]) -> Cli:
    """What a command prints, once its operation has been carried out."""

    def run(*words: str) -> dict[str, Any]:
        call_command("cli", "--no-wait", *words)
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        if "operationUuid" in answer:
            ran(dc, Operation.objects.get(pk=answer["operationUuid"]))
        return answer

    return run


def test_stop_and_start(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    cli("StopVmInstance", f"uuid={vm.pk}")
    assert vm.reload().state == "Stopped"
    cli("StartVmInstance", f"uuid={vm.pk}")
    assert vm.reload().state == "Running"


def test_stop_at_once(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    cli("StopVmInstance", f"uuid={vm.pk}", "type=cold")
    assert dc.fleet.calls()["shutdown_domain"] == 0


def test_stopping_what_is_stopped_prints_it(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    ran(dc, stop_vm(vm.pk))
    assert cli("StopVmInstance", f"uuid={vm.pk}")["inventory"]["state"] == "Stopped"


def test_reboot(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    cli("RebootVmInstance", f"uuid={vm.pk}")
    assert vm.reload().state == "Running"


def test_migrate_to_a_named_host(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    target = next(dc.uuid("host", name) for name in dc.names if dc.uuid("host", name) != vm.host_id)
    cli("MigrateVm", f"vmInstanceUuid={vm.pk}", f"hostUuid={target}")
    assert vm.reload().host_id == target


def test_destroy_for_good(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    cli("DestroyVmInstance", f"uuid={vm.pk}", "deleteMode=Enforcing")
    assert not type(vm).objects.filter(pk=vm.pk).exists()


def test_what_names_no_account_was_asked_for_by_the_command_line(dc: Datacenter, cli: Cli) -> None:
    vm = dc.create()
    cli("StopVmInstance", f"uuid={vm.pk}")
    operation = Operation.objects.get(kind="vm.stop")
    assert (operation.created_by, operation.asker) == (None, "Command line")


def test_destroying_what_does_not_exist_is_a_success(cli: Cli) -> None:
    assert cli("DestroyVmInstance", f"uuid={'0' * 32}") == {}


def test_a_refusal_is_printed_as_json_and_ends_in_1(dc: Datacenter, capsys: pytest.CaptureFixture[str]) -> None:
    vm = dc.create()
    with pytest.raises(SystemExit) as end:
        call_command("cli", "StartVmInstance", f"uuid={vm.pk}")
    error = json.loads(capsys.readouterr().out)["error"]
    assert (end.value.code, error["code"]) == (1, "VM.1010")
    assert error["details"] == "The VM is Running; it can be started only while it is Stopped."
