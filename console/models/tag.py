"""User and system tags (semantics §6)."""

from django.db import models
from django.db.models.functions import Lower

from console.models.resource import UUID_LENGTH, Dated


class TagType(models.TextChoices):
    """Who gives a tag its meaning: people, or Corral."""

    USER = "User"
    SYSTEM = "System"


class Tag(Dated):
    """A text on a resource; system tags follow a declared pattern (console.systemtags)."""

    resource_uuid = models.CharField(max_length=UUID_LENGTH)
    resource_type = models.CharField(max_length=64)
    tag = models.CharField(max_length=2048)
    type = models.CharField(max_length=8, choices=TagType, default=TagType.USER)
    inherent = models.BooleanField(default=False, help_text="set by Corral; cannot be made or deleted by people")

    class Meta(Dated.Meta):
        ordering = ["tag", "uuid"]
        constraints = [
            models.UniqueConstraint(fields=["resource_uuid", "type", "tag"], name="tag_once_per_resource"),
        ]
        indexes = [models.Index("resource_type", "type", Lower("tag"), name="tag_folded")]

    def __str__(self) -> str:
        return self.tag
