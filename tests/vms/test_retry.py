"""Trying again what has failed: as a new operation, once."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.errors import WrongState
from console.models import Operation, Status
from console.operations.flow import flows
from console.operations.services import retry
from hosts.hypervisor.errors import HypervisorError
from tests.support.datacenter import Datacenter
from tests.support.life import failed, ran, stopped
from tests.support.pages import text_of, visitor
from tests.support.strangers import look, stranger
from vms.adoption import Adopt, adopt
from vms.life import Asked, destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import VmInstance


@pytest.fixture
def boss(dc: Datacenter) -> Client:
    return visitor("boss", is_superuser=True)


def test_a_create_that_failed_is_tried_again_with_all_it_asked_for(dc: Datacenter) -> None:
    dc.fleet.fault(call="start_domain", error=HypervisorError("no"), times=1)
    operation = failed(dc, dc.accept("web", "database", name="mine", system_tags=("hostname::mine",)))
    again = retry(operation, user=None, key="k")
    ran(dc, again)
    vm = VmInstance.objects.get()
    assert (vm.name, vm.nics.count(), vm.state) == ("mine", 2, "Running")


def force_off(uuid: str) -> Operation | None:
    return stop_vm(uuid, force=True)


@pytest.mark.parametrize("change", [force_off, reboot_vm, migrate_vm, destroy_vm])
def test_a_change_that_failed_is_tried_again(dc: Datacenter, change: object) -> None:
    vm = dc.create()
    call = {reboot_vm: "define_domain", migrate_vm: "migrate_domain"}.get(change, "destroy_domain")  # type: ignore[call-overload]
    dc.fleet.fault(call=call, error=HypervisorError("no"), times=1)
    operation = failed(dc, change(vm.pk))  # type: ignore[operator]
    if change is reboot_vm:
        ran(dc, start_vm(vm.pk))
    ran(dc, retry(operation, user=None, key="k"))


def test_a_start_that_failed_is_tried_again_from_its_page_and_leads_there(dc: Datacenter, boss: Client) -> None:
    vm = stopped(dc)
    dc.fleet.fault(call="start_domain", error=HypervisorError("no"), times=1)
    operation = failed(dc, start_vm(vm.pk))
    page = f"/operations/{operation.pk}/"
    assert "Try again" in text_of(boss.get(page))
    where = boss.post(f"{page}retry/").headers["Location"]
    assert boss.post(f"{page}retry/").headers["Location"] == where
    ran(dc, Operation.objects.open().get())
    assert "Tried again: Succeeded" in text_of(boss.get(page))


def test_an_adoption_that_failed_is_tried_again_as_it_was_decided(dc: Datacenter) -> None:
    row = stranger(dc)
    dc.fleet.fault(host="one", call="domain_devices", error=HypervisorError("no"), times=1)
    operation = failed(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old", description="from before")))
    look()
    ran(dc, retry(operation, user=None, key="k"))
    assert VmInstance.objects.get(pk=row.domain_uuid).description == "from before"


def test_what_has_succeeded_is_not_tried_again(dc: Datacenter) -> None:
    vm = dc.create()
    operation = ran(dc, stop_vm(vm.pk))
    with pytest.raises(WrongState, match="has succeeded"):
        retry(operation, user=None, key="k")


def test_what_goes_on_is_not_tried_again(dc: Datacenter) -> None:
    vm = dc.create()
    operation = stop_vm(vm.pk)
    assert operation
    with pytest.raises(WrongState, match="has not ended yet"):
        retry(operation, user=None, key="k")
    assert operation.reload().status == Status.PENDING


def test_only_who_may_change_operations_tries_those_of_others_again(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="destroy_domain", error=HypervisorError("no"), times=1)
    operation = failed(dc, stop_vm(vm.pk))
    assert visitor("berta").post(f"/operations/{operation.pk}/retry/").status_code == 403


def test_who_may_not_do_it_any_more_does_not_do_it_again(dc: Datacenter) -> None:
    vm = dc.create()
    client = visitor("berta")
    dc.fleet.fault(call="destroy_domain", error=HypervisorError("no"), times=1)
    operation = failed(dc, destroy_vm(vm.pk, Asked(user=User.objects.get(username="berta"))))
    page = f"/operations/{operation.pk}/"
    assert "it lacks the permission vms.delete_vminstance" in text_of(client.get(page))
    client.post(f"{page}retry/")
    assert not Operation.objects.open().exists()
    assert f"{page}retry/" not in text_of(client.get("/operations/"))


def test_every_flow_that_can_be_asked_for_again_names_the_permission() -> None:
    """Only the bulk looks at who asks itself, for each of its parts."""
    nameless = [one.kind for one in flows() if one.again and not one.permission]
    assert nameless == ["vm.bulk"]
