from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError

from console import tokens
from console.errors import InvalidArgument


class Command(BaseCommand):
    """Makes an API token for a user; the database keeps only its hash, so it is shown this once."""

    help = "Prints a new API token of USER, for the header `Authorization: Token …`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument("--name", default="manage.py token", help="what it is for")
        parser.add_argument(
            "--expires", default=f"{tokens.LIFETIME.days}d", metavar="DAYS", help="such as 30d, or never (default 90d)"
        )
        parser.add_argument(
            "--scope", default="", metavar="PATHS", help="what it may read, such as vm-instances,hosts (default: all)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["user"]
        user = get_user_model()._default_manager.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user called {name}.")
        try:
            lifetime, scope = tokens.parse_lifetime(options["expires"]), tokens.parse_scope(options["scope"].split(","))
            tokens.check_name(options["name"])
            _, key = tokens.issue(user, options["name"], lifetime, scope)
        except InvalidArgument as error:
            raise CommandError(error.details) from error
        self.stdout.write(key)
