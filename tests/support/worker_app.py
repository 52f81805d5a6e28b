"""The console's Celery application as a test runs it: with gates at the boundaries, and a flow of the tests.

Loaded by real workers (`celery --app tests.support.worker_app`), never by pytest.
"""

import ctypes
import signal
from pathlib import Path

import django
from celery.signals import worker_process_init

django.setup()

from django.conf import settings  # noqa: E402
from django.dispatch import receiver  # noqa: E402

from console.celery import app  # noqa: E402
from console.operations import flow  # noqa: E402
from console.operations.signals import boundary  # noqa: E402
from tests.support import effects  # noqa: E402
from tests.support.gates import Gate  # noqa: E402

__all__ = ["app"]

PR_SET_PDEATHSIG = 1

flow.register(effects.FLOW)


@receiver(boundary)
def wait_at_gate(sender: object, operation: str, step: str, moment: str, **_: object) -> None:
    Gate(Path(settings.CORRAL_DATA_DIR) / "gates", operation, step, moment).pass_through()


@worker_process_init.connect
def die_with_parent(**_: object) -> None:
    """A child left behind by a killed worker would work on; here nothing may outlive the test."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
