"""The example queries of the chapter and of semantics §5, verbatim, by each face: the answers are the same."""

import json
import shlex
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from tests.factories import (
    GIB,
    make_complete_vm,
    make_eip,
    make_host,
    make_nic,
    make_security_group,
    make_superuser,
    make_tag,
    make_vip,
    make_volume,
)
from vms.models import VmInstance, VolumeType
from vms.states import VmState

pytestmark = pytest.mark.django_db

HOST = "33107835aee84c449ac04c9622892dec"
PATHS = {"VmInstance": "vm-instances", "VmNic": "vm-nics"}
#: (resource, conditions as they are written, how many answer)
EXAMPLES = (
    # the chapter, Query VM and Query VM Nic
    ("VmInstance", f"state=Running hostUuid={HOST}", 1),
    ("VmInstance", "vmNics.eip.guestIp=10.23.109.23", 1),
    ("VmNic", "gateway=10.1.1.1", 1),
    ("VmNic", "eip.guestIp=10.23.109.23", 1),
    # semantics §5
    ("VmInstance", "allVolumes.type=Data allVolumes.size>1099511627776", 1),
    ("VmInstance", "vmNics.ip!=10.0.0.1", 2),
    ("VmInstance", "host.__userTag__=rack-3", 1),
    ("VmInstance", "__userTag__!=x __userTag__!=null", 1),
    ("VmInstance", "createDate>2015-12-02 createDate<2999-01-01", 2),
    ("VmInstance", "vmNics.vmInstance.vmNics.ip=10.0.0.218", 1),
    ("VmInstance", "name~=web%", 1),
    ("VmInstance", "state?=Running,Stopped", 2),
    ("VmInstance", "state!?=Running,Unknown", 1),
    ("VmInstance", "hostUuid=null", 1),
    ("VmInstance", "vmNics.securityGroup.name=web", 1),
    ("VmInstance", f"host.uuid={HOST}", 1),
    ("VmInstance", 'name="web server"', 1),
    # the depth test worth having
    ("VmNic", "eip.vip.ip=11.168.2.13", 1),
)


@pytest.fixture(autouse=True)
def fleet() -> None:
    host = make_host(uuid=HOST, name="h")
    make_tag(host, "HostVO", "rack-3")
    web = make_complete_vm(name="web server", host=host, state=VmState.RUNNING)
    make_tag(web, "VmInstanceVO", "front")
    make_volume(vm=web, type=VolumeType.DATA, device_id=1, size=2048 * GIB)
    nic = make_nic(vm=web, ip="10.23.109.23", gateway="10.1.1.1", device_id=1)
    nic.security_groups.add(make_security_group(name="web"))
    make_eip(nic=nic, vip=make_vip(ip="11.168.2.13"))
    db = make_complete_vm(name="db", state=VmState.STOPPED)
    VmInstance.objects.filter(pk=db.pk).update(host=None)
    make_nic(vm=db, ip="10.0.0.218", device_id=1)


def by_cli(resource: str, text: str) -> list[object]:
    words = shlex.split(text)  # as the shell takes the command line apart
    out = StringIO()
    call_command("cli", f"Query{resource}", *words, stdout=out)
    found: list[object] = json.loads(out.getvalue())["inventories"]
    return found


def by_json(resource: str, text: str, client: Client) -> list[object]:
    client.force_login(make_superuser())
    found: list[object] = client.get(f"/api/v1/{PATHS[resource]}/", {"q": text}).json()["inventories"]
    return found


@pytest.mark.parametrize(("resource", "text", "count"), EXAMPLES)
def test_an_example_answers_the_same_by_command_and_by_json(
    resource: str, text: str, count: int, client: Client
) -> None:
    found = by_cli(resource, text)
    assert (len(found), by_json(resource, text, client)) == (count, found)


@pytest.mark.parametrize("text", [text for resource, text, _ in EXAMPLES if resource == "VmInstance"])
def test_an_example_answers_the_same_on_the_list_page(text: str, client: Client) -> None:
    found = by_json("VmInstance", text, client)
    page = client.get("/vms/", {"q": text})
    assert {vm.uuid for vm in page.context["page"]} == {one["uuid"] for one in found}
    exported = client.get("/vms/export.json", {"q": text})
    assert json.loads(exported.getvalue())["inventories"] == found
