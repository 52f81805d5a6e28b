"""Every global configuration has a test that shows what changing it changes."""

import ast
from pathlib import Path

import pytest

from console.globalconfig import definitions

TESTS = Path(__file__).parent

#: category.name -> file and name of the test
SHOWN_BY = {
    "api.requestsPerMinute": "console/test_api_http.py::test_a_higher_limit_holds_at_once",
    "backupStorage.reservedCapacity": "vms/test_images.py::test_nothing_larger_than_the_room_is_fetched",
    "host.connection.autoReconnectOnError": "hosts/test_health.py::test_it_comes_back_only_by_hand_when_so_configured",
    "host.cpu.overProvisioning.ratio": "vms/test_create_nohost.py::test_raised_overprovisioning_makes_room",
    "host.maintenanceMode.ignoreError": (
        "vms/test_maintain.py::test_what_cannot_leave_stays_and_the_host_is_in_maintenance_all_the_same"
    ),
    "host.operation.parallelismDegree": (
        "console/test_operations_claim.py::test_the_limit_is_a_configuration_that_holds_at_once"
    ),
    "host.ping.interval": "hosts/test_health.py::test_a_shorter_interval_holds_at_once",
    "host.ping.maxFailure": "hosts/test_health.py::test_the_number_of_looks_is_a_setting",
    "host.ping.parallelismDegree": "hosts/test_health.py::test_so_many_hosts_are_looked_at_at_a_time",
    "host.ping.sleepPeriodAfterFailure": "hosts/test_health.py::test_how_soon_it_comes_is_a_setting",
    "host.ping.timeout": "hosts/test_health.py::test_a_host_has_as_long_for_an_answer_as_is_set",
    "hostAllocator.migration.differentOs": (
        "vms/test_life_migrate.py::test_another_release_is_allowed_by_a_setting_and_nothing_else_that_differs"
    ),
    **{
        f"hostAllocator.reservedCapacity.{level}Level": (
            "vms/test_create_placement.py::test_a_level_that_is_switched_off_does_not_count"
        )
        for level in ("zone", "cluster", "host")
    },
    "identity.session.timeout": "console/test_sessions.py::test_how_long_it_lasts_is_a_setting",
    "kvm.dataVolume.maxNum": "vms/test_volumes.py::test_a_full_vm_is_refused_with_the_number",
    "kvm.migrate.autoConverge": "vms/test_life_migrate.py::test_how_it_moves_is_a_setting",
    "kvm.migrate.xbzrle": "vms/test_life_migrate.py::test_how_it_moves_is_a_setting",
    "kvm.migration.stallSeconds": "vms/test_life_migrate.py::test_how_long_one_may_come_no_nearer_is_a_setting",
    "kvm.reservedCpu": "vms/test_create_nohost.py::test_cpus_kept_back_by_the_setting_are_not_given_out",
    "kvm.reservedMemory": "hosts/test_room.py::test_without_tags_it_is_less_the_setting",
    **dict.fromkeys(
        (
            "kvm.vm.cacheMode",
            "kvm.vm.consoleMode",
            "kvm.vm.cpuMode",
            "vm.emulateHyperV",
            "vm.kvmHiddenState",
            "vm.videoType",
        ),
        "vms/test_hardware.py::test_what_is_set_holds_from_the_next_start_on",
    ),
    "kvm.vm.migrationQuantity": "vms/test_maintain.py::test_the_parallel_degree_is_a_setting",
    "primaryStorage.imageCache.garbageCollector.interval": (
        "vms/test_images.py::test_a_copy_goes_after_the_last_volume_that_was_based_on_it_once_in_each_interval"
    ),
    "primaryStorage.reservedCapacity": "vms/test_create_placement.py::test_how_much_room_a_storage_keeps_is_a_setting",
    "recovery.lookInterval": "vms/test_recovery_routine.py::test_how_long_an_interval_is_is_a_setting",
    "vm.dataVolume.deleteOnVmDestroy": "vms/test_life_destroy.py::test_data_volumes_go_with_it_where_so_configured",
    "vm.expungePeriod": "vms/test_life_destroy.py::test_how_long_a_record_stays_is_a_setting",
    "vm.instanceOffering.setNullWhenDeleting": (
        "vms/test_kept_offerings.py::test_they_keep_its_uuid_where_so_configured"
    ),
    "vm.nicMultiQueueNum": ("vms/test_hardware.py::test_a_nic_has_so_many_queues_and_no_more_than_the_guest_has_cpus"),
    "vm.stop.gracePeriod": "vms/test_life_stop_start.py::test_how_long_a_guest_may_take_is_a_setting",
    "volume.diskOffering.setNullWhenDeleting": (
        "vms/test_kept_offerings.py::test_they_keep_its_uuid_where_so_configured"
    ),
}


def test_every_configuration_names_the_test_that_shows_it() -> None:
    assert set(SHOWN_BY) == {".".join(config.key) for config in definitions()}


@pytest.mark.parametrize("test", sorted(set(SHOWN_BY.values())))
def test_the_test_exists(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((TESTS / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
