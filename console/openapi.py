"""The description of the JSON endpoint in OpenAPI's terms, from the same tables that answer."""

from typing import Any

from django.db.models import Field as ModelField
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

from console.inventory import Field, Inventory, get
from console.query.compiler import column_of, schema_of
from console.query.schema import FieldSchema, Kind

Schema = dict[str, Any]

DATE = {"type": "string", "example": "Dec 2, 2015 5:53:42 PM", "description": "UTC"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TYPES: dict[Kind, Schema] = {
    Kind.TEXT: {"type": "string"},
    Kind.UUID: UUID,
    Kind.INT: {"type": "integer"},
    Kind.BOOL: {"type": "boolean"},
    Kind.DATE: DATE,
    Kind.ENUM: {"type": "string"},
}

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "description", "details"],
            "properties": {
                "code": {"type": "string", "example": "SYS.1007"},
                "description": {"type": "string"},
                "details": {"type": "string"},
                "field": {"type": "string"},
            },
            "additionalProperties": True,
        }
    },
}

_CONDITIONS = (
    "One condition, or several separated by spaces; all of them hold. Operators: = != > >= < <= ?= (in) !?= (not in) "
    "~= (like, with % and _) !~= (not like), and `field is null`, `field not null`. Values with spaces are quoted."
)
_PARAMETERS: tuple[tuple[str, str, Schema], ...] = (
    ("q", _CONDITIONS, {"type": "array", "items": {"type": "string"}, "example": ["createDate>2015-12-02"]}),
    ("start", "Resources to skip", {"type": "integer", "minimum": 0, "default": 0}),
    ("limit", "Most resources to answer", {"type": "integer", "minimum": 0, "default": 1000}),
    ("sort", "A field, after + for ascending or - for descending", {"type": "string", "example": "-createDate"}),
    ("fields", "Only these keys, separated by commas", {"type": "string"}),
    ("count", "Answer the total alone", {"type": "boolean", "default": False}),
    ("replyWithCount", "Answer the total too", {"type": "boolean", "default": False}),
)


def value_schema(field: Field, schema: FieldSchema | None, column: ModelField | None) -> Schema:
    """The schema of one key; a nested list is left to the caller."""
    if schema is None:
        return field.schema or {}
    one = TYPES[schema.kind] | ({"enum": list(schema.choices)} if schema.kind is Kind.ENUM else {})
    if schema.many:
        return {"type": "array", "items": one}
    words = str(getattr(column, "help_text", "") or "")
    return one | ({"description": words} if words else {})


def always_shown(field: Field, column: ModelField | None) -> bool:
    """Whether the key is in every answer: null and empty text are left out."""
    if field.nested or field.is_list:
        return True
    return column is not None and "." not in field.source and not column.null and not column.blank


class InventorySchema(AutoSchema):
    """Operations of the views that answer from an inventory."""

    view: Any  # has `inventory` and `lists`

    def get_operation_id(self) -> str:
        return f"{'query' if self.view.lists else 'get'}{self.view.inventory.name}"

    def get_tags(self) -> list[str]:
        return [self.view.inventory.path]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        return "" if self.view.lists else "Also one that lists hide, such as a destroyed VM."

    def get_summary(self) -> str:
        name = self.view.inventory.name
        return f"Query {name}" if self.view.lists else f"One {name}"

    def get_override_parameters(self) -> list[Any]:
        if not self.view.lists:
            return []
        return [
            OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=words)
            for name, words, schema in _PARAMETERS
        ]

    def get_response_serializers(self) -> Any:
        one = self.component(self.view.inventory)
        error = self._reference("Error", ERROR)
        if self.view.lists:
            shown = {"inventories": {"type": "array", "items": one}, "total": {"type": "integer"}}
            return {200: {"type": "object", "properties": shown}, 400: error, 401: error}
        found = {"type": "object", "properties": {"inventory": one}, "required": ["inventory"]}
        return {200: found, 401: error, 404: error}

    def get_request_serializer(self) -> None:
        return None

    def component(self, inventory: Inventory) -> Schema:
        """A reference to the inventory's object in the document."""
        known = schema_of(inventory).fields
        properties, required = {}, []
        for field in inventory.fields:
            column = column_of(inventory.model, field) if field.comparable else None
            if field.nested:
                properties[field.json] = {"type": "array", "items": self.component(get(field.nested))}
            else:
                properties[field.json] = value_schema(field, known.get(field.json), column)
            if always_shown(field, column):
                required.append(field.json)
        body = {"type": "object", "properties": properties} | ({"required": required} if required else {})
        return self._reference(inventory.name, body)

    def _reference(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name
        )
        self.registry.register_on_missing(component)
        return component.ref
