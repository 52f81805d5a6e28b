import signal
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management import BaseCommand
from django.db import connection

from hosts.watch.watcher import LEASE, Watcher


class Command(BaseCommand):
    """Listens to hosts until it is told to stop."""

    help = "Listens to the events of hosts, so that changes made outside are seen at once. Several share the hosts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lease", type=float, default=LEASE, help="seconds until others take over from a dead one")

    def handle(self, *args: Any, **options: Any) -> None:
        watcher = Watcher(options["lease"])
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            watcher.run()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        connection.close()  # whatever statement was interrupted
        watcher.let_go()
