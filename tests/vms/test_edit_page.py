"""Editing a VM: its name and description, in the record; the domain follows at the next start."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client

from console.models import Operation
from hosts.hypervisor.libvirt_driver.domain_xml import domain_xml
from tests import factories
from tests.support.pages import text_of, visitor
from vms.domain import domain_spec
from vms.models import VmInstance

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


def cli(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    call_command("cli", *words)
    return json.loads(capsys.readouterr().out)


def test_name_and_description_are_changed_and_nothing_else(boss: Client) -> None:
    vm = factories.make_vm(name="web", description="old", state="Running")
    before = VmInstance.objects.filter(pk=vm.pk).values().get()
    page = f"/vms/{vm.pk}/edit/"
    assert 'value="web"' in text_of(boss.get(page))
    answer = boss.post(page, {"name": "shop", "description": "sells"}, follow=True)
    assert answer.redirect_chain == [(f"/vms/{vm.pk}/", 302)]
    assert "shop was saved." in text_of(answer)
    after = VmInstance.objects.filter(pk=vm.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"name", "description", "last_op_date"}
    assert not Operation.objects.exists()


def test_the_domain_gets_them_when_it_is_defined_next(boss: Client) -> None:
    vm = factories.make_vm(name="web", state="Stopped")
    boss.post(f"/vms/{vm.pk}/edit/", {"name": "shop", "description": "sells"})
    xml = domain_xml(domain_spec(vm.reload(), vm.host or factories.make_host()))
    assert "<title>shop</title>" in xml
    assert "<description>sells</description>" in xml


def test_a_wrong_name_is_told_at_its_field_and_changes_nothing(boss: Client) -> None:
    vm = factories.make_vm(name="web")
    answer = boss.post(f"/vms/{vm.pk}/edit/", {"name": "Zürich", "description": "kept"})
    assert set(answer.context["form"].errors) == {"name"}
    assert "kept" in text_of(answer)
    assert vm.reload().name == "web"


def test_it_takes_the_permission_to_change_vms() -> None:
    vm = factories.make_vm(name="web")
    page = f"/vms/{vm.pk}/edit/"
    reader = visitor("reader")
    refused = reader.post(page, {"name": "mine"})
    assert (refused.status_code, vm.reload().name) == (403, "web")
    assert "vms.change_vminstance" in text_of(refused)
    assert page not in text_of(reader.get(f"/vms/{vm.pk}/"))
    writer = visitor("writer")
    permission = Permission.objects.get(codename="change_vminstance")
    permission.user_set.add(writer.get("/").context["user"])
    assert page in text_of(writer.get(f"/vms/{vm.pk}/"))
    assert writer.post(page, {"name": "mine"}).status_code == 302


def test_the_command_changes_what_is_given_only(capsys: pytest.CaptureFixture[str]) -> None:
    vm = factories.make_vm(name="web", description="old")
    answer = cli(capsys, "UpdateVmInstance", f"uuid={vm.pk}", "name=shop")
    assert (answer["inventory"]["name"], answer["inventory"]["description"]) == ("shop", "old")
    answer = cli(capsys, "UpdateVmInstance", f"uuid={vm.pk}", "description=new")
    assert (answer["inventory"]["name"], answer["inventory"]["description"]) == ("shop", "new")


@pytest.mark.parametrize(("words", "code"), [(["uuid=x", "name=a"], "SYS.1003"), (["uuid={vm}", "name="], "SYS.1007")])
def test_the_command_refuses(capsys: pytest.CaptureFixture[str], words: list[str], code: str) -> None:
    vm = factories.make_vm(name="web")
    with pytest.raises(SystemExit):
        cli(capsys, "UpdateVmInstance", *(word.format(vm=vm.pk) for word in words))
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
