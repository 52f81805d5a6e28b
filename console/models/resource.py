"""What every resource has (semantics §1.1)."""

from typing import Any, Self, TypeVar, cast

from django.db import models
from django.utils import timezone

from console.naming import new_uuid

DESCRIPTION_LENGTH = 2048
NAME_LENGTH = 255
UUID_LENGTH = 32


M = TypeVar("M", bound=models.Model, covariant=True)


class Stamped(models.QuerySet[M]):
    """A QuerySet whose every UPDATE moves lastOpDate, so that no writer can forget it."""

    def update(self, **values: Any) -> int:
        values.setdefault("last_op_date", timezone.now())
        return super().update(**values)

    def update_unstamped(self, **values: Any) -> int:
        """UPDATE that is no change of the resource, such as the age of an observation."""
        return super().update(**values)


StampedManager = models.Manager.from_queryset(Stamped)


class Dated(models.Model):
    """uuid, createDate and lastOpDate: what even nameless things have."""

    uuid = models.CharField(primary_key=True, max_length=UUID_LENGTH, default=new_uuid, editable=False)
    create_date = models.DateTimeField("created", default=timezone.now, editable=False)
    last_op_date = models.DateTimeField("last changed", default=timezone.now, editable=False)

    objects = StampedManager()

    class Meta:
        abstract = True
        get_latest_by = "create_date"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.last_op_date = timezone.now()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "last_op_date"}
        super().save(*args, **kwargs)

    def reload(self) -> Self:
        """The row as it is now."""
        return cast(Self, type(self)._default_manager.get(pk=self.pk))


class Resource(Dated):
    """A named thing that people own and refer to."""

    name = models.CharField(max_length=NAME_LENGTH)
    description = models.CharField(max_length=DESCRIPTION_LENGTH, null=True, blank=True)

    class Meta(Dated.Meta):
        abstract = True
        ordering = ["name", "uuid"]

    def __str__(self) -> str:
        return self.name


class Enablement(models.TextChoices):
    """The admin's will for things that are either in use or not."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
