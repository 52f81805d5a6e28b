"""Domains on hosts that nobody recorded (semantics §3.4)."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from console.models.resource import UUID_LENGTH
from hosts.models import Host


class Stranger(models.Model):
    """One domain that a host showed and no record knows: listed, adopted or ignored, but never touched."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="strangers")
    domain_uuid = models.CharField(max_length=UUID_LENGTH)
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=16, help_text="as the host names it")
    vcpus = models.PositiveIntegerField(default=0)
    memory = models.BigIntegerField(default=0, help_text="bytes")
    persistent = models.BooleanField(default=True)
    first_seen = models.DateTimeField(default=timezone.now)
    devices = models.JSONField(null=True, help_text="its disks and NICs (DomainDevices); null: not known")
    asked = models.DateTimeField(null=True, help_text="when the host was last asked for them")
    ignored = models.BooleanField(default=False, help_text="as IgnoredDomain has it")
    ignored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["ignored", "-first_seen", "pk"]
        constraints = [models.UniqueConstraint(fields=["host", "domain_uuid"], name="stranger_once")]

    def __str__(self) -> str:
        return self.name


class IgnoredDomain(models.Model):
    """A domain that somebody said to leave alone, wherever it shows up: kept by its uuid, whatever host has it."""

    domain_uuid = models.CharField(primary_key=True, max_length=UUID_LENGTH)
    ignored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.domain_uuid
