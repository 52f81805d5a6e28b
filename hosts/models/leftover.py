"""What is still to be removed from a host."""

from django.db import models

from console.models.resource import UUID_LENGTH
from hosts.models.host import Host


class LeftoverKind(models.TextChoices):
    """What Corral makes on hosts for the sake of other resources."""

    NETWORK = "network"
    POOL = "pool"
    DOMAIN = "domain"


class Leftover(models.Model):
    """Something on a host whose record is gone. It is removed at once where the host answers, else when it connects."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="leftovers")
    kind = models.CharField(max_length=16, choices=LeftoverKind)
    uuid = models.CharField(max_length=UUID_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "kind", "uuid"], name="leftover_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"
