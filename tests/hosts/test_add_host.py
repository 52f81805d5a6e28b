"""The add-host wizard: tested first, added after, and every error where it belongs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from console.errors import InvalidArgument
from console.models import Operation, Status, Tag, TagType
from hosts.flows.probe import probe_host
from hosts.hypervisor.errors import HostUnreachable
from hosts.models import Cluster, Host
from tests.support.datacenter import Datacenter, datacenter
from tests.support.pages import text_of, visitor


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter("one") as made:
        made.fleet.add_host("three")
        made.fleet.share("/srv/shared")
        yield made


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


def given(**values: Any) -> dict[str, Any]:
    form = {"name": "three", "cluster": Cluster.objects.get().pk, "address": "three", "transport": "uri"}
    return {**form, "uri": "sim://three", **values}


def test_a_host_is_tested_and_then_added(dc: Datacenter, boss: Client) -> None:
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    assert dc.run(Operation.objects.get(kind="host.probe")).status == Status.SUCCEEDED
    body = text_of(boss.get(page))
    for part in ("Add this host", "libvirt", "QEMU", "GiB", 'value="three"'):
        assert part in body
    assert not Host.objects.filter(name="three").exists()
    added = boss.post(page, given(tags="rack-3, reservedMemory::1G"))
    host = Host.objects.get(name="three")
    assert added.headers["Location"] == f"/hosts/{host.pk}/"
    assert dc.run(Operation.objects.get(kind="host.add", subject_uuid=host.pk)).status == Status.SUCCEEDED
    tags = Tag.objects.filter(resource_uuid=host.pk, inherent=False).values_list("type", "tag")
    assert set(tags) == {(TagType.USER, "rack-3"), (TagType.SYSTEM, "reservedMemory::1G")}


def shown(dc: Datacenter, boss: Client, **changes: Any) -> str:
    """The page of a test of host three, with these attributes."""
    dc.fleet.set_host("three", **changes)
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    dc.run(Operation.objects.get(kind="host.probe"))
    return text_of(boss.get(page))


SET_UP = 'data-copy=".venv/bin/python manage.py host-setup | ssh root@three sh"'
BRING = 'data-copy="ssh root@three apt-get install --yes nftables"'


def test_a_machine_that_is_not_set_up_comes_with_the_command_to_copy(dc: Datacenter, boss: Client) -> None:
    body = shown(dc, boss, prepared=None, os=None)
    assert "The machine is not set up for Corral." in body
    assert SET_UP in body
    assert "apt-get" not in body


def test_a_machine_that_lacks_a_program_says_which_and_how_it_gets_it(dc: Datacenter, boss: Client) -> None:
    body = shown(dc, boss, prepared=None)
    assert "The machine lacks nftables" in body
    assert BRING in body
    assert SET_UP in body


def test_a_machine_that_is_set_up_is_told_nothing_of_it(dc: Datacenter, boss: Client) -> None:
    assert "host-setup" not in shown(dc, boss)


def test_adding_twice_is_adding_once(dc: Datacenter, boss: Client) -> None:
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    dc.run(Operation.objects.get(kind="host.probe"))
    answers = {boss.post(page, given()).headers["Location"] for _ in range(2)}
    assert len(answers) == 1
    assert Host.objects.filter(name="three").count() == 1


def test_a_session_that_is_new_sees_what_was_tested(dc: Datacenter, boss: Client) -> None:
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    dc.run(Operation.objects.get(kind="host.probe"))
    form = visitor("other", is_superuser=True).get(page).context["form"]
    assert [form[name].value() for name in ("name", "address", "transport", "uri")] == [
        "three", "three", "uri", "sim://three",
    ]  # fmt: skip


def test_a_test_changes_nothing(dc: Datacenter) -> None:
    before = dc.everything()
    dc.run(probe_host(name="three", management_ip="three", uri="sim://three"))
    assert dc.changes(before) == {}


def test_another_address_than_the_tested_one_is_not_added(dc: Datacenter, boss: Client) -> None:
    dc.fleet.add_host("four")
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    dc.run(Operation.objects.get(kind="host.probe"))
    answer = boss.post(page, given(address="four", uri="sim://four"))
    assert "Test the connection first" in text_of(answer)
    assert not Host.objects.filter(uri="sim://four").exists()


def test_nothing_is_added_without_a_test(dc: Datacenter, boss: Client) -> None:
    assert "Test the connection first" in text_of(boss.post("/hosts/create/", given()))


def test_a_host_that_does_not_answer_comes_with_what_to_look_at(dc: Datacenter, boss: Client) -> None:
    dc.fleet.fault(call="ping", error=HostUnreachable("three cannot be reached."))
    page = boss.post("/hosts/create/", {**given(), "test": "1"}).headers["Location"]
    assert dc.run(Operation.objects.get(kind="host.probe")).status == Status.FAILED
    body = text_of(boss.get(page))
    assert "cannot be reached" in body
    assert "Add this host" not in body


def test_the_same_machine_under_another_address_is_recognised(dc: Datacenter) -> None:
    one = Host.objects.get(name="one")
    Host.objects.filter(pk=one.pk).update(uri="sim://elsewhere", management_ip="elsewhere")
    operation = dc.run(probe_host(name="x", management_ip="one", uri="sim://one"))
    assert "same machine as host one" in operation.error["details"]


@pytest.mark.usefixtures("dc")
@pytest.mark.parametrize(("change", "field"), [({"cluster": "", "uri": ""}, "cluster"), ({"uri": ""}, "uri")])
def test_the_form_opens_at_the_first_wrong_field(boss: Client, change: dict[str, str], field: str) -> None:
    form = boss.post("/hosts/create/", {**given(**change), "test": "1"}).context["form"]
    assert [name for name in form.fields if "autofocus" in form.fields[name].widget.attrs] == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"cluster": ""}, "cluster"),
        ({"cluster": "0" * 32}, "cluster"),
        ({"address": ""}, "address"),
        ({"address": "-bad-"}, "address"),
        ({"address": "one"}, "address"),
        ({"uri": ""}, "uri"),
        ({"uri": "qemu:///system"}, "uri"),
        ({"uri": "qemu+ext://h/system?command=/bin/sh"}, "uri"),
        ({"transport": "pigeon"}, "transport"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    dc: Datacenter, boss: Client, change: dict[str, str], field: str
) -> None:
    typed = {**given(description="typed with care"), **change}
    answer = boss.post("/hosts/create/", {**typed, "test": "1"})
    assert list(answer.context["form"].errors) == [field]
    body = text_of(answer)
    assert "typed with care" in body
    assert re.search(rf'id="id_{field}_error"', body)
    assert not Operation.objects.filter(kind="host.probe").exists()


@pytest.mark.parametrize(
    ("values", "uri"),
    [
        ({"transport": "tls"}, "qemu+tls://h/system"),
        ({"transport": "ssh", "user": "corral"}, "qemu+ssh://corral@h/system"),
        ({"transport": "tcp", "user": "ignored"}, "qemu+tcp://h/system"),
    ],
)
def test_the_way_makes_the_uri(dc: Datacenter, boss: Client, values: dict[str, str], uri: str) -> None:
    boss.post("/hosts/create/", {**given(address="h", uri="", **values), "test": "1"})
    assert Operation.objects.get(kind="host.probe").arguments["uri"] == uri


@pytest.mark.django_db
def test_a_console_without_clusters_leads_to_the_first_one(boss: Client) -> None:
    assert 'href="/clusters/create/"' in text_of(boss.get("/hosts/create/"))


@pytest.mark.django_db
def test_only_remote_transports_are_tried() -> None:
    with pytest.raises(InvalidArgument):
        probe_host(name="x", management_ip="h", uri="qemu+unix:///system")
