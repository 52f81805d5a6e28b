"""Virtual machines, their NICs and volumes (chapter, Inventory; semantics §2.1)."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from console.models import Dated, Enablement, Resource, Stamped
from console.operations.cause import cause
from hosts.models import Cluster, Host, HypervisorType, PrimaryStorage, Zone
from networks.models import L3Network, SecurityGroup, UsedIp
from vms.models.history import VmChange
from vms.models.image import Image, Platform
from vms.models.keeping import forget_disk_offering, forget_instance_offering
from vms.models.offering import DiskOffering, InstanceOffering, OfferedAllocator
from vms.states import VmState


class VmType(models.TextChoices):
    """Made by people, or by Corral for its own use."""

    USER_VM = "UserVm"
    APPLIANCE_VM = "ApplianceVm"


class VmQuerySet(Stamped["VmInstance"]):
    """Reads over VMs, and the one way their state changes."""

    def visible(self) -> "VmQuerySet":
        return self.exclude(state=VmState.DESTROYED)

    def transit(self, uuid: str, sources: frozenset[VmState] | set[VmState], target: VmState, **values: object) -> bool:
        """Move one VM to `target` when it is in one of `sources`; location moves in the same UPDATE.

        False: it was in another state, or is gone. The version counter moves with every change, and the history tells
        of it with its cause.
        """
        row = self.filter(pk=uuid, state__in=[str(state) for state in sources])
        values |= {"state": target, "state_since": timezone.now(), "state_cause": cause().kind}
        values |= {"version": models.F("version") + 1}
        with transaction.atomic():
            return bool(row.update(**values)) and self.model.objects.remember(uuid)

    def remember(self, uuid: str, state: VmState | None = None) -> bool:
        """Write into the history what the record of a VM says now, and why; True. Must run in its transaction.

        `state` for a record that is about to go.
        """
        vm = self.select_related("host", "target_host").get(pk=uuid)
        why = cause()
        VmChange.objects.create(
            vm_uuid=vm.pk,
            vm_name=vm.name,
            at=timezone.now() if state else vm.state_since,
            state=state or vm.state,
            host_uuid=vm.host_id or "",
            host_name=vm.host.name if vm.host else "",
            target_uuid=vm.target_host_id or "",
            target_name=vm.target_host.name if vm.target_host else "",
            version=vm.version,
            cause=why.kind,
            detail=why.detail[:255],
            operation_uuid=why.operation,
        )
        return True


VmManager = models.Manager.from_queryset(VmQuerySet)


class VmInstance(Resource):
    """A virtual machine. cpu_num, cpu_speed and memory_size were copied from the offering when it was made.

    `host` is where it is placed; its CPU and memory are reserved there exactly as long as it is set.
    """

    zone = models.ForeignKey(Zone, null=True, blank=True, on_delete=models.SET_NULL, related_name="vms")
    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.SET_NULL, related_name="vms")
    host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.PROTECT, related_name="vms")
    last_host = models.ForeignKey(Host, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    target_host = models.ForeignKey(
        Host, null=True, blank=True, on_delete=models.PROTECT, related_name="incoming",
        help_text="where it migrates to; its CPU and memory are reserved there as well",
    )  # fmt: skip
    image = models.ForeignKey(Image, null=True, on_delete=models.PROTECT, related_name="vms")
    instance_offering = models.ForeignKey(
        InstanceOffering, null=True, blank=True, on_delete=forget_instance_offering, db_constraint=False,
        related_name="vms",
    )  # fmt: skip
    root_volume = models.OneToOneField(
        "vms.Volume", null=True, blank=True, on_delete=models.SET_NULL, related_name="root_of"
    )
    default_l3_network = models.ForeignKey(L3Network, null=True, on_delete=models.SET_NULL, related_name="default_of")
    type = models.CharField(max_length=16, choices=VmType, default=VmType.USER_VM)
    hypervisor_type = models.CharField(max_length=16, choices=HypervisorType, default=HypervisorType.KVM)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in VmState], default=VmState.CREATED)
    state_since = models.DateTimeField(default=timezone.now)
    state_cause = models.CharField(max_length=16, default="operation", help_text="what led to the state")
    version = models.PositiveBigIntegerField(default=0, help_text="moves with every change; the tracer compares it")

    cpu_num = models.PositiveIntegerField()
    cpu_speed = models.PositiveIntegerField(default=1)
    memory_size = models.BigIntegerField()
    platform = models.CharField(
        max_length=32, choices=Platform, blank=True, help_text="of one that was made from no image"
    )
    allocator_strategy = models.CharField(max_length=64, default=OfferedAllocator.DEFAULT)
    internal_id = models.PositiveBigIntegerField(unique=True, help_text="short number for names of host devices")

    objects: ClassVar[VmManager] = VmManager()

    class Meta(Resource.Meta):
        verbose_name = "VM"
        ordering = ["-create_date", "uuid"]
        permissions = (("migrate_vminstance", "Can migrate VM"),)
        indexes = [
            # Lists leave destroyed ones out: with the state in them, these indexes alone say what is on a page.
            models.Index(fields=["-create_date", "uuid", "state"], name="vm_newest"),
            models.Index(Lower("name"), "uuid", "state", "name", name="vm_by_name"),
            models.Index(fields=["-last_op_date", "uuid", "state"], name="vm_changed"),
            models.Index(fields=["state", "uuid"], name="vm_by_state"),
        ]


class InternalId(models.Model):
    """Hands out the internal ids of VMs: the database's own counter, which never gives a number twice."""

    def __str__(self) -> str:
        return str(self.pk)


