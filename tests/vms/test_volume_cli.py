"""The commands about data volumes, as the manual writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from console.models import Operation
from tests.support.datacenter import GIB, Datacenter
from tests.support.life import ran, stopped
from vms.models import Volume

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


def created(dc: Datacenter, cli: Cli, *words: str) -> str:
    answer = cli("CreateDataVolume", "name=logs", f"diskOfferingUuid={dc.uuid('disk', 'disk-1G')}", *words)
    return str(answer["inventory"]["uuid"])


def test_a_volume_is_created_attached_detached_and_deleted(dc: Datacenter, cli: Cli) -> None:
    vm = stopped(dc)
    uuid = created(dc, cli)
    cli("AttachDataVolumeToVm", f"vmInstanceUuid={vm.pk}", f"volumeUuid={uuid}")
    (found,) = cli("QueryVolume", f"vmInstanceUuid={vm.pk}", "type=Data")["inventories"]
    assert (found["uuid"], found["size"], found["deviceId"], found["status"]) == (uuid, GIB, 1, "Ready")
    cli("DetachDataVolumeFromVm", f"uuid={uuid}")
    assert Volume.objects.get(pk=uuid).vm is None
    cli("DeleteDataVolume", f"uuid={uuid}")
    assert not Volume.objects.filter(pk=uuid).exists()


def test_every_parameter_of_a_new_volume(dc: Datacenter, cli: Cli) -> None:
    (storage,) = cli("QueryPrimaryStorage")["inventories"]
    wanted = "0123456789ab4def8123456789abcdef"
    words = (f"resourceUuid={wanted}", "description=weekly", f"primaryStorageUuid={storage['uuid']}", "userTags=blue")
    assert created(dc, cli, *words) == wanted
    volume = Volume.objects.get(pk=wanted)
    assert (volume.description, volume.primary_storage_id) == ("weekly", storage["uuid"])


def test_deleting_what_does_not_exist_is_a_success(cli: Cli) -> None:
    assert cli("DeleteDataVolume", f"uuid={'0' * 32}") == {}


def test_a_refusal_is_printed_with_its_code(dc: Datacenter, capsys: pytest.CaptureFixture[str]) -> None:
    vm = dc.create()
    with pytest.raises(SystemExit):
        call_command("cli", "AttachDataVolumeToVm", f"vmInstanceUuid={vm.pk}", f"volumeUuid={'0' * 32}")
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["details"]) == (
        "VM.1010",
        "The VM is Running; a volume can be attached only while it is Stopped: stop it first.",
    )
