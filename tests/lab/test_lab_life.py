"""A lab comes up, grows, is found again, lives beside another, and goes without a trace."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.lab import Lab, LabError, LabHost, LabUnavailable
from hosts.lab.processes import daemon_of
from hosts.lab.requirements import require_packages
from tests.lab.lab_support import lab_named, left_on_box, slot_of, virsh

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_named("life") as made:
        made.up(hosts=3)
        yield made


@pytest.fixture
def hosts(lab: Lab) -> list[LabHost]:
    return lab.hosts()


def _daemons(hosts: list[LabHost]) -> list[tuple[int, int]]:
    return [(daemon.pid, daemon.started) for daemon in map(daemon_of, hosts) if daemon]


def test_each_host_answers_at_its_address_under_its_own_name(hosts: list[LabHost]) -> None:
    assert [virsh(host, "hostname") for host in hosts] == ["host1", "host2", "host3"]


def test_each_host_has_a_host_uuid_of_its_own(hosts: list[LabHost]) -> None:
    uuids = {virsh(host, "capabilities").partition("<uuid>")[2].partition("<")[0] for host in hosts}
    assert len(uuids) == 3


def test_libvirtd_listens_at_the_address_of_its_host_only(hosts: list[LabHost]) -> None:
    listening = subprocess.run(
        ["ip", "netns", "exec", hosts[0].namespace, "ss", "-Hltn"], capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[3] for line in listening.splitlines()] == [f"{hosts[0].address}:16509"]


def test_each_host_has_its_cables(hosts: list[LabHost]) -> None:
    links = subprocess.run(
        ["ip", "-n", hosts[1].namespace, "-json", "link"], capture_output=True, text=True, check=True
    ).stdout
    up = {link["ifname"] for link in json.loads(links) if link["operstate"] == "UP"}
    assert up == {"eth0", "eth1", "eth1.100"}


def test_the_facts_of_a_host_lie_in_its_corral_pool(hosts: list[LabHost], tmp_path: Path) -> None:
    virsh(hosts[2], "vol-download", "facts.json", str(tmp_path / "facts.json"), "--pool", "corral")
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["hostname"] == "host3"
    assert facts["prepared"] == 1
    assert facts["memory_total"] > 1 << 28
    assert set(facts["os"]) == {"distribution", "release", "version"}


def test_the_third_host_runs_another_operating_system(lab: Lab) -> None:
    first, second, third = [status.os for status in lab.status()]
    assert first == second != third


def test_a_host_sees_its_own_operating_system_and_the_facts_agree(hosts: list[LabHost]) -> None:
    daemon = daemon_of(hosts[2])
    assert daemon is not None
    seen = Path(f"/proc/{daemon.pid}/root/usr/lib/os-release").read_text()
    facts = json.loads(hosts[2].inside("/var/lib/corral/facts.json").read_text())
    assert f'VERSION_ID="{facts["os"]["version"]}"' in seen


def test_the_shared_folder_is_the_same_on_every_host_and_var_lib_libvirt_is_not(hosts: list[LabHost]) -> None:
    for host in hosts[:2]:
        virsh(host, "pool-create-as", "shared", "dir", "--target", host.pool_path)
        virsh(host, "pool-create-as", "own", "dir", "--target", "/var/lib/libvirt/images")
    virsh(hosts[0], "vol-create-as", "shared", "both", "1M")
    virsh(hosts[0], "vol-create-as", "own", "one", "1M")
    for pool in ("shared", "own"):
        virsh(hosts[1], "pool-refresh", pool)
    assert "both" in virsh(hosts[1], "vol-list", "shared")
    assert "one" not in virsh(hosts[1], "vol-list", "own")


def test_up_again_changes_nothing(lab: Lab, hosts: list[LabHost]) -> None:
    before = _daemons(hosts)
    assert len(before) == 3
    assert lab.up(hosts=2) == hosts
    assert _daemons(hosts) == before


def test_another_process_finds_the_lab_by_its_folder(lab: Lab, hosts: list[LabHost]) -> None:
    assert Lab(folder=lab.folder).hosts() == hosts


def test_a_second_lab_lives_beside_the_first_and_leaves_it_alone(lab: Lab, hosts: list[LabHost]) -> None:
    with lab_named("beside") as other:
        (beside,) = other.up(hosts=1)
        slot = slot_of(beside)
        assert slot != slot_of(hosts[0])
        assert virsh(beside, "hostname") == "host1"
        other.down()
        assert left_on_box(other, slot) == []
    assert [status.reachable for status in lab.status()] == [True, True, True]


def test_a_lab_grows_gets_another_system_on_request_and_goes_without_a_trace() -> None:
    with lab_named("grown") as lab:
        (first,) = lab.up(hosts=1)
        assert lab.up(hosts=2, odd_os=True)[0] == first
        one, two = [status.os for status in lab.status()]
        assert one != two
        assert left_on_box(lab, slot_of(first)) != []
        (lab.folder / "notes").write_text("somebody's")
        lab.down()
        assert [entry.name for entry in lab.folder.iterdir()] == ["notes"]
        shutil.rmtree(lab.folder)
        assert left_on_box(lab, slot_of(first)) == []
        assert lab.status() == []


def test_up_heals_a_lab_whose_folder_was_deleted_under_it() -> None:
    with lab_named("deleted") as lab:
        (host,) = lab.up(hosts=1)
        shutil.rmtree(lab.folder)
        assert lab.up(hosts=1) == [host]
        assert virsh(host, "vol-list", "corral").startswith("facts.json")


def test_down_of_a_lab_whose_folder_was_deleted_leaves_nothing() -> None:
    with lab_named("deleted") as lab:
        (host,) = lab.up(hosts=1)
        shutil.rmtree(lab.folder)
        lab.down()
        assert left_on_box(lab, slot_of(host)) == []


def test_down_without_a_lab_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    Lab(folder=tmp_path).down()
    assert (tmp_path / "hosts").is_dir()


def test_an_unknown_host_is_refused_with_the_known_ones(lab: Lab) -> None:
    with pytest.raises(LabError, match="host1, host2, host3"):
        lab.mend("host9")


def test_an_ordinary_user_is_told_that_root_is_needed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hosts.lab import Lab; os.seteuid(65534); "
        f"Lab(folder=Path({str(tmp_path)!r})).up()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}
    )
    assert "needs root" in done.stderr


def test_missing_packages_are_named_with_the_line_that_installs_them() -> None:
    with pytest.raises(LabUnavailable, match="apt-get install --yes package-a package-b"):
        require_packages({"no-such-command": "package-b", "/no/such/*/file": "package-a", "sh": "dash"})


def test_a_folder_that_hosts_cannot_see_is_refused() -> None:
    with pytest.raises(LabUnavailable, match="/var/lib/libvirt"):
        Lab(folder=Path("/var/lib/libvirt/lab")).up()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    with pytest.raises(LabUnavailable, match="is not a lab's"):
        Lab(folder=tmp_path).up()
    assert [entry.name for entry in tmp_path.iterdir()] == ["hosts"]
