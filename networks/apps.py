from django.apps import AppConfig


class NetworksConfig(AppConfig):
    """L2 and L3 networks, addresses and network services."""

    name = "networks"
    verbose_name = "Networks"
