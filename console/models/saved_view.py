"""Views of lists that people keep."""

from django.conf import settings
from django.db import models
from django.db.models import Q

NAME_LENGTH = 64


class SavedView(models.Model):
    """A name for what the address of a list asks; its owner's alone.

    `page` is the namespace of the list's addresses, `query` the parameters of the address.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=64)
    name = models.CharField(max_length=NAME_LENGTH)
    query = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="view_name_once"),
            models.UniqueConstraint(fields=["user", "page"], condition=Q(is_default=True), name="view_default_once"),
        ]

    def __str__(self) -> str:
        return self.name
