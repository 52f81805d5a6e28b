"""What was true of VMs, and since when: kept beyond the VMs themselves."""

from django.db import models
from django.utils import timezone

from console.models.resource import NAME_LENGTH, UUID_LENGTH


class VmChange(models.Model):
    """One change of a VM's state or place, and its cause. No foreign keys: it tells of what may be gone."""

    vm_uuid = models.CharField(max_length=UUID_LENGTH)
    vm_name = models.CharField(max_length=NAME_LENGTH)
    at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=16)
    host_uuid = models.CharField(max_length=UUID_LENGTH, blank=True)
    host_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    target_uuid = models.CharField(max_length=UUID_LENGTH, blank=True)
    target_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    version = models.PositiveBigIntegerField(default=0)
    cause = models.CharField(max_length=16)
    detail = models.CharField(max_length=255, blank=True)
    operation_uuid = models.CharField(max_length=UUID_LENGTH, blank=True)

    class Meta:
        ordering = ["vm_uuid", "-at", "-pk"]
        indexes = [
            models.Index(fields=["vm_uuid", "-at"], name="vm_change_of"),
            models.Index(fields=["host_uuid", "-at"], name="vm_change_on"),
        ]

    def __str__(self) -> str:
        return f"{self.vm_name} {self.state}"
