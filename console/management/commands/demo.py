from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from console.demo.places import furnish_lab, furnish_simulator, the_lab
from console.errors import CorralError
from hosts.lab.errors import LabError


class Command(BaseCommand):
    """Makes the demo datacenter, or makes it whole again."""

    help = "Two real libvirt hosts in a lab (or simulated ones) with zone, cluster, storage, networks and an image."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hosts", type=int, default=2, help="hosts of the lab")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if settings.CORRAL_HYPERVISOR == "simulator":
                self.stdout.write("Setting up the demo datacenter on simulated hosts…")
                demo = furnish_simulator()
            else:
                self.stdout.write(f"Setting up the demo datacenter: {options['hosts']} libvirt hosts and an image…")
                self.stdout.flush()
                lab = the_lab()
                lab.up(hosts=options["hosts"])
                demo = furnish_lab(lab)
            demo.add_services()
        except (CorralError, LabError) as error:
            raise CommandError(f"The demo datacenter is not complete: {error}") from error
        self.stdout.write(f"The demo datacenter is ready. A VM to begin with:\n  {demo.example()}")
