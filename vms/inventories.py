"""Inventories of VMs and what they are made of (chapter, Inventory; semantics §2.1, §8.5-§8.7, §8.9)."""

from console.inventory import DATED, NAMED, Field, Inventory, Json, format_date, json_of, register, relate
from console.query.schema import Kind
from vms.models import (
    DiskOffering,
    Eip,
    Image,
    ImageStatus,
    InstanceOffering,
    PortForwardingRule,
    Stranger,
    VmInstance,
    VmNic,
    Volume,
    VolumeStatus,
)
from vms.states import VmState
from vms.strangers import devices_of

VM_NIC = Inventory(
    name="VmNic",
    resource_type="VmNicVO",
    path="vm-nics",
    model=VmNic,
    fields=(
        Field("uuid", "uuid"),
        Field("vmInstanceUuid", "vm_id"),
        Field("l3NetworkUuid", "l3_network_id"),
        Field("ip", "ip"),
        Field("mac", "mac"),
        Field("netmask", "netmask"),
        Field("gateway", "gateway"),
        Field("metaData", "meta_data"),
        Field("deviceId", "device_id"),
        *DATED,
    ),
)

VOLUME = Inventory(
    name="Volume",
    resource_type="VolumeVO",
    path="volumes",
    model=Volume,
    hide=("status", VolumeStatus.DELETED),
    fields=(
        *NAMED,
        Field("vmInstanceUuid", "vm_id"),
        Field("primaryStorageUuid", "primary_storage_id"),
        Field("diskOfferingUuid", "disk_offering_id"),
        Field("rootImageUuid", "root_image_id"),
        Field("installPath", "install_path"),
        Field("type", "type"),
        Field("format", "format"),
        Field("size", "size"),
        Field("deviceId", "device_id"),
        Field("state", "state"),
        Field("status", "status"),
        *DATED,
    ),
)

VM_INSTANCE = Inventory(
    name="VmInstance",
    resource_type="VmInstanceVO",
    path="vm-instances",
    model=VmInstance,
    hide=("state", VmState.DESTROYED),
    fields=(
        *NAMED,
        Field("zoneUuid", "zone_id"),
        Field("clusterUuid", "cluster_id"),
        Field("hostUuid", "host_id"),
        Field("lastHostUuid", "last_host_id"),
        Field("imageUuid", "image_id"),
        Field("instanceOfferingUuid", "instance_offering_id"),
        Field("rootVolumeUuid", "root_volume_id"),
        Field("defaultL3NetworkUuid", "default_l3_network_id"),
        Field("type", "type"),
        Field("hypervisorType", "hypervisor_type"),
        Field("state", "state"),
        Field("vmNics", "nics", nested="VmNic", order=("device_id",)),
        Field("allVolumes", "volumes", nested="Volume", order=("device_id", "uuid")),
        *DATED,
    ),
    # Not among the keys of the manual, and columns of the list.
    further=(Field("cpuNum", "cpu_num"), Field("memorySize", "memory_size")),
)


def _backup_storage_refs(image: Image) -> list[Json]:
    """Where the image is kept; one store holds it."""
    return [
        {
            "backupStorageUuid": image.image_store_id,
            "createDate": format_date(image.create_date),
            "imageUuid": image.uuid,
            "installPath": image.install_path,
            "lastOpDate": format_date(image.last_op_date),
        }
    ]


IMAGE = Inventory(
    name="Image",
    resource_type="ImageVO",
    path="images",
    model=Image,
    hide=("status", ImageStatus.DELETED),
    fields=(
        *NAMED,
        Field("url", "url"),
        Field("mediaType", "media_type"),
        Field("format", "format"),
        Field("platform", "platform"),
        Field("guestOsType", "guest_os_type"),
        Field("hypervisorType", "hypervisor_type"),
        Field("size", "size"),
        Field("actualSize", "actual_size"),
        Field("system", "system"),
        Field("type", "type"),
        Field("state", "state"),
        Field("status", "status"),
        Field("backupStorageRefs", make=_backup_storage_refs),
        *DATED,
    ),
)

