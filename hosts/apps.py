from django.apps import AppConfig


class HostsConfig(AppConfig):
    """Zones, clusters, hosts and their storage."""

    name = "hosts"
    verbose_name = "Hosts"
