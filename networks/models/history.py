"""Who had an address, and when: kept beyond the address and its owner."""

from typing import Any

from django.db import models
from django.utils import timezone

from console.models.resource import NAME_LENGTH, UUID_LENGTH
from console.operations.cause import cause


class AddressUseQuerySet(models.QuerySet["AddressUse"]):
    """Reads over uses of addresses."""

    def at(self, moment: object) -> "AddressUseQuerySet":
        """Those that held at a moment."""
        return self.filter(since__lte=moment).exclude(until__lte=moment)

    def begin(self, **values: Any) -> None:
        """From now on somebody has it, by the operation that works now."""
        self.create(begun_by=cause().operation, **values)

    def end(self) -> None:
        """Those that still hold end now, by the operation that works now."""
        self.filter(until=None).update(until=timezone.now(), ended_by=cause().operation)


class AddressUse(models.Model):
    """An address on a NIC, or as a VIP, from `since` to `until`; still there while that is empty. No foreign keys: it
    tells of what may be gone. `mac` is empty for a VIP; `begun_by` and `ended_by` are uuids of operations, empty where
    none did it.
    """

    l3_uuid = models.CharField(max_length=UUID_LENGTH)
    l3_name = models.CharField(max_length=NAME_LENGTH)
    ip = models.GenericIPAddressField(protocol="IPv4")
    mac = models.CharField(max_length=17, blank=True)
    owner_type = models.CharField(max_length=64, default="VmInstance")
    owner_uuid = models.CharField(max_length=UUID_LENGTH, db_index=True)
    owner_name = models.CharField("name of the owner", max_length=NAME_LENGTH)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    begun_by = models.CharField(max_length=UUID_LENGTH, blank=True, default="")
    ended_by = models.CharField(max_length=UUID_LENGTH, blank=True, default="")

    objects = AddressUseQuerySet.as_manager()

    class Meta:
        ordering = ["-since", "-pk"]
        indexes = [models.Index(fields=["ip", "-since"], name="address_use_of")]

    def __str__(self) -> str:
        return f"{self.ip} of {self.owner_name}"
