"""What the channel to a host was like, and since when: kept beyond the host itself."""

from django.db import models
from django.utils import timezone

from console.models.resource import NAME_LENGTH, UUID_LENGTH


class HostChange(models.Model):
    """One change of a host's status, why, and its cause. No foreign keys: it tells of what may be gone."""

    host_uuid = models.CharField(max_length=UUID_LENGTH)
    host_name = models.CharField(max_length=NAME_LENGTH)
    at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=16)
    reason = models.CharField(max_length=512, blank=True)
    cause = models.CharField(max_length=16)
    operation_uuid = models.CharField(max_length=UUID_LENGTH, blank=True)

    class Meta:
        ordering = ["host_uuid", "-at", "-pk"]
        indexes = [models.Index(fields=["host_uuid", "-at"], name="host_change_of")]

    def __str__(self) -> str:
        return f"{self.host_name} {self.status}"
