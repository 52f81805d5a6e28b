"""What a look at hosts and storages found that no record knows, or found missing (vms.recovery)."""

from django.db import models
from django.utils import timezone

from hosts.models import Host, PrimaryStorage


class LeakKind(models.TextChoices):
    """What is wrong, and where: files and missing files on a storage, the others on a host."""

    FILE = "file"
    MISSING = "missing"
    NETWORK = "network"
    OUTDATED = "outdated"


class Leak(models.Model):
    """One thing that the last look found. `name` is a file's name, a volume's or a network's uuid."""

    kind = models.CharField(max_length=16, choices=LeakKind)
    host = models.ForeignKey(Host, null=True, on_delete=models.CASCADE, related_name="leaks")
    storage = models.ForeignKey(PrimaryStorage, null=True, on_delete=models.CASCADE, related_name="leaks")
    name = models.CharField(max_length=255)
    detail = models.CharField(max_length=1024, blank=True, help_text="what was found, with figures")
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["kind", "host__name", "storage__name", "name"]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
