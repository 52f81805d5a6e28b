"""The chapter's commands about VMs."""

from console.cli import RESOURCE_PARAMETERS, Accepted, Arguments, Parameter, command
from vms.creation import CreateVm
from vms.models import VmType
from vms.services import create_vm


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
