"""What goes with a resource when it is deleted (semantics §1.4): edges as a table, one engine that walks them.

Apps declare their edges. `plan_of` says what a deletion would do without doing it; `delete` does it, in one
transaction, or refuses and names what is in the way.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.text import capfirst

from console.errors import Busy, NotFound, Refusal
from console.models import Operation, ResourceLock
from console.models.tag import Tag
from console.textual import counted

#: names of one kind that a sentence lists before it counts the rest
NAMED = 5


class Effect(StrEnum):
    """What happens to a row when something it hangs on is deleted."""

    DELETED = "deleted"
    KEPT = "kept"
    DETACHED = "kept, detached"
    STOPPED = "stopped first"
    DESTROYED = "destroyed first"
    LOST = "would be lost"

    @property
    def allowed(self) -> bool:
        """Whether a deletion may do this; what it may not has to be taken away by people first."""
        return self is not Effect.LOST

    @property
    def comes_first(self) -> bool:
        """Whether an operation of its own has to do it before the row can go (console.deletion)."""
        return self in (Effect.STOPPED, Effect.DESTROYED)

    @property
    def participle(self) -> str:
        """The effect without its turn."""
        return self.removesuffix(" first")


#: the rows of the child for uuids of the parent
Reach = Callable[[set[str]], QuerySet]


@dataclass(frozen=True)
class Edge:
    """A deleted `parent` reaches rows of `child`. `detail` adds to the effect what people should know."""

    parent: type[Model]
    child: type[Model]
    reach: Reach
    effect: Effect = Effect.DELETED
    detail: str = ""


#: rows of a group that are listed at once; to fold fewer than FOLDED away would gain nothing
LISTED, FOLDED = 12, 3


@dataclass(frozen=True)
class Group:
    """Rows of one kind to which the same happens."""

    model: type[Model]
    effect: Effect
    detail: str
    rows: list[Any]

    @property
    def counted(self) -> str:
        return counted(len(self.rows), str(self.model._meta.verbose_name))

    @property
    def plural(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    @property
    def label(self) -> str:
        return str(self.model._meta.label)

    @property
    def listed(self) -> list[Any]:
        return self.rows if len(self.rows) < LISTED + FOLDED else self.rows[:LISTED]

    @property
    def folded(self) -> list[Any]:
        return self.rows[len(self.listed) :]


@dataclass(frozen=True)
class Plan:
    """The root and everything that its deletion reaches, each row once."""

    root: Any
    groups: list[Group]

    @property
    def shown(self) -> list[Group]:
        """What is in the way, then what has to be done first, then what goes; what happens to some alike, told once."""
        alike: dict[tuple[type[Model], Effect, str], list[Any]] = {}
        for group in self.groups:
            alike.setdefault((group.model, group.effect, group.detail), []).extend(group.rows)
        groups = [Group(*what, rows) for what, rows in alike.items()]
        return sorted(groups, key=lambda group: (group.effect.allowed, not group.effect.comes_first))

    @property
    def summary(self) -> str:
        """All of it in one line: how many rows of which kind, by what happens to them."""
        found: dict[Effect, Counter[str]] = {}
        for group in self.shown:
            found.setdefault(group.effect, Counter())[str(group.model._meta.verbose_name)] += len(group.rows)
        kinds = ((effect, (counted(number, noun) for noun, number in of.items())) for effect, of in found.items())
        return "; ".join(f"{', '.join(numbers)} {effect}" for effect, numbers in kinds)

    @property
    def blockers(self) -> list[Group]:
        return [group for group in self.groups if not group.effect.allowed]

    @property
    def first(self) -> list[Group]:
        """What has to be done before anything can go."""
        return [group for group in self.groups if group.effect.comes_first]

    @property
    def deleted(self) -> list[Group]:
        """What goes, without the root; parents before their children."""
        return [group for group in self.groups if group.effect == Effect.DELETED]

    def doomed(self) -> Iterator[tuple[type[Model], list[Any]]]:
        """Everything that is deleted, by model, parents first."""
        yield type(self.root), [self.root]
        for group in self.deleted:
            yield group.model, group.rows

    def rows(self, model: type[Model]) -> list[Any]:
        """The rows of one model that are deleted."""
        return [row for kind, rows in self.doomed() if kind is model for row in rows]

    def refusal(self) -> str:
        """One sentence that names what is in the way; empty when nothing is."""
        return self._sentence(self.blockers)

    def unready(self) -> str:
        """One sentence that names what has not been stopped or destroyed yet; empty when nothing is left."""
        return self._sentence(self.first)

    def _sentence(self, groups: list[Group]) -> str:
        parts = [f"{group.counted} {group.effect} ({named(group.rows)})" for group in groups]
        return f"{titled(self.root)} cannot be deleted: {'; '.join(parts)}." if parts else ""


#: asked inside the transaction, before the rows go; may return operations it has submitted
Hook = Callable[[Plan, AbstractBaseUser | None], Iterable[Operation]]


@dataclass
class _Tables:
    edges: list[Edge] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)


_tables = _Tables()


def declare(*edges: Edge) -> None:
    _tables.edges.extend(edge for edge in edges if edge not in _tables.edges)


def before_delete(hook: Hook) -> Hook:
    """Register what has to be done in the world when rows go."""
    if hook not in _tables.hooks:
        _tables.hooks.append(hook)
    return hook


@dataclass(frozen=True)
class First:
    """How a row is stopped or destroyed before what it hangs on goes.

    `accept` gets the row, the user, an idempotency key, the parent operation and the delete mode, and returns the
    operation, or None where nothing is to do. `force` records what is to be taken for true when its host will never say
    it; it gets the row and the plan, which knows what goes, and answers False when the row has changed meanwhile. None:
    nothing may be taken for true.
    """

    accept: Callable[[Any, AbstractBaseUser | None, str, Operation, str], Operation | None]
    force: Callable[[Any, Plan], bool] | None = None


_first: dict[tuple[type[Model], Effect], First] = {}


def comes_first(model: type[Model], effect: Effect, how: First) -> None:
    """Register how rows of a model are brought to what an effect says."""
    _first[model, effect] = how


def how_first(group: Group) -> First:
    return _first[group.model, group.effect]


def edges() -> tuple[Edge, ...]:
    return tuple(_tables.edges)


def plan_of(root: Any) -> Plan:
    """What the deletion of a row would do. The statements it costs depend on the kinds it reaches, not on the rows."""
    groups: list[Group] = []
    seen: set[tuple[type[Model], str]] = {(type(root), root.pk)}
    front: list[tuple[type[Model], set[str]]] = [(type(root), {root.pk})]
    while front:
        parent, uuids = front.pop(0)
        for edge in _tables.edges:
            if edge.parent is not parent:
                continue
            rows = [row for row in edge.reach(uuids) if (edge.child, row.pk) not in seen]
            if not rows:
                continue
            seen |= {(edge.child, row.pk) for row in rows}
            groups.append(Group(edge.child, edge.effect, edge.detail, rows))
            if edge.effect == Effect.DELETED:
                front.append((edge.child, {row.pk for row in rows}))
    return Plan(root, groups)


def delete(root: Any, user: AbstractBaseUser | None = None, own: str | None = None) -> list[Operation]:
    """Delete a row with all that goes with it, now. Raises Refusal naming what is in the way, and Busy.

    Returns the operations that clean up on hosts. A row that is gone already is a success. `own` is the operation that
    deletes, whose lock is in nobody's way.
    """
    with transaction.atomic():
        plan = plan_of(root)
        for model, rows in plan.doomed():
            # Nobody hangs anything on them from here on; what was hung before is seen by the second look.
            list(model._base_manager.select_for_update().filter(pk__in=[row.pk for row in rows]).order_by("pk"))
        plan = plan_of(root)
        if sentence := plan.refusal() or plan.unready():
            raise Refusal(sentence, code="SYS.1004")
        _refuse_busy(plan, own)
        operations = [operation for hook in _tables.hooks for operation in hook(plan, user)]
        for model, rows in reversed(list(plan.doomed())):
            uuids = [row.pk for row in rows]
            Tag.objects.filter(resource_uuid__in=uuids).delete()
            model._default_manager.filter(pk__in=uuids).delete()
        return operations


def _refuse_busy(plan: Plan, own: str | None) -> None:
    uuids = [row.pk for _, rows in plan.doomed() for row in rows]
    locks = ResourceLock.objects.filter(pk__in=uuids).exclude(operation=own)
    lock = locks.select_related("operation").first()
    if lock:
        other = lock.operation
        raise Busy(f"{plan.root} must wait: “{other.title}” ({other.status}) is working on it", holder=other.pk)


def titled(row: Any) -> str:
    """A row by kind and quoted name, at the beginning of a sentence; a name may be a word of the sentence."""
    return f"{capfirst(row._meta.verbose_name)} “{row}”"


def named(rows: list[Any]) -> str:
    """The first names, and how many more there are."""
    names = ", ".join(str(row) for row in rows[:NAMED])
    more = len(rows) - NAMED
    return f"{names} and {more} more" if more > 0 else names


def get_or_refuse(model: type[Model], uuid: str, field_name: str = "uuid", *, lock: bool = False) -> Any:
    """The row with this uuid, locked for this transaction when so asked. Raises NotFound naming the field."""
    rows = model._default_manager.select_for_update() if lock else model._default_manager
    row = rows.filter(pk=uuid).first()
    if row is None:
        raise NotFound(f"There is no {model._meta.verbose_name} with uuid {uuid}", field=field_name)
    return row
