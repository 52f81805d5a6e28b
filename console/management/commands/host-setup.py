"""`manage.py host-setup | ssh root@HOST sh` sets a machine up as a host."""  # noqa: N999  the command's name

from typing import Any

from django.core.management import BaseCommand

from hosts.hostside.installation import script


class Command(BaseCommand):
    """Print the shell script that sets a machine up as a host: manage.py host-setup | ssh root@HOST sh"""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(script(), ending="")
