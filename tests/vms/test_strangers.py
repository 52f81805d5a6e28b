"""How the tracer keeps up with what strangers are made of: asked once, and an error spoils no look."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import codec
from hosts.hypervisors import hypervisor
from hosts.models import Host
from networks.models import L3Network
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from tests.support.strangers import GIB, MAC, look, nic, stranger
from vms.adoption import Adopt, adopt
from vms.models import IgnoredDomain, Stranger, VmInstance
from vms.strangers import devices_of, heed, ignore


def asked(dc: Datacenter) -> int:
    return dc.fleet.calls().get("domain_devices", 0)


def test_a_new_stranger_is_kept_with_what_it_is_made_of(dc: Datacenter) -> None:
    row = stranger(dc, nics=(nic(L3Network.objects.get(pk=dc.l3)),))
    devices = devices_of(row)
    assert devices
    assert [(one.target, one.path, one.capacity) for one in devices.disks] == [
        ("vda", "/srv/shared/legacy.qcow2", 4 * GIB)
    ]
    assert [(one.mac, one.network) for one in devices.nics] == [(MAC, dc.l3)]


def test_a_host_is_asked_once_for_each_new_stranger(dc: Datacenter) -> None:
    stranger(dc)
    look(), look()
    assert asked(dc) == 1


def test_it_is_asked_again_when_something_else_has_changed(dc: Datacenter) -> None:
    row = stranger(dc)
    dc.fleet.power_off("one", row.domain_uuid)
    look()
    assert asked(dc) == 2


def test_an_error_spoils_no_look(dc: Datacenter) -> None:
    vm = dc.create(host_uuid=Host.objects.get(name="one").pk)
    dc.fleet.power_off("one", vm.pk)
    dc.fleet.fault(host="one", call="domain_devices", error=HypervisorError("no"), times=1)
    row, other = stranger(dc), stranger(dc, name="other")
    assert (row.devices, other.devices is None) == (None, False)
    assert VmInstance.objects.get().state == "Stopped"


def test_after_an_error_it_is_asked_again_but_not_at_every_look(dc: Datacenter) -> None:
    dc.fleet.fault(host="one", call="domain_devices", error=HypervisorError("no"), times=1)
    row = stranger(dc)
    look()
    assert asked(dc) == 1
    Stranger.objects.update(asked=timezone.now() - timedelta(minutes=11))
    look()
    row.refresh_from_db()
    assert devices_of(row)


def test_a_host_that_could_not_tell_the_size_of_a_file_is_asked_again(dc: Datacenter) -> None:
    row = stranger(dc)
    unknown = [row.devices["disks"][0] | {"capacity": None}]
    Stranger.objects.update(asked=timezone.now() - timedelta(minutes=11), devices=row.devices | {"disks": unknown})
    look()
    row.refresh_from_db()
    assert row.devices["disks"][0]["capacity"] == 4 * GIB


def test_what_was_known_stays_when_it_cannot_be_asked_any_more(dc: Datacenter) -> None:
    row = stranger(dc)
    dc.fleet.fault(host="one", call="domain_devices", error=HypervisorError("no"), times=1)
    dc.fleet.power_off("one", row.domain_uuid)
    look()
    row.refresh_from_db()
    assert (row.state, devices_of(row) is None) == ("shutoff", False)


def test_an_ignored_one_stays_ignored_whatever_it_does(dc: Datacenter) -> None:
    row = stranger(dc)
    ignore(row.domain_uuid, None)
    dc.fleet.power_off("one", row.domain_uuid)
    look()
    assert Stranger.objects.get().ignored


def test_an_ignored_one_that_somebody_moves_is_ignored_there_as_well(dc: Datacenter) -> None:
    row = stranger(dc)
    berta = get_user_model().objects.create_user("berta")
    ignore(row.domain_uuid, berta)
    Stranger.objects.all().delete()  # its host shows it no more
    look()
    again = Stranger.objects.get()
    assert (again.pk != row.pk, again.ignored, again.ignored_by) == (True, True, berta)


def test_one_that_is_heeded_again_is_no_longer_ignored_anywhere(dc: Datacenter) -> None:
    row = stranger(dc)
    ignore(row.domain_uuid, None)
    heed(row.domain_uuid)
    Stranger.objects.all().delete()
    look()
    assert not Stranger.objects.get().ignored


def test_one_that_was_ignored_and_is_adopted_after_all_is_ignored_no_more(dc: Datacenter) -> None:
    row = stranger(dc)
    ignore(row.domain_uuid, None)
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="legacy")))
    assert not IgnoredDomain.objects.exists()


@pytest.mark.parametrize("active", [True, False])
def test_a_definition_under_another_name_is_replaced_when_the_domain_is_off(dc: Datacenter, active: bool) -> None:
    """As libvirt has it: a domain that is alive keeps its name."""
    row = stranger(dc)
    spec = replace(codec.load_domain(dc.world()["domain"][0]["spec"]), title="new")
    if not active:
        dc.fleet.power_off("one", row.domain_uuid)
    hypervisor(Host.objects.get(name="one")).define_domain(spec)
    assert [info.name for _, info in dc.fleet.domains()] == ["legacy" if active else row.domain_uuid]
