from django.apps import AppConfig


class VmsConfig(AppConfig):
    """Virtual machines with their NICs, volumes, images and offerings."""

    name = "vms"
    verbose_name = "Virtual machines"
