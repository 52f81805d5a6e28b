from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError
from knox.models import get_token_model


class Command(BaseCommand):
    """Makes an API token for a user; the database keeps only its hash, so it is shown this once."""

    help = "Prints a new API token of USER, for the header `Authorization: Token …`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["user"]
        user = get_user_model()._default_manager.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user called {name}.")
        _, token = get_token_model().objects.create(user=user)
        self.stdout.write(token)
