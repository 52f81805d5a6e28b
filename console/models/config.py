"""Overrides of global configurations and their history; the definitions are code (console.globalconfig)."""

from django.conf import settings
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


class ConfigChange(models.Model):
    """One change of a value: who made it, and from what to what. Written in the transaction of the change."""

    at = models.DateTimeField(default=timezone.now)
    category = models.CharField(max_length=64)
    name = models.CharField(max_length=128)
    before = models.CharField(max_length=1024)
    after = models.CharField(max_length=1024)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["category", "name", "-at"], name="config_change_of")]

    def __str__(self) -> str:
        return f"{self.category}.{self.name}: {self.before} → {self.after}"
