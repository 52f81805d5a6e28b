"""A hostname belongs to one VM of its default L3 network; DNS does not care about case (semantics §6.2)."""

import pytest

from console.errors import InvalidArgument
from hosts.hypervisor.errors import HypervisorError
from tests.support.datacenter import Datacenter, all_rows, differences
from vms.services import create_vm, preview_create


def hostname(text: str) -> dict[str, tuple[str, ...]]:
    return {"system_tags": (f"hostname::{text}",)}


@pytest.mark.parametrize("text", ["web-1", "WEB-1", "Web-1"])
def test_taken_whatever_its_case(dc: Datacenter, text: str) -> None:
    first = dc.create(name="first", **hostname("web-1"))
    before = all_rows()
    with pytest.raises(InvalidArgument) as refused:
        create_vm(dc.request(**hostname(text)))
    assert refused.value.field == "systemTags"
    assert refused.value.details == (
        f"Hostname {text} is taken on network web by VM first ({first.uuid}, {first.nics.get().ip})"
    )
    assert differences(before, all_rows()) == {}


def test_taken_on_the_network_that_is_the_default_by_itself(dc: Datacenter) -> None:
    dc.accept(name="first", default_l3_network_uuid=None, **hostname("web-1"))
    with pytest.raises(InvalidArgument, match="web-1 is taken on network web by VM first"):
        create_vm(dc.request(default_l3_network_uuid=None, **hostname("web-1")))


def test_taken_by_a_vm_that_has_a_second_nic_there(dc: Datacenter) -> None:
    dc.accept("database", "web", name="first", **hostname("web-1"))
    with pytest.raises(InvalidArgument, match="taken on network web by VM first"):
        create_vm(dc.request("web", **hostname("web-1")))


def test_free_on_another_default_network(dc: Datacenter) -> None:
    dc.accept("web", name="first", **hostname("web-1"))
    assert dc.accept("database", "web", name="second", **hostname("web-1"))


def test_a_hostname_that_only_begins_alike_is_another(dc: Datacenter) -> None:
    dc.accept(name="first", **hostname("web-10"))
    assert dc.accept(**hostname("web-1"))


def test_wildcards_of_sql_mean_nothing(dc: Datacenter) -> None:
    dc.accept(name="first", **hostname("web-1"))
    with pytest.raises(InvalidArgument, match="letters, digits and inner hyphens"):
        create_vm(dc.request(**hostname("web_1")))


def test_free_again_when_the_creation_was_undone(dc: Datacenter) -> None:
    dc.fleet.fault(call="start_domain", error=HypervisorError, times=1)
    dc.run(dc.accept(name="first", **hostname("web-1")))
    assert dc.create(**hostname("web-1")).name == "vm"


def test_a_preview_refuses_it_too(dc: Datacenter) -> None:
    dc.accept(name="first", **hostname("web-1"))
    with pytest.raises(InvalidArgument, match="is taken"):
        preview_create(dc.request(**hostname("web-1")))
