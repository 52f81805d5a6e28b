"""The chapter's commands about VMs and their volumes."""

from console import inventory
from console.cli import RESOURCE_PARAMETERS, Accepted, Answer, Arguments, Parameter, command
from console.errors import NotFound
from console.models import Operation
from hosts.models import HostState
from hosts.services import change_host_state, get_host, leave_maintenance
from hosts.states import STATE_EVENTS
from vms import life
from vms.creation import CreateVm
from vms.life import DELETE_MODES, PERMISSIVE, Asked
from vms.maintenance import enter
from vms.models import VmType
from vms.services import create_vm, update_vm
from vms.volumes import NewVolume, attach_volume, create_volume, delete_volume, detach_volume

#: of ChangeHostState: the manual's word, and that of later versions
MAINTAIN_EVENTS = ("maintain", "preMaintain")


@command(
    "ChangeHostState",
    Parameter("uuid", required=True),
    Parameter("stateEvent", required=True, choices=(*STATE_EVENTS, *MAINTAIN_EVENTS)),
)
def change_state(given: Arguments) -> Answer:
    """Enable or disable a host, whose running VMs stay, or take it into maintenance: they migrate away first."""
    uuid, event = given["uuid"], given["stateEvent"]
    if event in MAINTAIN_EVENTS:
        return _answer(uuid, enter(uuid, Asked(user=given.user)), "Host")
    if get_host(uuid).state == HostState.MAINTENANCE:
        return _answer(uuid, leave_maintenance(uuid=uuid, event=event, user=given.user), "Host")
    change_host_state(uuid=uuid, event=event, user=given.user)
    return _answer(uuid, None, "Host")


@command(
    "CreateVmInstance",
    *RESOURCE_PARAMETERS,
    Parameter("instanceOfferingUuid", required=True),
    Parameter("imageUuid", required=True),
    Parameter("l3NetworkUuids", required=True, many=True),
    Parameter("defaultL3NetworkUuid"),
    Parameter("type", choices=tuple(VmType.values)),
    Parameter("rootDiskOfferingUuid"),
    Parameter("dataDiskOfferingUuids", many=True),
    Parameter("zoneUuid"),
    Parameter("clusterUuid"),
    Parameter("hostUuid"),
)
def create_vm_instance(given: Arguments) -> Accepted:
    """Create a VM from an image and start it."""
    operation = create_vm(
        CreateVm(
            name=given["name"],
            description=given.get("description"),
            resource_uuid=given.get("resourceUuid"),
            instance_offering_uuid=given["instanceOfferingUuid"],
            image_uuid=given["imageUuid"],
            l3_network_uuids=tuple(given["l3NetworkUuids"]),
            default_l3_network_uuid=given.get("defaultL3NetworkUuid"),
            type=given.get("type", VmType.USER_VM),
            root_disk_offering_uuid=given.get("rootDiskOfferingUuid"),
            data_disk_offering_uuids=tuple(given.get("dataDiskOfferingUuids", ())),
            zone_uuid=given.get("zoneUuid"),
            cluster_uuid=given.get("clusterUuid"),
            host_uuid=given.get("hostUuid"),
            system_tags=tuple(given.get("systemTags", ())),
            user_tags=tuple(given.get("userTags", ())),
        ),
        user=given.user,
    )
    return Accepted(operation, "VmInstance", operation.subject_uuid)


@command("UpdateVmInstance", Parameter("uuid", required=True), Parameter("name"), Parameter("description"))
def update_vm_instance(given: Arguments) -> Answer:
    """Change the name and the description of a VM; its domain gets them when it is started next."""
    update_vm(given["uuid"], {name: given[name] for name in ("name", "description") if name in given})
    return _answer(given["uuid"], None)


@command("StartVmInstance", Parameter("uuid", required=True))
def start_vm_instance(given: Arguments) -> Answer:
    """Start a stopped VM, on its last host where possible."""
    return _answer(given["uuid"], life.start_vm(given["uuid"], Asked(user=given.user)))


@command("StopVmInstance", Parameter("uuid", required=True), Parameter("type", choices=("grace", "cold")))
def stop_vm_instance(given: Arguments) -> Answer:
    """Stop a running VM: it is asked to shut down; type=cold switches it off at once."""
    force = given.get("type") == "cold"
    return _answer(given["uuid"], life.stop_vm(given["uuid"], Asked(user=given.user), force=force))


@command("RebootVmInstance", Parameter("uuid", required=True))
def reboot_vm_instance(given: Arguments) -> Answer:
    """Reboot a running VM on its host."""
    return _answer(given["uuid"], life.reboot_vm(given["uuid"], Asked(user=given.user)))


@command("DestroyVmInstance", Parameter("uuid", required=True), Parameter("deleteMode", choices=DELETE_MODES))
def destroy_vm_instance(given: Arguments) -> Answer:
    """Destroy a VM for good; one that does not exist is a success."""
    mode = given.get("deleteMode", PERMISSIVE)
    return _answer(given["uuid"], life.destroy_vm(given["uuid"], Asked(user=given.user), mode=mode))


@command("MigrateVm", Parameter("vmInstanceUuid", required=True), Parameter("hostUuid"))
def migrate_vm(given: Arguments) -> Answer:
    """Migrate a running VM live to another host, the best one when none is named."""
    uuid = given["vmInstanceUuid"]
    return _answer(uuid, life.migrate_vm(uuid, Asked(user=given.user), host=given.get("hostUuid")))


@command(
    "CreateDataVolume",
    *RESOURCE_PARAMETERS,
    Parameter("diskOfferingUuid", required=True),
    Parameter("primaryStorageUuid"),
)
def create_data_volume(given: Arguments) -> Accepted:
    """Create an empty data volume, on a primary storage with room when none is named."""
    request = NewVolume(
        name=given["name"],
        description=given.get("description"),
        resource_uuid=given.get("resourceUuid"),
        disk_offering_uuid=given["diskOfferingUuid"],
        primary_storage_uuid=given.get("primaryStorageUuid"),
        system_tags=tuple(given.get("systemTags", ())),
        user_tags=tuple(given.get("userTags", ())),
    )
    operation = create_volume(request, Asked(user=given.user))
    return Accepted(operation, "Volume", operation.arguments["volume"])


@command("AttachDataVolumeToVm", Parameter("vmInstanceUuid", required=True), Parameter("volumeUuid", required=True))
def attach_data_volume_to_vm(given: Arguments) -> Accepted:
    """Attach a data volume to a stopped VM."""
    uuid = given["volumeUuid"]
    return Accepted(attach_volume(uuid, given["vmInstanceUuid"], Asked(user=given.user)), "Volume", uuid)


@command("DetachDataVolumeFromVm", Parameter("uuid", required=True))
def detach_data_volume_from_vm(given: Arguments) -> Accepted:
    """Detach a data volume from its stopped VM."""
    return Accepted(detach_volume(given["uuid"], Asked(user=given.user)), "Volume", given["uuid"])


@command("DeleteDataVolume", Parameter("uuid", required=True))
def delete_data_volume(given: Arguments) -> Answer:
    """Delete a data volume for good, detached from its stopped VM first; one that does not exist is a success."""
    return _answer(given["uuid"], delete_volume(given["uuid"], Asked(user=given.user)), "Volume")


def _answer(uuid: str, operation: Operation | None, kind: str = "VmInstance") -> Answer:
    """What to wait for; where there was nothing to do, the thing as it is, or nothing of one that does not exist."""
    if operation:
        return Accepted(operation, kind, uuid)
    try:
        return {"inventory": inventory.get(kind).get_json(uuid)}
    except NotFound:
        return {}
