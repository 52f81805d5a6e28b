"""Overrides of global configurations and what became of them; the definitions are code (console.globalconfig)."""

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


class GlobalConfigChange(models.Model):
    """One value became another one: when, and by whom where an account is known."""

    category = models.CharField(max_length=64)
    name = models.CharField(max_length=128)
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    before = models.CharField(max_length=1024)
    after = models.CharField(max_length=1024)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["category", "name", "-at"], name="config_history")]

    def __str__(self) -> str:
        return f"{self.category}.{self.name}: {self.before} to {self.after}"