INSTANCE_OFFERING = Inventory(
    name="InstanceOffering",
    resource_type="InstanceOfferingVO",
    path="instance-offerings",
    model=InstanceOffering,
    fields=(
        *NAMED,
        Field("cpuNum", "cpu_num"),
        Field("cpuSpeed", "cpu_speed"),
        Field("memorySize", "memory_size"),
        Field("type", "type"),
        Field("allocatorStrategy", "allocator_strategy"),
        Field("state", "state"),
        Field("sortKey", "sort_key"),
        *DATED,
    ),
)

DISK_OFFERING = Inventory(
    name="DiskOffering",
    resource_type="DiskOfferingVO",
    path="disk-offerings",
    model=DiskOffering,
    fields=(
        *NAMED,
        Field("diskSize", "disk_size"),
        Field("type", "type"),
        Field("allocatorStrategy", "allocator_strategy"),
        Field("state", "state"),
        Field("sortKey", "sort_key"),
        *DATED,
    ),
)

EIP = Inventory(
    name="Eip",
    resource_type="EipVO",
    path="eips",
    model=Eip,
    select=("vip", "nic"),
    fields=(
        *NAMED,
        Field("vipUuid", "vip_id"),
        Field("vipIp", "vip.ip"),
        Field("vmNicUuid", "nic_id"),
        Field("guestIp", "nic.ip"),
        Field("state", "state"),
        *DATED,
    ),
)

PORT_FORWARDING_RULE = Inventory(
    name="PortForwardingRule",
    resource_type="PortForwardingRuleVO",
    path="port-forwarding-rules",
    model=PortForwardingRule,
    select=("vip", "nic"),
    fields=(
        *NAMED,
        Field("vipUuid", "vip_id"),
        Field("vipIp", "vip.ip"),
        Field("vmNicUuid", "nic_id"),
        Field("guestIp", "nic.ip"),
        Field("vipPortStart", "vip_port_start"),
        Field("vipPortEnd", "vip_port_end"),
        Field("privatePortStart", "private_port_start"),
        Field("privatePortEnd", "private_port_end"),
        Field("protocolType", "protocol_type"),
        Field("allowedCidr", "allowed_cidr"),
        Field("state", "state"),
        *DATED,
    ),
)

_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer"}
#: keys of a stranger's disk and NIC, in their order; what its host does not tell of one is left out
_STRANGER_DISK = (
    Field("bootOrder", "boot_order", schema=_COUNT | {"description": "from 1 on", "example": 1}),
    Field("bus", "bus", schema=_TEXT | {"example": "virtio"}),
    Field("device", "device", schema=_TEXT | {"description": "disk, cdrom, floppy or lun", "example": "disk"}),
    Field("format", "format", schema=_TEXT | {"example": "qcow2"}),
    Field("path", "path", schema=_TEXT | {"example": "/var/lib/libvirt/images/shop.qcow2"}),
    Field("size", "capacity", schema=_COUNT | {"description": "bytes that the guest sees", "example": 10737418240}),
    Field("target", "target", schema=_TEXT | {"example": "vda"}),
)
_STRANGER_NIC = (
    Field("bridge", "bridge", schema=_TEXT | {"example": "br0"}),
    Field("ip", "address", schema=_TEXT | {"description": "as its host knows it", "example": "10.0.0.218"}),
    Field("mac", "mac", schema=_TEXT | {"example": "52:54:00:6b:3c:58"}),
    Field("model", "model", schema=_TEXT | {"example": "virtio"}),
    Field("networkUuid", "network", schema=_TEXT | {"description": "of a libvirt network of its host"}),
)


