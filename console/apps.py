from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The kernel every other app builds on: operations, queries, tags, settings."""

    name = "console"
    verbose_name = "Console"
