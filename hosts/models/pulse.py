"""How a host is watched: a row of its own, so that looking at a host is no change of its record."""

from django.db import models
from django.utils import timezone

from hosts.models.host import Host


class Heard(models.TextChoices):
    """Where knowledge of a host's guests came from."""

    POLL = "poll"
    EVENT = "event"
    HANDSHAKE = "handshake"


class HostPulse(models.Model):
    """When a host is looked at next, when it was last seen whole, and which watcher listens to its events."""

    host = models.OneToOneField(Host, primary_key=True, on_delete=models.CASCADE, related_name="pulse")
    look_at = models.DateTimeField(default=timezone.now, db_index=True)
    looking_until = models.DateTimeField(null=True, blank=True, help_text="somebody looks just now")
    misses = models.PositiveSmallIntegerField(default=0, help_text="looks in a row that were not answered")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="the last complete listing of its guests")
    seen_by = models.CharField(max_length=16, choices=Heard, blank=True)
    watcher = models.CharField(max_length=128, blank=True, help_text="the process that listens to its events")
    watched_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"pulse of {self.host_id}"
