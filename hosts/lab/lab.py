"""Lab: a datacenter in one folder of the box."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hosts.lab import capabilities, network, node, osrelease, processes, registry
from hosts.lab.errors import LabError
from hosts.lab.faults import FAULTS
from hosts.lab.plan import DEFAULT_NAME, MAXIMUM_HOSTS, OWN_FOLDERS, LabHost, Plan
from hosts.lab.requirements import HOST_TOOLS, require_packages, require_root, require_usable_folder
from hosts.lab.shell import Shell
from hosts.lab.state import FILE_NAME, SUBFOLDERS, LabState, boot_id, remove_whole

# Which host differs when nobody asks: two hosts can migrate to each other, a third has something to refuse.
ODD_HOST = 3
STATUS_TIMEOUT = 2.0


@dataclass(frozen=True)
class HostStatus:
    """What can be seen of a host from outside without waiting for it."""

    name: str
    address: str
    uri: str
    libvirtd: str  # alive, frozen or dead
    reachable: bool  # its libvirtd answered over the network just now
    domains: list[str]  # names of the domains that QEMU runs
    os: str
    faults: list[str]


class Lab:
    """The lab that lives in `folder`. Another process finds it again by the folder alone.

    Commands that change it wait for each other; each may be killed at any point, and `up` or `down` after it does what
    it would have done without.
    """

    def __init__(self, name: str = DEFAULT_NAME, *, folder: Path, vlans: tuple[int, ...] = (100,)) -> None:
        self.name = name
        self.folder = folder.resolve()
        self._vlans = vlans

    def hosts(self) -> list[LabHost]:
        """The hosts that `up` made, in order; none when the lab is down."""
        state = LabState.load(self.folder)
        return self._plan(state).hosts(state.hosts) if state else []

    def host(self, name: str) -> LabHost:
        """LabError when the lab has no host of this name."""
        hosts = self.hosts()
        for host in hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in hosts) or "none; is it up?"
        raise LabError(f"Lab {self.name} has no host {name} (it has: {known}).")

    def up(self, hosts: int = 2, *, odd_os: str | bool | None = None) -> list[LabHost]:
        """Make the lab whole: at least so many hosts, all of them mended and answering.

        A lab that has more hosts keeps them. `odd_os` names the host that shows another operating system than the
        others; True is the last one, None the third where there is one, False none.
        """
        require_root()
        require_packages(HOST_TOOLS)
        if not 1 <= hosts <= MAXIMUM_HOSTS:
            raise LabError(f"A lab has 1 to {MAXIMUM_HOSTS} hosts, not {hosts}.")
        with self._locked() as shell:
            require_usable_folder(self.folder, OWN_FOLDERS, () if self._is_ours() else SUBFOLDERS)
            state = self._claim(shell, hosts, odd_os)
            plan = self._plan(state)
            members = plan.hosts(state.hosts)
            network.lay_switch(shell, plan)
            with ThreadPoolExecutor(max_workers=4) as pool:
                list(pool.map(lambda host: self._make_whole(shell, plan, state, host), members))
            capabilities.share(shell, members)
            state.faults = {}
            state.save(self.folder)
        return members

    def down(self) -> None:
        """Remove everything the lab made, and nothing else. Without a lab it does nothing."""
        require_root()
        with self._locked() as shell:
            slot = registry.claimed_slot(self.folder)
            state = LabState.load(self.folder)
            if slot is not None:
                self._remove_from_box(shell, Plan(slot, self.folder, self._plan(state).vlans if state else self._vlans))
            if self._is_ours():
                self._remove_folder()
            if slot is not None:
                registry.release(slot, self.folder)

    def halt(self) -> None:
        """Switch the whole lab off as a power cut would, and keep its disks: the next `up` continues with them."""
        require_root()
        with self._locked() as shell:
            state = LabState.load(self.folder)
            if state is None:
                return
            self._remove_from_box(shell, self._plan(state))
            state.boot = ""  # what lies in the hosts' /run speaks of processes that are gone
            state.save(self.folder)

    def status(self) -> list[HostStatus]:
        """Every host as it is now. Takes no lock and never waits longer than two seconds for a host."""
        state = LabState.load(self.folder)
        if state is None:
            return []
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(lambda host: _look(host, state), self._plan(state).hosts(state.hosts)))

    def break_(self, host: str, fault: str) -> None:
        """Do the fault (a name in FAULTS) to the host; faults add up until it is mended."""
        if fault not in FAULTS:
            raise LabError(f"There is no fault {fault}. Choose one of: {', '.join(FAULTS)}.")
        require_root()
        with self._locked() as shell:
            victim, state = self.host(host), self._state()
            state.add_fault(host, fault)  # first: a kill between the two must not hide a broken host
            state.save(self.folder)
            FAULTS[fault](shell, self._plan(state), victim)

    def mend(self, host: str) -> None:
        """Undo every fault of the host and wait until it answers. What ran on it and died stays dead."""
        require_root()
        with self._locked() as shell:
            patient, state = self.host(host), self._state()
            self._make_whole(shell, self._plan(state), state, patient)
            state.faults.pop(host, None)
            state.save(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[Shell]:
        with registry.lab_lock(self.folder) as descriptor:
            yield Shell(stdin=descriptor)

    def _is_ours(self) -> bool:
        """Whether what lies in the folder was made by a lab: a claim is made only when nothing lay there."""
        return registry.claimed_slot(self.folder) is not None or (self.folder / FILE_NAME).exists()

    def _state(self) -> LabState:
        state = LabState.load(self.folder)
        if state is None:
            raise LabError(f"Lab {self.name} is not up.")
        return state

    def _plan(self, state: LabState) -> Plan:
        return Plan(state.slot, self.folder, tuple(state.vlans))

    def _claim(self, shell: Shell, hosts: int, odd_os: str | bool | None) -> LabState:
        """The lab's state brought up to what is asked, with its slot secured, saved before anything is made."""
        slot = registry.claim(shell, self.name, self.folder)
        state = LabState.load(self.folder) or LabState(name=self.name, slot=slot)
        state.slot = slot
        state.hosts = max(state.hosts, hosts)
        state.vlans = sorted({*state.vlans, *self._vlans})
        state.odd_os = self._odd(state, odd_os)
        if state.boot != boot_id():
            for host in self._plan(state).hosts(state.hosts):
                node.wipe_run(host)
            state.boot = boot_id()
        state.save(self.folder)
        return state

    def _odd(self, state: LabState, odd_os: str | bool | None) -> list[str]:
        names = [host.name for host in self._plan(state).hosts(state.hosts)]
        if odd_os is None:
            return state.odd_os or names[ODD_HOST - 1 : ODD_HOST]
        if isinstance(odd_os, bool):
            return names[-1:] if odd_os else []
        if odd_os not in names:
            raise LabError(f"Lab {self.name} has no host {odd_os}.")
        return [odd_os]

    def _make_whole(self, shell: Shell, plan: Plan, state: LabState, host: LabHost) -> None:
        node.write_files(host, plan.hosts(state.hosts), odd_os=host.name in state.odd_os)
        network.plug(shell, plan, host)
        node.start(shell, host)
        node.wait_ready(shell, host)

    def _remove_from_box(self, shell: Shell, plan: Plan) -> None:
        """Processes first: a namespace without a name lives on as long as a process is in it."""
        names = network.namespaces(f"{plan.box_link}-")
        numbers = {int(name.rpartition("-host")[2]) for name in names if name.rpartition("-host")[2].isdigit()}
        numbers |= {int(entry.name[4:]) for entry in self.folder.glob("hosts/host*") if entry.name[4:].isdigit()}
        for number in sorted(numbers):
            processes.kill_all(plan.host(number))
        network.cut_box(shell, plan)
        network.remove_namespaces(shell, names)

    def _remove_folder(self) -> None:
        """Only what `up` put there: the folder may be one that somebody keeps other things in."""
        for name in SUBFOLDERS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        remove_whole(self.folder / FILE_NAME)
        with suppress(OSError):
            self.folder.rmdir()


def _look(host: LabHost, state: LabState) -> HostStatus:
    daemon = processes.daemon_of(host)
    life = "dead" if daemon is None else "frozen" if daemon.frozen else "alive"
    release = osrelease.parse(_read(host.inside("/etc/os-release")))
    return HostStatus(
        name=host.name,
        address=host.address,
        uri=host.uri,
        libvirtd=life,
        reachable=life == "alive" and node.answers(Shell(), host, timeout=STATUS_TIMEOUT),
        domains=processes.domains_of(host),
        os=f"{release.get('ID', '')} {release.get('VERSION_ID', '')}".strip(),
        faults=state.faults.get(host.name, []),
    )


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""
