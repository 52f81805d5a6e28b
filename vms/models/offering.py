"""Instance and disk offerings (semantics §8.5)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from console.models import Enablement, Resource

MIN_MEMORY = 16 << 20


class OfferingType(models.TextChoices):
    """For whose VMs an offering is."""

    USER_VM = "UserVm"
    VIRTUAL_ROUTER = "VirtualRouter"


class OfferedAllocator(models.TextChoices):
    """Strategies an offering may choose (semantics §4.1, §13.18)."""

    DEFAULT = "DefaultHostAllocatorStrategy"
    LEAST_VM = "LeastVmPreferredHostAllocatorStrategy"


class InstanceOffering(Resource):
    """Processors and memory of a VM; copied to it at creation, so later changes never touch existing VMs."""

    cpu_num = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1024)])
    cpu_speed = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    memory_size = models.BigIntegerField(validators=[MinValueValidator(MIN_MEMORY)])
    type = models.CharField(max_length=32, choices=OfferingType, default=OfferingType.USER_VM)
    allocator_strategy = models.CharField(max_length=64, choices=OfferedAllocator, default=OfferedAllocator.DEFAULT)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    sort_key = models.IntegerField(default=0)


class DiskOffering(Resource):
    """The size of a data volume, or of the root volume of a VM installed from an ISO."""

    disk_size = models.BigIntegerField(validators=[MinValueValidator(1)])
    type = models.CharField(max_length=32, default="zstack", editable=False)
    allocator_strategy = models.CharField(
        max_length=64, default="DefaultPrimaryStorageAllocationStrategy", editable=False
    )
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    sort_key = models.IntegerField(default=0)
