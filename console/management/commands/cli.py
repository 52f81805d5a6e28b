import json
import logging
import os
import sys
from argparse import REMAINDER, ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management import BaseCommand

from console import inventory
from console.busy import DatabaseBusy, is_busy
from console.cli import Accepted, Answer, commands, find
from console.cli_query import register_queries
from console.errors import CorralError, NotFound
from console.inventory import Json
from console.models.operation import COMMAND_LINE
from console.operations.services import asked_via
from console.waiting import wait

logger = logging.getLogger(__name__)

NO_WAIT = "--no-wait"
HELP = ("help", "--help", "-h")


class Command(BaseCommand):
    """Gives the commands of the API: `cli CreateVmInstance name=vm …`; prints JSON; exit code 0 or 1."""

    help = (
        "Runs one command, e.g. `cli QueryVmInstance state=Running`, and prints its answer as JSON. Waits for the "
        "operation it begins unless --no-wait is given. `cli help` lists the commands."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(NO_WAIT, action="store_true", help="answer as soon as the operation is accepted")
        parser.add_argument("--user", help="who gives the command, for the operation's record")
        parser.add_argument("words", nargs=REMAINDER, metavar="COMMAND key=value …")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.answer(options)
        except BrokenPipeError:
            # Whoever reads, such as `head`, has enough. What is still buffered goes nowhere, or Python would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def answer(self, options: dict[str, Any]) -> None:
        register_queries()
        # Everything after the command is its own, so the option may stand there too.
        words = [word for word in options["words"] if word != NO_WAIT]
        waits = not options["no_wait"] and NO_WAIT not in options["words"]
        try:
            if not words or any(word in HELP for word in words):
                self.show_commands({word for word in words if word not in HELP})
                return
            with asked_via(COMMAND_LINE):
                answer = find(words[0]).execute(words[1:], acting_user(options["user"]))
            self.show(self.finished(answer, waits=waits))
        except CorralError as error:
            self.fail(error)
        except BrokenPipeError:
            raise
        except Exception as error:
            if is_busy(error):
                self.fail(DatabaseBusy(str(error)))
            logger.exception("command %s", words[0])
            self.fail(CorralError(f"{type(error).__name__}: {error}"))

    def finished(self, answer: Answer, *, waits: bool) -> Json:
        """What to print: the answer, or that of the operation it began."""
        if not isinstance(answer, Accepted):
            return answer
        if not waits:
            return accepted(answer)
        try:
            wait(answer.operation, self.tell, self.tell if self.stderr.isatty() else None)
        except KeyboardInterrupt:
            self.show(accepted(answer))
            self.tell(f"No longer waiting; operation {answer.operation.pk} goes on.")
            sys.exit(1)
        return shown(answer)

    def tell(self, words: str) -> None:
        """For people; what programs read goes to stdout."""
        self.stderr.write(words)

    def show(self, answer: Json) -> None:
        self.stdout.write(json.dumps(answer, indent=4, ensure_ascii=False))
        self.stdout.flush()

    def fail(self, error: CorralError) -> None:
        self.show({"error": error.as_dict()})
        sys.exit(1)

    def show_commands(self, names: set[str]) -> None:
        chosen = [find(name) for name in sorted(names)] if names else commands()
        for command in chosen:
            self.stdout.write(f"{command.usage}\n    {command.summary}")
        self.stdout.flush()


def acting_user(name: str | None) -> AbstractBaseUser | None:
    """Raises NotFound."""
    if name is None:
        return None
    user = get_user_model()._default_manager.filter(username=name, is_active=True).first()
    if user is None:
        raise NotFound(f"There is no user {name}", field="user")
    return user


def shown(answer: Accepted) -> Json:
    """{"inventory": {…}}; empty when the operation removed the resource."""
    try:
        return {"inventory": inventory.get(answer.inventory).get_json(answer.uuid)}
    except NotFound:
        return {}


def accepted(answer: Accepted) -> Json:
    return shown(answer) | {"operationUuid": answer.operation.pk}
