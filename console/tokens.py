"""API tokens: made, found again by their key, and held to what they may read (their scope)."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha512

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from console import busy
from console.errors import Forbidden, InvalidArgument
from console.inventory import Field, Inventory, all_inventories, get, joins
from console.models import ApiToken
from console.models.resource import NAME_LENGTH
from console.naming import new_uuid
from console.query.parser import Condition
from console.query.schema import SYSTEM_TAG, USER_TAG, near

LIFETIME = timedelta(days=90)
NEVER = "never"
MAX_DAYS = 3650
#: how old the time of the last use may be
USE_STEP = timedelta(minutes=1)
#: milliseconds that a request waits for SQLite's one place for writers, to note that a token was used
PATIENCE = 50
#: the inventories that conditions on tags read
TAG_PATHS = {USER_TAG: "user-tags", SYSTEM_TAG: "system-tags"}

Scope = list[str] | None


# --- making and finding


def issue(
    user: AbstractBaseUser, name: str, lifetime: timedelta | None = LIFETIME, scope: Scope = None, uuid: str = ""
) -> tuple[ApiToken, str]:
    """A new token and its key, which nobody can read again; no key when there is one with this uuid already."""
    key = secrets.token_hex(32)
    values = {
        "user": user,
        "name": name,
        "digest": digest(key),
        "expires": timezone.now() + lifetime if lifetime else None,
        "scope": scope,
    }
    token, made = ApiToken.objects.get_or_create(uuid=uuid or new_uuid(), defaults=values)
    return token, key if made else ""


def digest(key: str) -> str:
    """Keys are random and long: a plain hash of one tells nothing about it."""
    return sha512(key.encode()).hexdigest()


def find(key: str) -> ApiToken | None:
    return ApiToken.objects.select_related("user").filter(digest=digest(key)).first()


def note_use(token: ApiToken) -> None:
    """When it was last used, at most once a minute. Reading waits for no writer: the next use notes it as well."""
    now = timezone.now()
    if token.last_used and token.last_used > now - USE_STEP:
        return
    due = Q(last_used=None) | Q(last_used__lte=now - USE_STEP)
    try:
        with _impatient():
            ApiToken.objects.filter(due, pk=token.pk).update_unstamped(last_used=now)
    except DatabaseError as error:
        if not busy.is_busy(error):
            raise


@contextmanager
def _impatient() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        try:
            yield
        finally:
            usual = connection.settings_dict["OPTIONS"].get("timeout", 5)
            cursor.execute(f"PRAGMA busy_timeout = {int(usual * 1000)}")


# --- as people write them


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidArgument(f"At most {NAME_LENGTH} characters name a token, and at least one", field="name")


def parse_lifetime(text: str) -> timedelta | None:
    """`30d`, or `never`. Raises InvalidArgument."""
    if text == NEVER:
        return None
    number = text.removesuffix("d")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MAX_DAYS):
        wanted = f"A token lives for days, such as 30d, from 1 to {MAX_DAYS}, or {NEVER}; {text!r} is neither"
        raise InvalidArgument(wanted, field="expires")
    return timedelta(days=int(number))


def parse_scope(paths: Iterable[str]) -> Scope:
    """Paths of inventories, all when there are none. Raises InvalidArgument naming the nearest ones."""
    known = [inventory.path for inventory in all_inventories()]
    wanted = sorted({path.strip() for path in paths} - {""})
    for path in wanted:
        if path not in known:
            nearest = near(path, known)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {', '.join(sorted(known))}"
            raise InvalidArgument(f"There is no resource {path}; {hint}", field="scope", nearest=nearest)
    return wanted or None


# --- scope


def allows(scope: Scope, inventory: Inventory) -> bool:
    return scope is None or inventory.path in scope


def check_scope(scope: Scope, inventory: Inventory) -> None:
    """Raises Forbidden naming the scope."""
    if not allows(scope, inventory):
        _refuse(scope, inventory.path, "")


def check_conditions(scope: Scope, inventory: Inventory, conditions: Iterable[Condition]) -> None:
    """A condition tells about what it leads to as much as reading it would. Raises Forbidden naming the join."""
    if scope is None:
        return
    for condition in conditions:
        at = inventory
        for depth, name in enumerate(condition.path[:-1], 1):
            join = joins(at).get(name)
            if join is None:
                break  # no such field: the query says so
            at = get(join.inventory)
            if not allows(scope, at):
                _refuse(scope, at.path, f"; {'.'.join(condition.path[:depth])} leads there")
        tags = TAG_PATHS.get(condition.path[-1])
        if tags and tags not in scope:
            _refuse(scope, tags, f"; {condition.field} leads there")


def readable_fields(scope: Scope, inventory: Inventory) -> tuple[str, ...]:
    """The keys to show: nested lists of what is out of scope are left out. None: all of them."""
    if scope is None:
        return ()
    return tuple(field.json for field in inventory.fields if _nested_paths(field) <= set(scope))


def _nested_paths(field: Field) -> set[str]:
    """The inventories that a nested list shows, those nested in it too."""
    if not field.nested:
        return set()
    inner = get(field.nested)
    return {inner.path}.union(*map(_nested_paths, inner.fields))


def _refuse(scope: Scope, path: str, why: str) -> None:
    known = ", ".join(scope or ())
    raise Forbidden(f"This token reads {known} and not {path}{why}", field="scope", scope=scope)
