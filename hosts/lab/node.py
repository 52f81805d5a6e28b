"""One host of a lab: its files, its daemon, its health."""

import shutil
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT

from hosts.hostside import installation
from hosts.lab import network, osrelease, processes
from hosts.lab.errors import CommandFailed, LabError
from hosts.lab.plan import FACTS_FOLDER, LOCAL_STORAGE, OWN_FOLDERS, LabHost, Plan
from hosts.lab.shell import Shell
from hosts.lab.state import write_whole

BOOT_SCRIPT = Path(__file__).with_name("boot_host.sh")
BOX_FILTERS = Path("/etc/libvirt/nwfilter")
START_TIMEOUT = 30.0
ANSWER_TIMEOUT = 5.0
# No authentication: the address is reachable from this box alone, and root on this box owns the host anyway.
DAEMON_SETTINGS = """\
listen_tls = 0
listen_tcp = 1
listen_addr = "{address}"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "{uuid}"
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
# No cgroups, no namespaces per guest, no virtlogd: a lab host is itself a set of namespaces without an init system.
QEMU_SETTINGS = """\
user = "root"
group = "root"
dynamic_ownership = 0
cgroup_controllers = [ ]
namespaces = [ ]
security_driver = "none"
stdio_handler = "file"
migration_address = "{address}"
"""
FACTS_POOL = """\
<pool type='dir'>
  <name>corral</name>
  <uuid>{uuid}</uuid>
  <target><path>{path}</path></target>
</pool>
"""


def write_files(host: LabHost, siblings: Sequence[LabHost], odd_os: bool) -> None:
    """Everything the host owns: folders, settings of its daemon, names, operating system, hook."""
    for folder in (*OWN_FOLDERS, LOCAL_STORAGE):
        host.inside(folder).mkdir(parents=True, exist_ok=True)
    Path(host.pool_path).mkdir(parents=True, exist_ok=True)
    settings = {"address": host.address, "uuid": host.uuid}
    pool = FACTS_POOL.format(uuid=uuid.uuid5(host.uuid, "corral"), path=FACTS_FOLDER)
    write_whole(host.inside("/etc/libvirt/libvirtd.conf"), DAEMON_SETTINGS.format(**settings))
    write_whole(host.inside("/etc/libvirt/qemu.conf"), QEMU_SETTINGS.format(**settings))
    _autostart(host.inside("/etc/libvirt/storage"), "corral.xml", pool)
    if BOX_FILTERS.is_dir() and not host.inside(str(BOX_FILTERS)).exists():
        shutil.copytree(BOX_FILTERS, host.inside(str(BOX_FILTERS)))
    system = osrelease.other_than(osrelease.of_box()) if odd_os else osrelease.of_box()
    # These two are bound one by one: a running host sees them change only when the file stays the same one.
    host.inside("/etc/os-release").write_text(system)
    host.inside("/etc/hosts").write_text(_names(siblings))
    installation.install(host.inside("/etc/libvirt/hooks"))


def start(shell: Shell, host: LabHost) -> None:
    """Start what does not run and wake what is frozen, without waiting for it to answer."""
    daemon = processes.daemon_of(host)
    if daemon and not processes.sees_own_folders(daemon, host):
        processes.kill_all(host)  # a rest of a lab whose folder was deleted under it
        daemon = None
    if daemon is None:
        _boot(shell, host)
    elif daemon.frozen:
        processes.send(host, [daemon], SIGCONT)


def wait_ready(shell: Shell, host: LabHost) -> None:
    """Until the host's libvirtd answers; one that runs and never answers is started anew, once."""
    if _answers_within(shell, host, START_TIMEOUT):
        return
    daemon = processes.daemon_of(host)
    if daemon:
        processes.kill(host, [daemon])
    _boot(shell, host)
    if not _answers_within(shell, host, START_TIMEOUT):
        raise LabError(
            f"libvirtd of {host.name} does not answer at {host.uri}. Its log {host.log} ends:\n{_tail(host.log)}"
        )


def power_off(shell: Shell, plan: Plan, host: LabHost) -> None:
    """As if the cable was pulled: links gone, every process dead at once, nothing left of /run nor of the network."""
    network.unplug(shell, plan, host)
    processes.kill_all(host)
    network.remove_namespace(shell, host.namespace)
    wipe_run(host)


def wipe_run(host: LabHost) -> None:
    """Empty the host's /run, which no machine keeps over a restart."""
    for entry in host.inside("/run").glob("*"):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def answers(shell: Shell, host: LabHost, timeout: float = ANSWER_TIMEOUT) -> bool:
    """Whether the host's libvirtd answers a call over the network within `timeout` seconds."""
    with suppress(CommandFailed):
        return call(shell, host, "hostname", timeout=timeout).strip() == host.name
    return False


def call(shell: Shell, host: LabHost, *words: str, timeout: float) -> str:
    """What virsh says about the host over the network."""
    return shell.run("virsh", "--quiet", "--connect", host.uri, *words, timeout=timeout)


def _boot(shell: Shell, host: LabHost) -> None:
    """A daemon that outlives its caller and holds none of its pipes; what goes wrong before its log opens is logged."""
    enter = ("ip", "netns", "exec", host.namespace, "unshare", "--mount", "--uts", "--propagation", "private")
    boot = ("sh", str(BOOT_SCRIPT), host.name, str(host.root), *OWN_FOLDERS)
    shell.run("sh", "-c", 'exec setsid --fork "$@" >>"$0" 2>&1', str(host.log), *enter, *boot)


def _answers_within(shell: Shell, host: LabHost, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not answers(shell, host):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _autostart(folder: Path, name: str, xml: str) -> None:
    write_whole(folder / name, xml)
    (folder / "autostart").mkdir(exist_ok=True)
    link = folder / "autostart" / name
    if not link.is_symlink():
        link.symlink_to(f"/etc/libvirt/{folder.name}/{name}")


def _names(siblings: Sequence[LabHost]) -> str:
    """/etc/hosts: libvirtd asks for its own name, and a resolver out of reach would hold it for seconds."""
    return "127.0.0.1 localhost\n" + "".join(f"{host.address} {host.name}\n" for host in siblings)


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"
