"""Tokens: how programs log in to the JSON endpoint."""

from django.conf import settings
from django.db import models

from console.models.resource import NAME_LENGTH, Dated


class ApiToken(Dated):
    """A key of one person's. Of the key only a hash is kept, so it is shown once, when it is made.

    `scope` are the paths of the inventories it reads; null: all of them. `expires` is null for one that never does.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=NAME_LENGTH)
    digest = models.CharField(max_length=128, unique=True, editable=False)
    scope = models.JSONField(null=True, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(Dated.Meta):
        verbose_name = "API token"
        ordering = ["-create_date", "uuid"]

    def __str__(self) -> str:
        return self.name
