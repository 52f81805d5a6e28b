"""DomainSpec -> libvirt's domain XML, in fixed order; converts and decides nothing that differs between VMs.

What is the same for every domain of Corral (controllers, screen, serial line, timers) stands here as
constants.
"""

from collections.abc import Iterator

from lxml import etree
from lxml.builder import E, ElementMaker

from hosts.hypervisor.libvirt_driver.text import dashed_uuid, line, text
from hosts.hypervisor.spec import DiskSpec, DomainSpec, Emulation, NicSpec

Element = etree._Element

#: namespace of what Corral keeps in a domain's <metadata>
METADATA = "urn:corral:domain:1"
_corral = ElementMaker(namespace=METADATA, nsmap={"corral": METADATA})

#: seconds between the guest's own memory figures
BALLOON_PERIOD = 10
#: virtio-blk shows a guest no more than this many characters of a disk's serial
SERIAL_LENGTH = 20
#: devices of every domain that take a PCIe root port: USB, SCSI, balloon, random numbers
FIXED_PORTS = 4
#: what takes a root port per piece; everything else sits on a bus that is there anyway
PORT_BUSES = frozenset({"virtio"})
PORT_NICS = frozenset({"virtio", "e1000e", "igb"})

#: The processor that a guest sees. Under KVM the host's own, which libvirt keeps comparable for migration.
#: Under the translator a fixed model, so that hosts with different processors can exchange their guests; it
#: is the oldest that has what distributions of today ask for (x86-64-v2), and the translator knows all of it.
CPU: dict[Emulation, tuple[dict[str, str], str | None]] = {
    Emulation.KVM: ({"mode": "host-model", "check": "partial"}, None),
    Emulation.QEMU: ({"mode": "custom", "match": "exact", "check": "none"}, "Nehalem"),
}


#: the port of a screen is the host's to choose
PORTS = {"vnc": {"port": "-1", "autoport": "yes"}, "spice": {"autoport": "yes"}}


def domain_xml(spec: DomainSpec, name: str = "") -> str:
    """The persistent definition of `spec` as text; the host knows it by its uuid where no name is given."""
    root = E.domain(
        E.name(name or spec.uuid),
        E.uuid(dashed_uuid(spec.uuid)),
        *_labels(spec),
        E.memory(str(spec.memory), unit="b"),
        E.vcpu(str(spec.vcpus), placement="static"),
        *_shares(spec),
        E.os(E.type("hvm", arch="x86_64", machine=spec.machine)),
        _features(spec),
        _cpu(spec),
        _clock(spec),
        E.on_poweroff("destroy"),
        E.on_reboot("restart"),
        E.on_crash("restart"),
        E.pm(E("suspend-to-mem", enabled="no"), E("suspend-to-disk", enabled="no")),
        _devices(spec),
        type=spec.emulation.value,
    )
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _labels(spec: DomainSpec) -> Iterator[Element]:
    """Name and description for people at the host's own tools, and what Corral keeps for itself."""
    if line(spec.title):
        yield E.title(line(spec.title))
    if text(spec.description):
        yield E.description(text(spec.description))
    if spec.metadata:
        items = (_corral.item(text(value), key=key) for key, value in spec.metadata)
        yield E.metadata(_corral.vm(*items))


def _shares(spec: DomainSpec) -> Iterator[Element]:
    """Processor weight; 0 leaves it to the host."""
    if spec.cpu_shares > 0:
        yield E.cputune(E.shares(str(spec.cpu_shares)))


def _features(spec: DomainSpec) -> Element:
    """Under the translator there is no KVM to hide, and nothing of Hyper-V."""
    found = E.features(E.acpi(), E.apic())
    if spec.hyper_v and spec.emulation is Emulation.KVM:
        found.append(E.hyperv(E.relaxed(state="on"), E.vapic(state="on"), E.spinlocks(state="on", retries="8191")))
    if spec.hide_kvm and spec.emulation is Emulation.KVM:
        found.append(E.kvm(E.hidden(state="on")))
    return found


def _cpu(spec: DomainSpec) -> Element:
    if spec.passthrough and spec.emulation is Emulation.KVM:
        return E.cpu(mode="host-passthrough", check="none", migratable="on")
    attributes, model = CPU[spec.emulation]
    children = (E.model(model, fallback="forbid"),) if model else ()
    return E.cpu(*children, **attributes)


def _clock(spec: DomainSpec) -> Element:
    return E.clock(
        E.timer(name="rtc", tickpolicy="catchup"),
        E.timer(name="pit", tickpolicy="delay"),
        E.timer(name="hpet", present="no"),
        offset=spec.clock,
    )


def _devices(spec: DomainSpec) -> Element:
    return E.devices(
        *(_disk(disk) for disk in spec.disks),
        *_controllers(spec),
        *(_nic(nic) for nic in spec.nics),
        E.serial(*_serial_log(spec), E.target(port="0"), type="pty"),
        E.console(E.target(type="serial", port="0"), type="pty"),
        E.input(type="tablet", bus="usb"),
        E.graphics(E.listen(type="address", address="127.0.0.1"), type=spec.console, **PORTS[spec.console]),
        E.video(E.model(type=spec.video)),
        E.memballoon(E.stats(period=str(BALLOON_PERIOD)), model="virtio"),
        E.rng(E.backend("/dev/urandom", model="random"), model="virtio"),
    )


def _serial_log(spec: DomainSpec) -> Iterator[Element]:
    if spec.serial_log:
        yield E.log(file=spec.serial_log, append="on")


def _controllers(spec: DomainSpec) -> Iterator[Element]:
    """One root port for each device that needs one, and the spare ones for devices that come later: libvirt
    adds ports when a domain is defined, never to a running one. Older machines have one flat bus instead."""
    if "q35" in spec.machine:
        yield E.controller(type="pci", index="0", model="pcie-root")
        for index in range(1, _ports(spec) + 1):
            yield E.controller(type="pci", index=str(index), model="pcie-root-port")
    yield E.controller(type="usb", index="0", model="qemu-xhci")
    yield E.controller(type="scsi", index="0", model="virtio-scsi")


def _ports(spec: DomainSpec) -> int:
    disks = sum(disk.bus in PORT_BUSES for disk in spec.disks)
    nics = sum(nic.model in PORT_NICS for nic in spec.nics)
    return FIXED_PORTS + disks + nics + spec.spare_pcie_ports


def _disk(spec: DiskSpec) -> Element:
    """Cache mode `none` keeps what the guest has flushed safe; the file system of the pool must know O_DIRECT."""
    driver = {"name": "qemu", "type": spec.format, "cache": spec.cache}
    if spec.device == "disk":
        driver["discard"] = "unmap"
    return E.disk(
        E.driver(**driver),
        E.source(file=spec.path),
        E.target(dev=spec.target, bus=spec.bus),
        *((E.readonly(),) if spec.readonly else ()),
        E.serial(spec.volume_uuid[:SERIAL_LENGTH]),
        *((E.boot(order=str(spec.boot_order)),) if spec.boot_order else ()),
        type="file",
        device=spec.device,
    )


def _nic(spec: NicSpec) -> Element:
    return E.interface(
        E.mac(address=spec.mac),
        E.source(network=spec.network),
        E.target(dev=spec.device_name),
        E.model(type=spec.model),
        *((E.driver(queues=str(spec.queues)),) if spec.queues > 1 and spec.model == "virtio" else ()),
        type="network",
    )
