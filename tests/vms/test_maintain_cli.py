"""ChangeHostState, as the manual writes it."""

import json

import pytest
from django.core.management import call_command

from console.models import Operation
from hosts.models import Host
from tests.support.datacenter import Datacenter


def cli(dc: Datacenter, capsys: pytest.CaptureFixture[str], event: str) -> str:
    """The state of the host after the command's operation, if there is one, has been carried out."""
    uuid = dc.uuid("host", "one")
    call_command("cli", "--no-wait", "ChangeHostState", f"uuid={uuid}", f"stateEvent={event}")
    answer = json.loads(capsys.readouterr().out)
    if "operationUuid" in answer:
        dc.run(Operation.objects.get(pk=answer["operationUuid"]))
    return Host.objects.get(pk=uuid).state


@pytest.mark.parametrize("event", ["maintain", "preMaintain"])
def test_into_maintenance_and_out_of_it(dc: Datacenter, capsys: pytest.CaptureFixture[str], event: str) -> None:
    assert cli(dc, capsys, event) == "Maintenance"
    assert cli(dc, capsys, "disable") == "Disabled"
    assert cli(dc, capsys, "enable") == "Enabled"
