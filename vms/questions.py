"""What people see before an action: where the VM can go, how long it waits, what goes for good."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from random import SystemRandom
from typing import Any

from console.tag_field import add_tags
from vms import life
from vms.attaching import volumes_for
from vms.completeness import why_incomplete
from vms.config import DELETE_DATA_VOLUMES, STOP_GRACE
from vms.models import VmInstance, Volume, VolumeType
from vms.nics import broken_promises
from vms.queries import with_services
from vms.states import VmOperation, VmState, refusal
from vms.targets import chosen_among, targets
from vms.volume_forms import VmVolumeForm

#: deleteMode -> what it means
MODES = {
    life.PERMISSIVE: "If its host does not do its part, the operation stops there and says why; what is left stays.",
    life.ENFORCING: "For a host that is dead: the record goes at once, and the host is cleaned when it returns."
    " Until then the guest may still run there.",
}
Given = Mapping[str, str]


def of_start(vm: VmInstance, given: Given) -> dict[str, Any]:
    """Where it would start, with the verdict on every host; not at all while an address of its tags is taken."""
    if refusal(VmOperation.START, VmState(vm.state)) or why_incomplete(vm, vm.volumes.all()):
        return {}
    marks = {vm.last_host_id: "Last host"} if vm.last_host_id else {}
    found = targets(life.preview_start(vm), marks, given.get("q", ""))
    hindered = " ".join(f"{sentence}." for sentence in broken_promises(vm))
    heading = f"Start {vm.name}" if found.fit and not hindered else f"Why can {vm.name} not start?"
    return {"targets": found, "hindered": hindered, "nothing": bool(hindered), "heading": heading}


def of_migrate(vm: VmInstance, given: Given) -> dict[str, Any]:
    """Where it could go, with the verdict on every host; a choice that does not fit any more is dropped."""
    if refusal(VmOperation.MIGRATE, VmState(vm.state)):
        return {}
    decision, _ = life.look_for_target(vm, None, SystemRandom())
    # Its own host stands first; that it runs there is why it cannot go there.
    found = targets(decision, {vm.host_id or "": ""}, given.get("q", ""))
    return {"targets": found, "chosen": chosen_among(found, given.get("hostUuid", ""))}


def of_stop(vm: VmInstance, given: Given) -> dict[str, Any]:
    """How long the guest is waited for."""
    del vm, given
    return {"grace": STOP_GRACE.get()}


def of_destroy(vm: VmInstance, given: Given) -> dict[str, Any]:
    """What goes: volumes and addresses by name; what becomes of data volumes as it is configured now; what stays."""
    addresses: dict[str, list[str]] = defaultdict(list)
    nics = with_services(vm.nics.all())
    for nic in nics:
        addresses[nic.l3_network.name if nic.l3_network else "no network"].append(nic.ip or nic.mac)
    volumes = list(vm.volumes.all())
    return {
        "roots": [volume for volume in volumes if volume.type == VolumeType.ROOT],
        "data_volumes": [volume for volume in volumes if volume.type == VolumeType.DATA],
        "delete_data": DELETE_DATA_VOLUMES.get(),
        "addresses": dict(addresses),
        "eips": [nic.eip for nic in nics if hasattr(nic, "eip")],
        "rules": [rule for nic in nics for rule in nic.port_forwarding_rules.all()],
        "modes": MODES,
        "mode": given.get("deleteMode", life.PERMISSIVE),
    }


def of_attach_volume(vm: VmInstance, given: Given) -> dict[str, Any]:
    """The data volumes of no VM, with the reason beside those that do not fit."""
    if refusal(VmOperation.ATTACH_VOLUME, VmState(vm.state)):
        return {}
    found = volumes_for(vm, given.get("q", ""))
    return {
        "choices": found,
        "chosen": given.get("volumeUuid", ""),
        "nothing": not found.fit,
        "heading": f"Attach a volume to {vm.name}",
        "submit": "Attach",
    }


def of_add_volume(vm: VmInstance, given: Given) -> dict[str, Any]:
    """The size, the name and the storage of a new volume."""
    if refusal(VmOperation.ATTACH_VOLUME, VmState(vm.state)):
        return {}
    form = VmVolumeForm(given if "name" in given else None, vm=vm)
    add_tags(form, Volume)
    form.open_at_first()
    return {"form": form, "heading": f"New volume for {vm.name}", "submit": "Create and attach"}


def of_detach_volume(vm: VmInstance, given: Given) -> dict[str, Any]:
    """Which volume goes; one that the VM does not have is not asked about."""
    volumes = (one for one in vm.volumes.all() if one.pk == given.get("volumeUuid") and one.type == VolumeType.DATA)
    volume = next(volumes, None)
    named = f"volume {volume.name}" if volume else "a volume"
    return {
        "volume": volume,
        "nothing": volume is None,
        "heading": f"Detach {named} from {vm.name}",
        "submit": "Detach",
    }


QUESTIONS: Mapping[str, Callable[[VmInstance, Given], dict[str, Any]]] = {
    "start": of_start,
    "stop": of_stop,
    "force-off": of_stop,
    "reboot": of_stop,
    "migrate": of_migrate,
    "destroy": of_destroy,
    "attach-volume": of_attach_volume,
    "add-volume": of_add_volume,
    "detach-volume": of_detach_volume,
}
