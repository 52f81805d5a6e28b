"""Images and their copies on primary storages (semantics §8.6)."""

from pathlib import Path

from django.db import models

from console.models import Dated, Enablement, Operation, Resource
from hosts.models import HypervisorType, ImageStore, PrimaryStorage


class MediaType(models.TextChoices):
    """What an image is for."""

    ROOT_VOLUME_TEMPLATE = "RootVolumeTemplate"
    DATA_VOLUME_TEMPLATE = "DataVolumeTemplate"
    ISO = "ISO"


class ImageFormat(models.TextChoices):
    """How an image file is laid out."""

    QCOW2 = "qcow2"
    RAW = "raw"
    ISO = "iso"


class ImageStatus(models.TextChoices):
    """Whether an image can be used."""

    CREATING = "Creating"
    DOWNLOADING = "Downloading"
    READY = "Ready"
    DELETED = "Deleted"


class Platform(models.TextChoices):
    """What the guest has drivers for: Linux and Paravirtualization speak virtio, the others do not."""

    LINUX = "Linux"
    WINDOWS = "Windows"
    PARAVIRTUALIZATION = "Paravirtualization"
    OTHER = "Other"

    @property
    def virtio(self) -> bool:
        return self in (Platform.LINUX, Platform.PARAVIRTUALIZATION)


class Image(Resource):
    """A template or ISO in an image store. `size` is the virtual size, `actual_size` that of the file, in bytes."""

    image_store = models.ForeignKey(ImageStore, on_delete=models.PROTECT, related_name="images")
    url = models.CharField(max_length=2048, blank=True)
    install_path = models.CharField("file in the store", max_length=1024)
    media_type = models.CharField(max_length=32, choices=MediaType, default=MediaType.ROOT_VOLUME_TEMPLATE)
    format = models.CharField(max_length=16, choices=ImageFormat, default=ImageFormat.QCOW2)
    platform = models.CharField(max_length=32, choices=Platform, default=Platform.LINUX)
    guest_os_type = models.CharField(max_length=255, null=True, blank=True)
    hypervisor_type = models.CharField(max_length=16, choices=HypervisorType, default=HypervisorType.KVM)
    size = models.BigIntegerField(default=0)
    actual_size = models.BigIntegerField(default=0)
    system = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    status = models.CharField(max_length=16, choices=ImageStatus, default=ImageStatus.READY)
    type = models.CharField(max_length=32, default="zstack", editable=False)

    @property
    def path(self) -> Path:
        """The file in the image store, on the machine of the console."""
        store = Path(self.image_store.url).resolve()
        path = (store / self.install_path).resolve()
        if not path.is_relative_to(store):
            raise ValueError(f"image {self.pk} lies outside of its image store")
        return path


class CachedImage(Dated):
    """The one copy of an image on a primary storage, the base of thin clones there.

    While it is not ready, `operation` is the one that uploads it; `tries` is part of the file's name, so an upload
    that was given up can never write into a later one.
    """

    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="cached")
    primary_storage = models.ForeignKey(PrimaryStorage, on_delete=models.CASCADE, related_name="cached_images")
    ready = models.BooleanField(default=False)
    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="+")
    tries = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0, help_text="reserved on the storage, bytes")

    class Meta(Dated.Meta):
        constraints = [models.UniqueConstraint(fields=["image", "primary_storage"], name="image_cached_once")]

    def __str__(self) -> str:
        return self.volume_name

    @property
    def volume_name(self) -> str:
        return f"image-{self.image_id}-{self.tries}.{self.image.format}"