class VmNic(Dated):
    """A NIC; its address is its own until the VM is destroyed (chapter, VM Nic Inventory)."""

    vm = models.ForeignKey(VmInstance, on_delete=models.CASCADE, related_name="nics")
    l3_network = models.ForeignKey(L3Network, null=True, on_delete=models.SET_NULL, related_name="nics")
    used_ip = models.OneToOneField(UsedIp, null=True, on_delete=models.SET_NULL, related_name="nic")
    device_id = models.PositiveSmallIntegerField()
    mac = models.CharField(max_length=17, unique=True)
    ip = models.GenericIPAddressField(protocol="IPv4", null=True)
    netmask = models.GenericIPAddressField(protocol="IPv4", null=True)
    gateway = models.GenericIPAddressField(protocol="IPv4", null=True)
    internal_name = models.CharField(max_length=15, unique=True)
    meta_data = models.CharField(max_length=255, null=True, blank=True)
    security_groups = models.ManyToManyField(SecurityGroup, related_name="nics", blank=True)

    class Meta(Dated.Meta):
        verbose_name = "NIC"
        ordering = ["vm", "device_id"]
        constraints = [models.UniqueConstraint(fields=["vm", "device_id"], name="nic_device_once")]
        indexes = [
            models.Index(fields=["ip"], name="nic_ip"),
            models.Index(fields=["gateway"], name="nic_gateway"),
            models.Index(Lower("mac"), name="nic_mac"),
        ]

    def __str__(self) -> str:
        return f"{self.ip} ({self.mac})"


class VolumeType(models.TextChoices):
    """The disk a VM boots from, or one more."""

    ROOT = "Root"
    DATA = "Data"


class VolumeStatus(models.TextChoices):
    """How far a volume exists on its storage."""

    NOT_INSTANTIATED = "NotInstantiated"
    CREATING = "Creating"
    READY = "Ready"
    DELETED = "Deleted"


# What a volume may have been before; the same again is a step that is run twice. Nothing leaves Deleted by itself: only
# who took the volume out of use, and began nothing with its file, puts it back (vms.flows.volume.TakeOut).
VOLUME_BEFORE: Mapping[VolumeStatus, frozenset[VolumeStatus]] = MappingProxyType(
    {
        VolumeStatus.NOT_INSTANTIATED: frozenset({VolumeStatus.NOT_INSTANTIATED, VolumeStatus.READY}),
        VolumeStatus.CREATING: frozenset(),  # a data volume begins with it
        VolumeStatus.READY: frozenset(VolumeStatus) - {VolumeStatus.DELETED},
        VolumeStatus.DELETED: frozenset(VolumeStatus),
    }
)


class VolumeQuerySet(Stamped["Volume"]):
    """Reads over volumes, and the one way their status changes, but for what vms.flows.volume.TakeOut undoes."""

    def present(self) -> "VolumeQuerySet":
        """Those that are not being deleted."""
        return self.exclude(status=VolumeStatus.DELETED)

    def transit(self, uuid: str, target: VolumeStatus, **values: object) -> bool:
        """Move one of these to `target` when it may come from where it is; what it is tied to moves in the same UPDATE.

        False: it was in another status, is not one of these, or is gone.
        """
        row = self.filter(pk=uuid, status__in=VOLUME_BEFORE[target])
        return bool(row.update(status=target, **values))


VolumeManager = models.Manager.from_queryset(VolumeQuerySet)


class Volume(Resource):
    """A disk. `size` is what the guest sees, bytes; it is reserved on the primary storage as long as the row stands."""

    vm = models.ForeignKey(VmInstance, null=True, blank=True, on_delete=models.SET_NULL, related_name="volumes")
    primary_storage = models.ForeignKey(
        PrimaryStorage, null=True, blank=True, on_delete=models.PROTECT, related_name="volumes"
    )
    disk_offering = models.ForeignKey(
        DiskOffering, null=True, blank=True, on_delete=forget_disk_offering, db_constraint=False,
        related_name="volumes",
    )  # fmt: skip
    root_image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.PROTECT, related_name="volumes")
    type = models.CharField(max_length=8, choices=VolumeType)
    format = models.CharField(max_length=16, default="qcow2")
    size = models.BigIntegerField()
    actual_size = models.BigIntegerField(null=True, blank=True)
    device_id = models.PositiveSmallIntegerField(null=True, blank=True)
    install_path = models.CharField(max_length=1024, null=True, blank=True)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    status = models.CharField(max_length=16, choices=VolumeStatus, default=VolumeStatus.NOT_INSTANTIATED)

    objects: ClassVar[VolumeManager] = VolumeManager()

    class Meta(Resource.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["vm", "device_id"], condition=Q(vm__isnull=False), name="volume_device_once"
            ),
        ]
        indexes = [
            models.Index(fields=["-create_date", "uuid", "status"], name="volume_newest"),
            models.Index(Lower("name"), "uuid", "status", "name", name="volume_by_name"),
            models.Index(fields=["size"], name="volume_size"),
        ]

    @property
    def volume_name(self) -> str:
        """The name of its file in the storage's pool; one that was adopted has kept the name it had."""
        return PurePosixPath(self.install_path).name if self.install_path else f"{self.uuid}.{self.format}"
