"""The hook on a host, and the script that installs it."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command

from hosts.hostside import hook
from hosts.hostside.installation import install
from hosts.hypervisor.libvirt_driver.network_xml import network_xml
from tests.hosts.test_libvirt_network_xml import FULL, SMALL

HOME = replace(SMALL, uplink=None, vlan=None)
FLAT = replace(SMALL, uplink="eth1", vlan=None)


def network(text: str) -> hook.Network:
    found = hook.network_of(text)
    assert found is not None
    return found


def test_the_hook_reads_what_the_driver_writes() -> None:
    read = network(network_xml(FULL))
    assert (read.name, read.bridge, read.mac) == (FULL.uuid, FULL.bridge, FULL.bridge_mac)
    assert (read.gateway, read.subnet) == ("10.10.1.1", "10.10.1.0/24")
    assert (read.uplink, read.vlan, read.port) == ("eth1", "100", "eth1.100")


@pytest.mark.parametrize(("spec", "port"), [(FULL, "eth1.100"), (FLAT, "eth1"), (HOME, "")])
def test_the_port_is_the_uplink_or_its_vlan_device(spec, port) -> None:
    assert network(network_xml(spec)).port == port


@pytest.mark.parametrize("wrapped", ["<hookData>{}</hookData>", "<networkstatus>{}</networkstatus>"])
def test_it_finds_the_network_in_libvirts_wrappings(wrapped) -> None:
    assert network(wrapped.format(network_xml(FULL))).name == FULL.uuid


@pytest.mark.parametrize("text", ["<network><name>default</name></network>", "<hookData/>"])
def test_networks_of_others_are_left_alone(text) -> None:
    assert hook.network_of(text) is None
    hook.main(["/etc/libvirt/hooks/network.d/corral", "default", "started", "begin", "-"], lambda: text)


def test_a_change_of_a_lease_costs_nothing() -> None:
    def read() -> str:
        raise AssertionError("it should not even read")

    hook.main(["/etc/libvirt/hooks/network.d/corral", FULL.uuid, "updated", "begin", "-"], read)


def test_a_network_without_uplink_is_routed_but_has_nothing_to_isolate() -> None:
    text = hook.rules(network(network_xml(HOME)))
    assert f"table ip corral_{HOME.uuid} {{" in text
    assert "table bridge corral_" in text  # an older one is removed
    assert "iifname" not in text.partition("table ip corral_" + HOME.uuid + " {")[0]


def test_rules_replace_what_was_there_in_one_transaction() -> None:
    lines = hook.rules(network(network_xml(FULL))).splitlines()
    for family in ("bridge", "ip"):
        table = f"table {family} corral_{FULL.uuid}"
        assert lines.index(table) < lines.index(f"delete {table}") < lines.index(f"{table} {{")


def test_what_a_tool_says_is_told() -> None:
    with pytest.raises(hook.Trouble, match=r"ls -d /nowhere failed: .*No such file"):
        hook.call("ls", "-d", "/nowhere")


def test_a_missing_tool_is_told() -> None:
    with pytest.raises(hook.Trouble, match="no-such-tool could not be run"):
        hook.call("no-such-tool")


def test_facts_say_which_hook_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "FACTS", tmp_path / "corral" / "facts.json")
    monkeypatch.setattr(hook, "TOOLS", {"python3": "python3"})
    hook.main(["corral", "facts"], lambda: "")
    facts = json.loads((tmp_path / "corral" / "facts.json").read_text())
    assert (facts["prepared"], facts["lacking"]) == (hook.VERSION, [])
    assert facts["os"]["distribution"]


def test_a_host_that_lacks_a_tool_is_not_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "FACTS", tmp_path / "facts.json")
    monkeypatch.setattr(hook, "TOOLS", {"no-such-tool": "its-package"})
    hook.write_facts()
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert (facts["prepared"], facts["lacking"]) == (None, ["its-package"])


def test_installing_twice_is_installing_once(tmp_path: Path) -> None:
    install(tmp_path)
    install(tmp_path)
    assert (tmp_path / "network.d" / "corral").read_text() == hook.__loader__.get_source(hook.__name__)
    assert (tmp_path / "daemon.d" / "corral").stat().st_mode & 0o111


def test_the_script_carries_the_whole_hook(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call_command("host-setup")
    script = tmp_path / "setup.sh"
    script.write_text(capsys.readouterr().out)
    subprocess.run(["sh", "-n", str(script)], check=True)
    _, _, rest = script.read_text().partition("<<'CORRAL_HOOK'\n")
    assert rest.partition("\nCORRAL_HOOK\n")[0] == Path(str(hook.__file__)).read_text().rstrip("\n")
