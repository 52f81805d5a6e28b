"""The query language as one field of a list's FilterSet: `?q=` is the text of `manage.py cli Query…`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import django_filters
from django import forms
from django.db.models import Model, Q, QuerySet

from console import inventory as inventories
from console.inventory import Inventory
from console.query.compiler import schema_of
from console.query.joins import picks_hidden, satisfying
from console.query.parser import InvalidQuery
from console.query.plan import MAX_CONDITIONS, Node, plan
from console.query.question import Question, meant, read

QUERY = "q"
#: characters; an address that carries more is not taken by every proxy
MAX_LENGTH = 2000


@dataclass(frozen=True)
class Asked:
    """What the box asks: its text, the conditions as a tree, and the bare words that are no conditions on a name."""

    question: Question
    node: Node
    words: tuple[str, ...] = ()


NOTHING = Asked(Question(), Node())


class QueryField(forms.CharField):
    """The box. Its value is an `Asked`; what cannot be understood is an error that names the character."""

    def __init__(self, *, model: type[Model], named: bool, **kwargs: Any) -> None:
        self.model, self.named = model, named
        super().__init__(max_length=MAX_LENGTH, **kwargs)

    def clean(self, value: Any) -> Asked:
        text = super().clean(value)
        try:
            return self._asked(read(text or ""))
        except InvalidQuery as error:
            raise forms.ValidationError(error.details) from error

    def _asked(self, question: Question) -> Asked:
        words = () if self.named else tuple(part.word for part in question.parts if not part.condition)
        if len(words) > MAX_CONDITIONS:
            raise forms.ValidationError(f"At most {MAX_CONDITIONS} words are possible in one query")
        conditions = [meant(part) for part in question.parts if part.condition or self.named]
        schema = schema_of(inventories.of_model(self.model))
        return Asked(question, plan(schema, conditions), words)


class QueryFilter(django_filters.Filter):
    """Rows that satisfy a query. `search` is what one bare word asks where it is more than a part of the name."""

    field_class = QueryField

    def __init__(self, model: type[Model], search: Callable[[str], Q] | None = None) -> None:
        self.search = search
        super().__init__(model=model, named=search is None, label="Query")

    @cached_property
    def inventory(self) -> Inventory:
        return inventories.of_model(self.extra["model"])

    def filter(self, rows: QuerySet, asked: Asked) -> QuerySet:
        compared = {one.field.name for one in asked.node.comparisons}
        rows = satisfying(self.inventory.computed(rows, compared), self.inventory, asked.node)
        for word in asked.words:
            rows = rows.filter(self.search(word) if self.search else Q())
        return rows


class QueryFilterSet(django_filters.FilterSet):
    """A list's filters. `q`, a QueryFilter, is set by each; what the resource hides is shown when it is asked for.

    A query or a filter that cannot be understood finds nothing: what else it could have meant is not guessed.
    `hidden`: also what lists hide, to count it.
    """

    def __init__(self, data: Any = None, queryset: QuerySet | None = None, *, hidden: bool = False) -> None:
        super().__init__(data, queryset)
        self.hidden = hidden

    @property
    def inventory(self) -> Inventory:
        found: Inventory = self.filters[QUERY].inventory
        return found

    @property
    def problem(self) -> str:
        """The first thing that cannot be understood, at its filter; empty where all can be."""
        for name, texts in self.form.errors.items():
            return str(texts[0]) if name == QUERY else f"{self.form.fields[name].label}: {texts[0]}"
        return ""

    @property
    def asked(self) -> Asked:
        """What the box asks; nothing when it cannot be understood."""
        self.form.is_valid()
        found: Asked = self.form.cleaned_data.get(QUERY) or NOTHING
        return found

    def filter_queryset(self, rows: QuerySet) -> QuerySet:
        found = super().filter_queryset(rows)
        if self.form.errors:
            return found.none()
        hide = self.inventory.hide
        if hide is None or self.hidden or self.form.cleaned_data.get(hide[0]):
            return found
        return found if picks_hidden(self.inventory, self.asked.node) else found.exclude(**dict([hide]))
