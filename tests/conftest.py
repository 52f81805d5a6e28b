import gc
import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings

from console.operations import heart
from tests.support.redis import running_redis

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}
# These start processes on databases of their own: the database of the test run is not theirs.
OWN_DATABASE = {"lab", "browser", "faults"}
UNHURRIED_SECONDS = 600.0
#: how seldom garbage is collected: after so many allocations, and an older generation after so many of the younger one
GARBAGE = (50_000, 50, 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only tests that use the test run's database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = [item for item in items if belongs(item, database_only=config.getoption("--database-only"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(wanted)])
    items[:] = wanted


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def belongs(item: pytest.Item, *, database_only: bool) -> bool:
    """What needs PostgreSQL is for the run on PostgreSQL; that run in turn is for what uses the database."""
    if item.get_closest_marker("postgres") and "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        return False
    return not database_only or (uses_database(item) and not item.get_closest_marker("one_database"))


def uses_database(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    fixtures = set(getattr(item, "fixturenames", ()))
    return not marks & OWN_DATABASE and ("django_db" in marks or bool(fixtures & DATABASE_FIXTURES))


@pytest.fixture(autouse=True)
def unhurried_heart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test carries out in its own transaction needs no renewal, and no other connection could give it one."""
    if uses_database(request.node):
        for name in ("RENEW_SECONDS", "GIVE_UP_SECONDS"):
            monkeypatch.setattr(heart, name, UNHURRIED_SECONDS)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(settings.CORRAL_DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis, shared by the test run; whoever needs it empty flushes it."""
    with running_redis() as url:
        yield url
