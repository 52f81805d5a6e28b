import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management import BaseCommand, CommandError

from console.demo.places import furnish_lab, the_lab
from console.errors import CorralError
from hosts.lab.errors import LabError
from hosts.lab.faults import FAULTS
from hosts.lab.lab import Lab
from hosts.lab.plan import DEFAULT_NAME


class Command(BaseCommand):
    """A datacenter of real libvirt hosts on this box: make, look, break, mend, remove."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=DEFAULT_NAME, help="which lab; several live side by side")
        verbs = parser.add_subparsers(dest="verb", required=True)
        up = verbs.add_parser("up", help="bring the lab up and register it")
        up.add_argument("--hosts", type=int, default=2)
        up.add_argument("--bare", action="store_true", help="only the hosts, nothing is registered")
        verbs.add_parser("down", help="remove hosts, their guests and their files")
        verbs.add_parser("halt", help="switch it off and keep its disks; up continues with them")
        verbs.add_parser("status", help="what runs, as JSON")
        for verb, words in (("break", "do a fault to a host"), ("mend", "undo all faults of a host")):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("host")
            if verb == "break":
                one.add_argument("fault", choices=sorted(FAULTS))

    def handle(self, *args: Any, **options: Any) -> None:
        lab = the_lab(options["name"])
        try:
            getattr(self, f"do_{options['verb']}")(lab, options)
        except (CorralError, LabError) as error:
            raise CommandError(str(error)) from error

    def do_up(self, lab: Lab, options: dict[str, Any]) -> None:
        for host in lab.up(hosts=options["hosts"]):
            self.stdout.write(f"{host.name} {host.uri}")
        if not options["bare"]:
            furnish_lab(lab)

    def do_down(self, lab: Lab, options: dict[str, Any]) -> None:
        lab.down()
        self.stdout.write(f"Lab {lab.name} is gone. Its records stay; its hosts are no longer there.")

    def do_halt(self, lab: Lab, options: dict[str, Any]) -> None:
        lab.halt()
        self.stdout.write(f"Lab {lab.name} is off.")

    def do_status(self, lab: Lab, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps([asdict(host) for host in lab.status()], indent=2))

    def do_break(self, lab: Lab, options: dict[str, Any]) -> None:
        lab.break_(options["host"], options["fault"])
        self.stdout.write(f"{options['host']}: {options['fault']}")

    def do_mend(self, lab: Lab, options: dict[str, Any]) -> None:
        lab.mend(options["host"])
        self.stdout.write(f"{options['host']}: mended")
