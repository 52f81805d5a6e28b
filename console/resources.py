"""What is asked of every new resource, whatever its kind (semantics §1.1, §1.2)."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model

from console.errors import InvalidArgument, NotFound, check_all
from console.models.resource import DESCRIPTION_LENGTH
from console.naming import name_problem, uuid_problem


def check_new(
    model: type[Model], *, name: str, description: str | None = None, resource_uuid: str | None = None
) -> None:
    """Raises InvalidArgument with the field: a bad name, a description too long, a uuid malformed or in use."""
    check_all(lambda: check_name(name), lambda: check_description(description))
    if resource_uuid is not None:
        _check_uuid(model, resource_uuid)


def insert(row: Model, field: str = "resourceUuid") -> None:
    """Save a new row; InvalidArgument instead of IntegrityError when another request has just made its twin."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        kind = row._meta.verbose_name
        raise InvalidArgument(f"Another request has just made the same {kind}: {row}", field=field) from error


def update_row(row: Model, *, name: str, description: str | None = None, **fields: Any) -> None:
    """Write the name, the description and other columns of a row that exists; only these, the rest may have moved.

    Raises InvalidArgument with the field, and NotFound when the row is gone.
    """
    update_texts(row, {"name": name, "description": description}, **fields)


def update_texts(row: Model, texts: Mapping[str, str | None], **fields: Any) -> None:
    """Write those of name and description that are given, and other columns. Raises as `update_row` does."""
    check_all(
        lambda: check_name(texts["name"] or "") if "name" in texts else None,
        lambda: check_description(texts.get("description")),
    )
    columns = {name: text or None for name, text in texts.items()}
    if not type(row)._default_manager.filter(pk=row.pk).update(**columns, **fields):
        raise NotFound(f"{row} is gone", field="uuid")


def check_name(name: str) -> None:
    """Raises InvalidArgument."""
    if problem := name_problem(name):
        raise InvalidArgument(problem, field="name")


def check_description(description: str | None) -> None:
    """Raises InvalidArgument."""
    if problem := text_problem(description or "", DESCRIPTION_LENGTH):
        raise InvalidArgument(f"The description {problem}", field="description")


def text_problem(text: str, most: int) -> str:
    """Why a free text cannot be kept, as the end of a sentence; empty when it can."""
    if "\0" in text:
        return "contains a zero character"
    return f"has {len(text)} characters; at most {most} are allowed" if len(text) > most else ""


def _check_uuid(model: type[Model], uuid: str) -> None:
    if problem := uuid_problem(uuid):
        raise InvalidArgument(problem, field="resourceUuid")
    taken: Any = model._default_manager.filter(pk=uuid).first()
    if taken:
        kind = model._meta.verbose_name
        raise InvalidArgument(f"There is a {kind} with uuid {uuid} already: {taken}", field="resourceUuid")
