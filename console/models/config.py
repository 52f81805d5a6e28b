"""Overrides of global configurations; the definitions are code (console.globalconfig)."""

from django.db import models
from django.utils import timezone


class GlobalConfig(models.Model):
    """One value that differs from its default."""

    category = models.CharField(max_length=64)
    name = models.CharField(max_length=128)
    value = models.CharField(max_length=1024)
    last_op_date = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["category", "name"], name="config_once")]

    def __str__(self) -> str:
        return f"{self.category}.{self.name}={self.value}"
