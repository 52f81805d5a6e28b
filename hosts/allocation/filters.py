"""The rules a host has to meet, one function each (semantics §4.3).

A filter answers `None` when the host passes, otherwise a `Reason` with names and numbers. Their order is in
`strategies`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from console.textual import counted
from hosts.allocation.reasons import Figures, Reason, in_words
from hosts.allocation.spec import CONNECTED, ENABLED, AllocationSpec, HostView, PlaceKind, Release, VolumePlace
from hosts.allocation.storage import NO_STORAGE, plan_volumes, unavailable
from hosts.hypervisor.spec import Emulation

Filter = Callable[[HostView, AllocationSpec], Reason | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter under the name it has in reports."""

    name: str
    check: Filter


def _is(what: str) -> tuple[str, str]:
    return f"is {what}", f"are {what}"


def _place_of(host: HostView, kind: PlaceKind) -> tuple[str, str]:
    """Uuid and name of the host itself, its cluster or its zone."""
    match kind:
        case PlaceKind.HOST:
            return host.uuid, host.name
        case PlaceKind.CLUSTER:
            return host.cluster_uuid, host.cluster_name
        case PlaceKind.ZONE:
            return host.zone_uuid, host.zone_name


def place(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host is the requested one, or stands in the requested cluster or zone."""
    if spec.place is None:
        return None
    uuid, name = _place_of(host, spec.place.kind)
    if uuid == spec.place.uuid:
        return None
    if spec.place.kind is PlaceKind.HOST:
        sentence = f"{host.name} is not the requested {spec.place}."
    else:
        sentence = f"{host.name} is in {spec.place.kind} {name}, not in the requested {spec.place}."
    return Reason(sentence, (f"is outside the requested {spec.place}", f"are outside the requested {spec.place}"))


def avoided(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host is neither the one a migration leaves nor one the caller wants to avoid."""
    leaving = spec.current is not None and spec.current.uuid == host.uuid
    reason = "already runs this VM" if leaving else spec.avoid.get(host.uuid)
    if reason is None:
        return None
    words = ("is the current host", "are current hosts") if leaving else ("has to be avoided", "have to be avoided")
    return Reason(f"{host.name} {reason}.", words)


def state(host: HostView, spec: AllocationSpec) -> Reason | None:
    """Host, cluster and zone are Enabled: others take no new or starting VMs (semantics §8.1, §8.2)."""
    if host.state != ENABLED:
        will = in_words(host.state)
        return Reason(f"{host.name} is {will}.", _is(will))
    if host.cluster_state != ENABLED:
        sentence = f"{host.name} is in cluster {host.cluster_name}, which is {in_words(host.cluster_state)}."
        return Reason(sentence, _is(f"in a {in_words(host.cluster_state)} cluster"))
    if host.zone_state != ENABLED:
        sentence = f"{host.name} is in zone {host.zone_name}, which is {in_words(host.zone_state)}."
        return Reason(sentence, _is(f"in a {in_words(host.zone_state)} zone"))
    return None


def status(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host is Connected."""
    if host.status == CONNECTED:
        return None
    channel = in_words(host.status)
    return Reason(f"{host.name} is {channel}.", _is(channel))


def hypervisor(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host's hypervisor is the one the image is made for; an ISO fits any."""
    if spec.hypervisor_type in (None, host.hypervisor_type):
        return None
    sentence = f"{host.name} runs {host.hypervisor_type}, the VM needs {spec.hypervisor_type}."
    return Reason(sentence, (f"does not run {spec.hypervisor_type}", f"do not run {spec.hypervisor_type}"))


def attached_l2(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host's cluster is attached to every L2 network of the VM."""
    if host.l2_uuids.issuperset(spec.l2s):
        return None
    missing = sorted(name for uuid, name in spec.l2s.items() if uuid not in host.l2_uuids)
    names = ", ".join(missing)
    noun = "L2 network" if len(missing) == 1 else "L2 networks"
    sentence = f"{host.name} is in cluster {host.cluster_name}, which is not attached to {noun} {names}."
    return Reason(sentence, _is(f"not attached to {noun} {names}"))


def uplinks(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host's hook ties the uplinks of the VM's networks in; without it the guest would reach its own host alone."""
    if host.prepared or not spec.uplinks:
        return None
    names = ", ".join(f"{uplink} of {name}" for name, uplink in sorted(spec.uplinks.items()))
    sentence = (
        f"{host.name} is not set up for uplinks ({names}): guests on it would reach no other host. "
        "Run what manage.py host-setup prints on it, then reconnect it."
    )
    return Reason(sentence, ("is not set up for uplinks", "are not set up for uplinks"))


def cpu(host: HostView, spec: AllocationSpec) -> Reason | None:
    """Total minus used minus reserved virtual CPUs are enough, exactly enough included (semantics §4.4)."""
    if host.available_cpu >= spec.cpu:
        return None
    sentence = (
        f"{host.name} has {counted(host.available_cpu, 'CPU')} available, {spec.cpu} needed "
        f"({host.total_cpu} in total, {host.used_cpu} used, {host.reserved_cpu} reserved)."
    )
    figures = Figures("CPU", spec.cpu, host.available_cpu, where=host.name)
    return Reason(sentence, ("lacks CPU", "lack CPU"), figures)


def memory(host: HostView, spec: AllocationSpec) -> Reason | None:
    """Total minus used minus reserved memory is enough, exactly enough included (semantics §4.4)."""
    if host.available_memory >= spec.memory:
        return None
    figures = Figures("memory", spec.memory, host.available_memory, where=host.name)
    needed, free = figures.amounts()
    total, used, kept = map(figures.amount, (host.total_memory, host.used_memory, host.reserved_memory))
    detail = f"{total} in total, {used} used, {kept} reserved"
    sentence = f"{host.name} has {free} of memory available, {needed} needed ({detail})."
    return Reason(sentence, ("lacks memory", "lack memory"), figures)


def volume_storages(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The host reaches every primary storage that holds volumes of the VM."""
    reached = {storage.uuid: storage for storage in host.storages}
    for volume_place in spec.volume_places:
        storage = reached.get(volume_place.storage_uuid)
        if problem := _unreached(host, volume_place, storage.status if storage else None):
            sentence = f"{host.name} cannot use the VM's volumes: {problem}."
            name = volume_place.storage_name
            return Reason(sentence, (f"does not reach storage {name}", f"do not reach storage {name}"))
    return None


def _unreached(host: HostView, volume_place: VolumePlace, status: str | None) -> str | None:
    name = volume_place.storage_name
    if status is None:
        return f"primary storage {name} is not attached to its cluster {host.cluster_name}"
    if volume_place.host_uuid not in (None, host.uuid):
        return f"those on {name} are local to another host"
    return None if status == CONNECTED else f"primary storage {name} is {in_words(status)}"


def image_store(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The image is cached within reach, or a usable image store of the host's zone holds it."""
    image = spec.image
    if image is None or any(s.usable and image.uuid in s.cached_images for s in host.storages):
        return None
    stores = [store for store in image.stores if store.serves(host.zone_uuid)]
    if any(store.usable for store in stores):
        return None
    gist = (f"cannot get image {image.name}", f"cannot get image {image.name}")
    if not stores:
        return Reason(
            f"{host.name} cannot get image {image.name}: no image store of zone {host.zone_name} holds it.",
            gist,
        )
    problems = ", ".join(f"image store {store.name} {unavailable(store.state, store.status)}" for store in stores)
    return Reason(f"{host.name} cannot get image {image.name}: {problems}.", gist)


def primary_storage(host: HostView, spec: AllocationSpec) -> Reason | None:
    """The primary storages within reach have room for all new volumes and, where not cached, the image.

    A VM that brings no new volumes needs any one usable primary storage.
    """
    if not any(storage.usable for storage in host.storages):
        return _no_storage(host)
    plan = plan_volumes(host.storages, spec.volumes, spec.image)
    if not isinstance(plan, Reason):
        return None
    return Reason(f"{host.name} has no primary storage with enough room: {plan.sentence}", plan.gist, plan.figures)


def _no_storage(host: HostView) -> Reason:
    problems = ", ".join(f"{s.name} {unavailable(s.state, s.status)}" for s in host.storages)
    detail = f": {problems}" if problems else f": none is attached to its cluster {host.cluster_name}"
    return Reason(f"{host.name} reaches no usable primary storage{detail}.", NO_STORAGE)


#: the processor of every guest under emulation
EMULATED = "emulated"

OS = "OS version"
VERSIONS: tuple[tuple[str, Callable[[HostView], str]], ...] = (
    (OS, lambda host: str(host.os) if host.os != Release() else ""),
    ("libvirt version", lambda host: host.libvirt_version),
    ("QEMU version", lambda host: host.qemu_version),
    # A guest started under KVM cannot go on under emulation, nor the other way round.
    ("virtualization", lambda host: host.emulation),
    # Under KVM a guest sees the processor of the host it was started on; QEMU's translator shows the same one anywhere.
    ("processor", lambda host: host.cpu_model if host.emulation == Emulation.KVM else EMULATED),
)


def versions(host: HostView, spec: AllocationSpec) -> Reason | None:
    """OS, libvirt, QEMU, virtualization and processor are those of the host a migration leaves ("Migrate VM").

    The OS may differ where `hostAllocator.migration.differentOs` lets it. What is not known of either is not taken for
    equal.
    """
    if spec.current is None:
        return None
    for label, version in VERSIONS:
        if label == OS and spec.other_os:
            continue
        here, there = version(host), version(spec.current)
        if here != there or not here:
            sentence = f"{host.name} has {label} {here or 'unknown'}, {spec.current.name} has {there or 'unknown'}."
            return Reason(sentence, (f"has another {label}", f"have another {label}"))
    return None
