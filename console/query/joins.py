"""A query's tree as rows: each nested or expanded field is a sub-query on keys, so no row is there twice.

"Primary key IN (select foreign key from child where condition)" (semantics §5.3): in whichever direction the foreign
key goes, both of its ends have an index.
"""

from typing import Any

from django.db.models import Field as ModelField
from django.db.models import Model, Q, QuerySet
from django.db.models.lookups import In

from console import inventory as inventories
from console.inventory import Inventory, Join
from console.models.tag import Tag, TagType
from console.query.compiler import NEGATIVE, compared, to_q
from console.query.parser import Op
from console.query.plan import Node
from console.query.schema import SYSTEM_TAG, TAGS, USER_TAG, Comparison

TAG_TYPES = {USER_TAG: TagType.USER, SYSTEM_TAG: TagType.SYSTEM}
#: conditions with these pick what lists otherwise hide
PICKING = frozenset({Op.EQ, Op.IN, Op.LIKE})


@ModelField.register_lookup
class Among(In):
    """One of the few keys that another query finds.

    PostgreSQL takes IN for a join: where it expects next to no rows, as it does without statistics, it finds the keys
    anew for every row it compares. An array it makes once.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        keys, more = self.process_rhs(compiler, connection)
        return f"{left} IN (SELECT unnest(ARRAY{keys}))", (*parameters, *more)


def narrowed(rows: QuerySet, inventory: Inventory, node: Node) -> QuerySet:
    """The rows of an inventory that a query's tree asks for, without those that lists hide unless they are picked."""
    if inventory.hide and not picks_hidden(inventory, node):
        rows = rows.exclude(**dict([inventory.hide]))
    return satisfying(rows, inventory, node)


def satisfying(rows: QuerySet, inventory: Inventory, node: Node) -> QuerySet:
    """The rows that a query's tree asks for, whatever lists hide."""
    for comparison in node.comparisons:
        about = _about_tags if comparison.field.name in TAGS else to_q
        rows = rows.filter(about(inventory, comparison))
    joins = inventories.joins(inventory)
    for name, child in node.joins.items():
        rows = rows.filter(_through(rows.model, joins[name], child))
    return rows


def picks_hidden(inventory: Inventory, node: Node) -> bool:
    """By uuid, or by the value of the field that hides."""
    picked = {one.field.name for one in node.comparisons if one.op in PICKING}
    return bool(picked & {"uuid", *([inventory.hide[0]] if inventory.hide else [])})


def _through(model: type[Model], join: Join, node: Node) -> Q:
    target = inventories.get(join.inventory)
    rows = narrowed(target.bare_rows(one.field.name for one in node.comparisons), target, node)
    relation: Any = model._meta.get_field(join.source) if "__" not in join.source else None
    if relation is not None and relation.concrete and not relation.many_to_many:
        return Q(**{f"{join.source}__in": rows.values("pk")})
    if relation is not None and not relation.many_to_many:
        return Q(pk__in=rows.filter(**{f"{relation.field.name}__isnull": False}).values(relation.field.attname))
    linked = model._default_manager.order_by().filter(**{f"{join.source}__in": rows.values("pk")})
    return Q(pk__in=linked.values("pk"))


def _about_tags(inventory: Inventory, comparison: Comparison) -> Q:
    """Some tag satisfies it; negative ones: none does, so untagged resources match (semantics §5.4)."""
    tags = Tag.objects.order_by().filter(type=TAG_TYPES[comparison.field.name], resource_type=inventory.resource_type)
    op = NEGATIVE.get(comparison.op, comparison.op)
    if op not in (Op.NULL, Op.NOT_NULL):
        tags = tags.filter(compared("tag", comparison, op))
    tagged = Q(pk__in=tags.values("resource_uuid"))
    return ~tagged if comparison.op in NEGATIVE or op is Op.NULL else tagged
