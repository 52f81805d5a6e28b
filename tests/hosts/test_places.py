"""Zones, clusters and storage: made, attached, taken away, and what their hosts get and lose."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from console import cascade
from console.errors import Busy, InvalidArgument, Refusal
from console.models import Operation, ResourceLock, Status
from hosts import places, storages
from hosts.models import Cluster, Host, HostStatus, Leftover, PrimaryStorage, Zone
from hosts.realise import LEAVE, REALISE
from hosts.services import reconnect_host
from tests.factories import (
    make_cluster,
    make_complete_vm,
    make_host,
    make_image_store,
    make_operation,
    make_storage,
    make_zone,
)
from tests.support.datacenter import Datacenter, datacenter
from vms.states import VmState


@pytest.fixture
def furnished(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter() as made:
        yield made


def networks_of(dc: Datacenter, host: str = "one") -> set[str]:
    return {row["uuid"] for row in dc.world()["network"] if row["host"] == host}


def pools_of(dc: Datacenter, host: str = "one") -> set[str]:
    return {row["name"] for row in dc.world()["pool"] if row["host"] == host}


def run_all(dc: Datacenter, operations: Any) -> None:
    for operation in operations:
        assert dc.run(operation).status == Status.SUCCEEDED, operation.reload().error


@pytest.mark.django_db
class TestNewPlaces:
    def test_a_cluster_stands_in_a_zone_that_exists(self) -> None:
        with pytest.raises(Refusal) as refused:
            places.create_cluster(name="c", zone_uuid="0" * 32)
        assert refused.value.field == "zoneUuid"

    def test_names_follow_the_rule(self) -> None:
        with pytest.raises(InvalidArgument) as refused:
            places.create_zone(name=" padded")
        assert refused.value.field == "name"

    @pytest.mark.parametrize("path", ["srv/corral", "/", "/etc/corral", "/srv/../etc", "/proc", ""])
    def test_disks_are_kept_in_a_folder_of_their_own(self, path: str) -> None:
        with pytest.raises(InvalidArgument) as refused:
            storages.create_primary_storage(name="s", zone_uuid=make_zone().pk, url=path)
        assert refused.value.field == "url"

    def test_one_folder_is_one_storage_of_a_zone(self) -> None:
        zone = make_zone()
        storages.create_primary_storage(name="a", zone_uuid=zone.pk, url="/srv/a")
        with pytest.raises(InvalidArgument, match="is /srv/a already"):
            storages.create_primary_storage(name="b", zone_uuid=zone.pk, url="/srv/a/")

    def test_an_image_store_makes_its_folder(self, tmp_path: Path) -> None:
        storages.create_image_store(name="i", url=str(tmp_path / "new"))
        assert (tmp_path / "new").is_dir()

    def test_only_siblings_attach(self) -> None:
        with pytest.raises(InvalidArgument, match="different zones"):
            storages.attach_primary_storage(uuid=make_storage().pk, cluster_uuid=make_cluster().pk)

    def test_a_disabled_store_stays_disabled_when_disabled_again(self) -> None:
        store = make_image_store()
        for _ in range(2):
            storages.change_image_store_state(uuid=store.pk, event="disable")
        assert store.reload().state == "Disabled"


class TestOnHosts:
    def test_an_attached_storage_is_made_on_every_connected_host(self, furnished: Datacenter) -> None:
        cluster = Cluster.objects.get()
        furnished.fleet.share("/srv/second")
        storage = storages.create_primary_storage(name="second", zone_uuid=cluster.zone_id, url="/srv/second")
        operations = storages.attach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk)
        assert {operation.subject_name for operation in operations} == {"one", "two"}
        run_all(furnished, operations)
        assert storage.pk in pools_of(furnished) & pools_of(furnished, "two")
        assert storage.reload().status == HostStatus.CONNECTED

    def test_a_detached_storage_is_removed_from_the_hosts(self, furnished: Datacenter) -> None:
        storage, cluster = PrimaryStorage.objects.get(), Cluster.objects.get()
        assert storage.pk in pools_of(furnished)
        run_all(furnished, storages.detach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk))
        assert pools_of(furnished) | pools_of(furnished, "two") == set()
        assert not Leftover.objects.exists()

    def test_a_storage_that_running_vms_need_stays_attached(self, furnished: Datacenter) -> None:
        furnished.create(name="needs-it")
        with pytest.raises(Refusal, match="needs-it"):
            storages.detach_primary_storage(uuid=PrimaryStorage.objects.get().pk, cluster_uuid=Cluster.objects.get().pk)

    @pytest.mark.django_db
    def test_a_storage_of_vms_that_migrate_into_the_cluster_stays_attached(self) -> None:
        target = make_host()
        storage = make_storage([target.cluster])
        make_complete_vm(name="comer", primary_storage=storage, state=VmState.MIGRATING, target_host=target)
        with pytest.raises(Refusal, match="comer"):
            storages.detach_primary_storage(uuid=storage.pk, cluster_uuid=target.cluster_id)

    def test_a_host_that_is_away_is_cleaned_when_it_comes_back(self, furnished: Datacenter) -> None:
        storage, cluster = PrimaryStorage.objects.get(), Cluster.objects.get()
        Host.objects.filter(name="one").update(status=HostStatus.DISCONNECTED)
        operations = storages.detach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk)
        run_all(furnished, operations)
        assert storage.pk in pools_of(furnished)
        run_all(furnished, [reconnect_host(uuid=Host.objects.get(name="one").pk)])
        assert pools_of(furnished) == set()

    def test_what_is_attached_again_is_no_leftover(self, furnished: Datacenter) -> None:
        storage, cluster = PrimaryStorage.objects.get(), Cluster.objects.get()
        first = storages.detach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk)
        second = storages.attach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk)
        run_all(furnished, [*first, *second])
        assert storage.pk in pools_of(furnished)

    def test_a_deleted_host_is_left_clean(self, furnished: Datacenter) -> None:
        assert networks_of(furnished)
        [operation] = cascade.delete(Host.objects.get(name="one"))
        assert operation.kind == LEAVE
        run_all(furnished, [operation])
        assert networks_of(furnished) | pools_of(furnished) == set()
        assert networks_of(furnished, "two")

    def test_a_deleted_zone_takes_everything_without_guests(self, furnished: Datacenter) -> None:
        run_all(furnished, cascade.delete(Zone.objects.get()))
        for model in (Zone, Cluster, Host, PrimaryStorage):
            assert not model.objects.exists()
        assert furnished.world()["network"] == furnished.world()["pool"] == []

    def test_a_zone_with_guests_is_not_deleted_at_once(self, furnished: Datacenter) -> None:
        furnished.create(name="inhabitant")
        before = furnished.everything()
        with pytest.raises(Refusal, match=r"destroyed first.*inhabitant"):
            cascade.delete(Zone.objects.get())
        assert furnished.changes(before) == {}

    def test_operations_on_hosts_are_of_one_kind(self, furnished: Datacenter) -> None:
        storage, cluster = PrimaryStorage.objects.get(), Cluster.objects.get()
        storages.detach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk)
        assert set(Operation.objects.open().values_list("kind", flat=True)) == {REALISE}


@pytest.mark.django_db
def test_nothing_is_deleted_while_an_operation_works_on_it() -> None:
    host = make_host()
    ResourceLock.objects.create(resource_uuid=host.pk, operation=make_operation(title="Reconnect host"))
    with pytest.raises(Busy, match="Reconnect host"):
        cascade.delete(host.cluster.zone)
    assert Zone.objects.exists()


@pytest.mark.django_db
def test_deleting_twice_is_deleting_once() -> None:
    zone = make_zone()
    cascade.delete(zone)
    assert cascade.delete(zone) == []
