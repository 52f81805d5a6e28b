"""How the apps make themselves known to the kernel."""

from importlib import import_module

from django.apps import AppConfig


class CorralApp(AppConfig):
    """An app whose tables (flows, inventories, tags, settings, commands) are registered by importing `registers`."""

    registers: tuple[str, ...] = ()

    def ready(self) -> None:
        for module in self.registers:
            import_module(f"{self.name}.{module}")


class ConsoleConfig(CorralApp):
    """The kernel every other app builds on: operations, queries, tags, settings."""

    name = "console"
    verbose_name = "Console"
    default = True
    registers = ("globalconfig", "sessions", "inventories", "commands", "deletion")
