"""Hosts (semantics §8.2): the admin's will (state), the channel (status), capacity, and what the handshake found."""

from django.db import models
from django.db.models.functions import Lower

from console.models import Resource
from hosts.hypervisor.spec import Emulation
from hosts.models.zone import Cluster, HypervisorType


class HostState(models.TextChoices):
    """What the admin wants of a host."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PRE_MAINTENANCE = "PreMaintenance"
    MAINTENANCE = "Maintenance"


class HostStatus(models.TextChoices):
    """What the channel to a host is like."""

    CONNECTING = "Connecting"
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"


#: a host in maintenance: nobody looks at it, and what it was when that began says nothing of now
UNWATCHED = "Unwatched"


def known_status() -> models.Case:
    """What the channel to a host is like as far as it is known now: a status, or `UNWATCHED`."""
    resting = models.When(state=HostState.MAINTENANCE, status=HostStatus.CONNECTED, then=models.Value(UNWATCHED))
    return models.Case(resting, default=models.F("status"), output_field=models.CharField())


class Host(Resource):
    """One libvirt host. `used_*` is what VMs have reserved; capacity.py alone moves it."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="hosts")
    management_ip = models.CharField("management address", max_length=255, unique=True)
    uri = models.CharField("libvirt URI", max_length=512, unique=True)
    hypervisor_type = models.CharField(max_length=16, choices=HypervisorType, default=HypervisorType.KVM)
    state = models.CharField(max_length=16, choices=HostState, default=HostState.ENABLED)
    status = models.CharField(max_length=16, choices=HostStatus, default=HostStatus.CONNECTING)
    status_since = models.DateTimeField(null=True, blank=True)
    status_reason = models.CharField(max_length=512, blank=True)

    total_cpu = models.PositiveIntegerField("CPU cores", default=0)
    used_cpu = models.PositiveIntegerField("CPUs reserved by VMs", default=0)
    total_memory = models.BigIntegerField(default=0)
    used_memory = models.BigIntegerField("memory reserved by VMs", default=0)

    hostname = models.CharField(max_length=255, blank=True)
    hypervisor_uuid = models.CharField(max_length=36, null=True, blank=True, unique=True)
    cpu_model = models.CharField(max_length=128, blank=True)
    cpu_mhz = models.PositiveIntegerField(default=0)
    libvirt_version = models.CharField(max_length=32, blank=True)
    qemu_version = models.CharField(max_length=32, blank=True)
    os_distribution = models.CharField(max_length=64, blank=True)
    os_release = models.CharField(max_length=64, blank=True)
    os_version = models.CharField(max_length=64, blank=True)
    emulation = models.CharField(max_length=8, blank=True, choices=[(e.value, e.value) for e in Emulation])
    prepared = models.PositiveSmallIntegerField("version of the hook", null=True, blank=True)
    kvm_note = models.CharField(max_length=512, blank=True)

    class Meta(Resource.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(used_cpu__gte=0), name="host_cpu_not_negative"),
            models.CheckConstraint(condition=models.Q(used_memory__gte=0), name="host_memory_not_negative"),
        ]
        indexes = [
            models.Index(Lower("name"), "uuid", name="host_name"),
            models.Index(Lower("management_ip"), name="host_management_ip"),
        ]

    @property
    def over_committed(self) -> bool:
        return self.total_memory > 0 and self.used_memory > self.total_memory
