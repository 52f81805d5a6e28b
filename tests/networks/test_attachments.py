"""Networks attached and taken away, ranges and DNS: what hosts carry afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from console import cascade
from console.errors import InvalidArgument, Refusal
from console.models import Status
from hosts.models import Cluster
from networks import attachments, services
from networks.models import IpRange, L2Network, L3Network
from tests.factories import make_complete_vm, make_host, make_ip_range, make_l2, make_l3
from tests.support.datacenter import Datacenter, datacenter
from vms.states import VmState


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter("one") as made:
        yield made


def carried(dc: Datacenter) -> set[str]:
    return {row["uuid"] for row in dc.world()["network"]}


def run_all(dc: Datacenter, operations: Any) -> None:
    for operation in operations:
        assert dc.run(operation).status == Status.SUCCEEDED, operation.reload().error


def test_an_attached_network_with_addresses_is_made_on_the_hosts(dc: Datacenter) -> None:
    cluster = Cluster.objects.get()
    l2 = services.create_l2(name="new", zone=cluster.zone, physical_interface="eth7")
    l3 = services.create_l3(name="new", l2=l2)
    run_all(dc, attachments.attach_l2(uuid=l2.pk, cluster_uuid=cluster.pk))
    assert l3.pk not in carried(dc)  # nothing to be a gateway with
    row, operations = attachments.add_range(l3_uuid=l3.pk, values={"name": "r", "cidr": "10.99.0.0/24"})
    run_all(dc, operations)
    assert l3.pk in carried(dc)
    assert (row.gateway, row.start_ip, row.end_ip) == ("10.99.0.1", "10.99.0.2", "10.99.0.254")


def test_more_addresses_of_a_carried_network_ask_nothing_of_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    IpRange.objects.filter(l3_network=l3).update(end_ip="10.10.1.100")
    given = {
        "name": "r",
        "start_ip": "10.10.1.150",
        "end_ip": "10.10.1.200",
        "netmask": "255.255.255.0",
        "gateway": "10.10.1.1",
    }
    _, operations = attachments.add_range(l3_uuid=l3.pk, values=given)
    assert operations == []


def test_a_detached_network_goes_from_the_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    run_all(dc, attachments.detach_l2(uuid=l3.l2_network_id, cluster_uuid=Cluster.objects.get().pk))
    assert l3.pk not in carried(dc)


def test_a_network_that_running_vms_use_stays_attached(dc: Datacenter) -> None:
    dc.create(name="user")
    with pytest.raises(Refusal, match="user"):
        attachments.detach_l2(
            uuid=L3Network.objects.get(name="web").l2_network_id, cluster_uuid=Cluster.objects.get().pk
        )


@pytest.mark.django_db
def test_a_network_of_vms_that_migrate_into_the_cluster_stays_attached() -> None:
    target = make_host()
    l2 = make_l2([target.cluster])
    make_complete_vm(name="comer", l3_network=make_l3(l2_network=l2), state=VmState.MIGRATING, target_host=target)
    with pytest.raises(Refusal, match="comer"):
        attachments.detach_l2(uuid=l2.pk, cluster_uuid=target.cluster_id)


def test_a_deleted_l2_takes_its_l3_and_ranges_from_records_and_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    run_all(dc, cascade.delete(l3.l2_network))
    assert l3.pk not in carried(dc)
    assert not L2Network.objects.filter(pk=l3.l2_network_id).exists()
    assert not L3Network.objects.filter(pk=l3.pk).exists()
    assert not IpRange.objects.filter(l3_network=l3.pk).exists()


def test_the_last_range_takes_the_network_from_the_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    run_all(dc, cascade.delete(l3.ip_ranges.get()))
    assert l3.pk not in carried(dc)
    assert L3Network.objects.filter(pk=l3.pk).exists()


def test_new_dns_reaches_the_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    run_all(dc, attachments.update_l3(uuid=l3.pk, name="web", dns=["9.9.9.9"], dns_domain="other.example"))
    [row] = [row for row in dc.world()["network"] if row["uuid"] == l3.pk]
    assert "other.example" in str(row)


def test_a_new_name_alone_asks_nothing_of_hosts(dc: Datacenter) -> None:
    l3 = L3Network.objects.get(name="web")
    assert attachments.update_l3(uuid=l3.pk, name="renamed", dns=l3.dns, dns_domain=l3.dns_domain) == []


@pytest.mark.django_db
def test_a_range_with_running_guests_is_not_deleted_at_once(dc: Datacenter) -> None:
    dc.create(name="resident")
    with pytest.raises(Refusal, match=r"stopped first.*resident"):
        cascade.delete(IpRange.objects.get(l3_network__name="web"))


@pytest.mark.django_db
def test_a_deleted_range_leaves_stopped_guests_addresses_of_no_range() -> None:
    ip_range = make_ip_range()
    vm = make_complete_vm(name="resident", l3_network=ip_range.l3_network, state=VmState.STOPPED, host=None)
    cascade.delete(ip_range)
    assert vm.nics.get().used_ip.ip_range is None


@pytest.mark.django_db
def test_a_cidr_that_is_none_is_told_at_its_field() -> None:
    with pytest.raises(InvalidArgument) as refused:
        attachments.add_range(l3_uuid=make_l3().pk, values={"name": "r", "cidr": "10.0.0.0/31"})
    assert refused.value.field == "networkCidr"


@pytest.mark.django_db
def test_a_dns_server_is_an_address() -> None:
    with pytest.raises(InvalidArgument) as refused:
        attachments.update_l3(uuid=make_l3().pk, name="n", dns=["one.one"])
    assert refused.value.field == "dns"


@pytest.mark.django_db
def test_networks_of_another_zone_do_not_attach() -> None:
    l2, other = make_l2(), make_l2()
    cluster = Cluster.objects.create(name="c", zone=other.zone)
    with pytest.raises(InvalidArgument, match="different zones"):
        attachments.attach_l2(uuid=l2.pk, cluster_uuid=cluster.pk)