def _part_of_stranger(name: str, fields: tuple[Field, ...]) -> Field:
    """What a domain is made of, as its host told last; left out while that is not known."""
    known = {field.json: field.schema or {} for field in fields}
    example = {json: schema["example"] for json, schema in known.items() if "example" in schema}
    one: Json = {"type": "object", "properties": known, "additionalProperties": False}

    def make(row: Stranger) -> list[Json] | None:
        devices = devices_of(row)
        return None if devices is None else [json_of(fields, part) for part in getattr(devices, name)]

    return Field(name, make=make, schema={"type": "array", "items": one, "example": [example]})


#: one domain may be defined on several hosts: it is there once for each, under the same uuid
STRANGER_VM = Inventory(
    name="StrangerVm",
    resource_type="StrangerVmVO",
    path="stranger-vms",
    model=Stranger,
    identity="domain_uuid",
    tagged=False,
    fields=(
        Field("uuid", "domain_uuid", kind=Kind.UUID),
        Field("name", "name"),
        Field("hostUuid", "host_id"),
        Field("state", "state"),
        Field("cpuNum", "vcpus"),
        Field("memorySize", "memory"),
        Field("persistent", "persistent"),
        _part_of_stranger("disks", _STRANGER_DISK),
        _part_of_stranger("nics", _STRANGER_NIC),
        Field("ignored", "ignored"),
        Field("createDate", "first_seen"),
    ),
)

register(VM_NIC, VOLUME, VM_INSTANCE, IMAGE, INSTANCE_OFFERING, DISK_OFFERING, EIP, PORT_FORWARDING_RULE, STRANGER_VM)

relate(
    ("VmInstance", "zone", "Zone", "zone"),
    ("VmInstance", "cluster", "Cluster", "cluster"),
    ("VmInstance", "host", "Host", "host"),
    ("VmInstance", "image", "Image", "image"),
    ("VmInstance", "instanceOffering", "InstanceOffering", "instance_offering"),
    ("VmInstance", "rootVolume", "Volume", "root_volume"),
    ("VmNic", "vmInstance", "VmInstance", "vm"),
    ("VmNic", "l3Network", "L3Network", "l3_network"),
    ("Volume", "vmInstance", "VmInstance", "vm"),
    ("Volume", "primaryStorage", "PrimaryStorage", "primary_storage"),
    ("Volume", "diskOffering", "DiskOffering", "disk_offering"),
    ("Volume", "image", "Image", "root_image"),
    ("Image", "backupStorage", "BackupStorage", "image_store"),
    ("Image", "volume", "Volume", "volumes"),
    ("InstanceOffering", "vmInstance", "VmInstance", "vms"),
    ("DiskOffering", "volume", "Volume", "volumes"),
    ("Zone", "vmInstance", "VmInstance", "vms"),
    ("Cluster", "vmInstance", "VmInstance", "vms"),
    ("Host", "vmInstance", "VmInstance", "vms"),
    ("PrimaryStorage", "volume", "Volume", "volumes"),
    ("BackupStorage", "image", "Image", "images"),
    ("L3Network", "vmNic", "VmNic", "nics"),
    ("VmNic", "eip", "Eip", "eip"),
    ("VmNic", "portForwarding", "PortForwardingRule", "port_forwarding_rules"),
    ("VmNic", "securityGroup", "SecurityGroup", "security_groups"),
    ("Vip", "eip", "Eip", "eip"),
    ("Vip", "portForwarding", "PortForwardingRule", "port_forwarding_rules"),
    ("Eip", "vip", "Vip", "vip"),
    ("Eip", "vmNic", "VmNic", "nic"),
    ("PortForwardingRule", "vip", "Vip", "vip"),
    ("PortForwardingRule", "vmNic", "VmNic", "nic"),
    ("SecurityGroup", "vmNic", "VmNic", "nics"),
    ("StrangerVm", "host", "Host", "host"),
    ("Host", "strangerVm", "StrangerVm", "strangers"),
)
