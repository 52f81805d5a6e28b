"""Everything that holds VMs leads to the list of just these."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.support.pages import query_count, text_of, visitor
from tests.support.showcase import Showcase
from vms.models import VmInstance, Volume

pytestmark = pytest.mark.django_db

#: parameter of the list: the page that leads there, and what of a VM it is about
HOLDERS: dict[str, tuple[str, Callable[[VmInstance], Any]]] = {
    "zone": ("/zones/{0}/", lambda vm: vm.zone),
    "cluster": ("/clusters/{0}/", lambda vm: vm.cluster),
    "host": ("/hosts/{0}/", lambda vm: vm.host),
    "storage": ("/primary-storages/{0}/", lambda vm: vm.root_volume.primary_storage),
    "image": ("/images/{0}/", lambda vm: vm.image),
    "offering": ("/offerings/instances/{0}/", lambda vm: vm.instance_offering),
    "l2_network": ("/networks/l2/{0}/", lambda vm: vm.nics.first().l3_network.l2_network),
    "l3_network": ("/networks/l3/{0}/", lambda vm: vm.nics.first().l3_network),
    "ip_range": ("/networks/l3/{1}/", lambda vm: vm.nics.first().used_ip.ip_range),
}
#: those that the list has a chip for; the others are choices of its form
CHIPS = sorted(set(HOLDERS) - {"host", "cluster", "image"})


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def vm() -> VmInstance:
    """It hangs on its networks and its storage by two things each; others have nothing to do with what it hangs on."""
    show = Showcase()
    host = show.host("node-1")
    vm = show.vm("mine", host, nics=2)
    Volume.objects.create(name="data", vm=vm, type="Data", size=1, device_id=1, primary_storage=show.storage)
    show.vm("mine-too", host)
    show.vm("gone", host, "Destroyed")
    factories.make_complete_vm(name="other")
    return vm


def address(vm: VmInstance, parameter: str) -> str:
    return f"/vms/?{parameter}={HOLDERS[parameter][1](vm).pk}"


@pytest.mark.parametrize("parameter", HOLDERS)
def test_its_page_counts_them_and_leads_to_just_these(client: Client, vm: VmInstance, parameter: str) -> None:
    page, holder = HOLDERS[parameter]
    body = text_of(client.get(page.format(holder(vm).pk, vm.nics.all()[0].l3_network_id)))
    link = re.escape(address(vm, parameter))
    assert re.search(f'<a (class="push" )?href="{link}">(2|View all)</a>', body)
    assert {one.name for one in client.get(address(vm, parameter)).context["page"]} == {"mine", "mine-too"}


@pytest.mark.parametrize("parameter", CHIPS)
def test_the_list_says_what_it_is_narrowed_to_and_lets_it_go(client: Client, vm: VmInstance, parameter: str) -> None:
    (scope,) = client.get(f"{address(vm, parameter)}&state=Running&page=2").context["scopes"]
    assert scope.label.endswith(f": {HOLDERS[parameter][1](vm)}")
    assert scope.url == "?state=Running"


@pytest.mark.parametrize("parameter", CHIPS)
def test_the_form_of_the_list_keeps_it(client: Client, vm: VmInstance, parameter: str) -> None:
    value = HOLDERS[parameter][1](vm).pk
    assert f'<input type="hidden" name="{parameter}" value="{value}">' in text_of(client.get(address(vm, parameter)))


@pytest.mark.parametrize("parameter", CHIPS)
def test_what_is_counted_beside_the_filters_is_counted_once(client: Client, vm: VmInstance, parameter: str) -> None:
    context = client.get(address(vm, parameter)).context
    assert {facet.face.label: facet.count for facet in context["facets"]}["Running"] == 2
    assert {choice["name"]: choice["options"][0][2] for choice in context["choices"]}["cluster"] == 2


@pytest.mark.parametrize("parameter", CHIPS)
def test_narrowing_costs_one_statement_for_the_name(client: Client, vm: VmInstance, parameter: str) -> None:
    assert query_count(client, address(vm, parameter)) == query_count(client, "/vms/?sort=name") + 1
