"""The template is built once, boots under plain QEMU, tells what it got, and obeys the power button."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.lab import GuestImage, build_guest_image
from tests.lab.lab_support import guest_image, said, until

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def image() -> GuestImage:
    return guest_image()


@pytest.fixture
def machine(image: GuestImage, tmp_path: Path) -> Iterator["Machine"]:
    machine = Machine(image, tmp_path)
    yield machine
    machine.close()


class Machine:
    """Plain QEMU without libvirt: emulated, its serial line a socket with a log, commands over QMP."""

    def __init__(self, image: GuestImage, folder: Path) -> None:
        self.log = folder / "serial.log"
        self.process = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-m", "128", "-display", "none"),
                *("-drive", f"file={image.path},if=virtio,format=qcow2,snapshot=on"),
                *("-nic", "user,model=virtio-net-pci,hostname=vm2,domainname=example.org"),
                *("-chardev", f"socket,id=line,path={folder}/line,server=on,wait=off,logfile={self.log}"),
                *("-serial", "chardev:line", "-qmp", f"unix:{folder}/qmp,server=on,wait=off"),
            ],
            stdin=subprocess.DEVNULL,
        )
        self._folder = folder

    def press_power_button(self) -> None:
        with self._connect("qmp") as line, line.makefile("rw") as talk:
            for command in ("qmp_capabilities", "system_powerdown"):
                talk.write(json.dumps({"execute": command}) + "\n")
                talk.flush()
                until(lambda: "return" in json.loads(talk.readline()), f"answer to {command}")

    def type(self, text: str, answer: str) -> None:
        """Send the text and hold the line until the answer (a pattern) is there: closing drops what is unread."""
        with self._connect("line") as line:
            line.sendall(text.encode())
            until(lambda: re.search(answer, self.log.read_text(errors="replace"), re.M), f"{answer} on the line")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _connect(self, name: str) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        until(lambda: line.connect_ex(str(self._folder / name)) == 0, f"connection to {name}")
        return line


def test_it_is_found_again_and_not_built_twice(image: GuestImage) -> None:
    before = image.path.stat().st_mtime_ns
    again = build_guest_image(image.path.parent)
    assert again == image
    assert again.path.stat().st_mtime_ns == before


def test_it_is_a_small_qcow2_image(image: GuestImage) -> None:
    told = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", str(image.path)]))
    assert told["format"] == image.format == "qcow2"
    assert told["virtual-size"] == image.virtual_size
    assert image.size < 20 << 20


def test_builders_at_the_same_time_build_it_once(image: GuestImage, tmp_path: Path) -> None:
    for package in image.path.parent.glob("*.deb"):  # spare the download
        (tmp_path / package.name).hardlink_to(package)
    (tmp_path / ".build-killed").mkdir()
    code = f"import hosts.lab, pathlib; print(hosts.lab.build_guest_image(pathlib.Path({str(tmp_path)!r})).path)"
    builders = [
        subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = {builder.communicate()[0].strip() for builder in builders}
    assert told == {str(tmp_path / image.path.name)}
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".deb"} == {".lock", image.path.name}


def test_it_boots_and_tells_what_it_got(machine: Machine) -> None:
    until(lambda: "ready" in said(machine.log), "the guest is ready", timeout=30)
    assert said(machine.log, "hostname") == ["vm2"]
    assert said(machine.log, "address")[0].startswith("eth0 10.0.2.15/24 ")
    assert said(machine.log, "route") == [
        "default via 10.0.2.2 dev eth0",
        "10.0.2.0/24 dev eth0 scope link src 10.0.2.15",
    ]
    assert "nameserver 10.0.2.3" in said(machine.log, "resolv")


def test_it_switches_itself_off_when_the_power_button_is_pressed(machine: Machine) -> None:
    until(lambda: any(line.startswith("tick 2") for line in said(machine.log)), "the guest ticks")
    machine.press_power_button()
    assert machine.process.wait(timeout=15) == 0
    assert "power off" in said(machine.log)


def test_enter_on_the_serial_line_gives_a_shell(machine: Machine) -> None:
    until(lambda: "ready" in said(machine.log), "the guest is ready")
    machine.type("\n", answer=r"^vm2# ")
    machine.type("echo $((6 * 7)) && exit\n", answer=r"^42\r?$")
