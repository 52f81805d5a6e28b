"""The description of the JSON endpoint in OpenAPI's terms, from the same tables that answer."""

from typing import Any

from django.db.models import Field as ModelField
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from console import openapi_examples as examples
from console.inventory import Field, Inventory, get, joins
from console.query.compiler import column_of, schema_of
from console.query.schema import FieldSchema, Kind
from console.query.service import MAX_NUMBER

Schema = dict[str, Any]

DATE = {"type": "string", "example": examples.DATE, "description": "UTC"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TYPES: dict[Kind, Schema] = {
    Kind.TEXT: {"type": "string"},
    Kind.UUID: UUID,
    Kind.INT: {"type": "integer"},
    Kind.BOOL: {"type": "boolean"},
    Kind.DATE: DATE,
    Kind.ENUM: {"type": "string"},
}

# --- errors

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
#: status -> (when, code, description of the code, an example's details)
REFUSALS: dict[int, tuple[str, str, str, str]] = {
    400: (
        "The query or another parameter cannot be understood; `details` says which, and what is nearest",
        "SYS.1007", "An argument of the request is not valid.",
        "VMs have no field stat; did you mean state?",
    ),
    401: (
        "Nobody is logged in, or the token is unknown, revoked or expired",
        "ID.1001", "The token or session is not valid.",
        f"The token backup is expired since {examples.DATE} UTC",
    ),
    403: (
        "The token's scope leaves this out",
        "ID.1002", "This account may not do that.",
        "This token reads vm-instances and not hosts; host leads there",
    ),
    404: (
        "There is no such resource",
        "SYS.1003", "A resource the request names does not exist.",
        f"There is no VmInstance with uuid {examples.CHAPTER['VmInstance']['uuid']}",
    ),
    405: (
        "This endpoint is for reading: every verb but GET, HEAD and OPTIONS",
        "SYS.1008", "This endpoint is for reading.",
        'Method "POST" not allowed.',
    ),
    406: (
        "Answers are JSON, and the request takes none",
        "SYS.1007", "An argument of the request is not valid.",
        "Could not satisfy the request Accept header.",
    ),
    429: (
        "Too many requests in this minute; the header Retry-After says how many seconds to wait",
        "ID.1003", "More requests were made in this minute than one token or person may make.",
        "At most 1200 requests are answered in a minute (api.requestsPerMinute). Expected available in 12 seconds.",
    ),
}  # fmt: skip
OF_EVERYTHING = (401, 403, 405, 406, 429)
UNCHANGED = OpenApiResponse(description="Nothing has changed since the answer whose ETag the request names")


def responses_of(found: Any, *more: int, error: Schema = ERROR) -> dict[int, Any]:
    """What an address answers: what was found, or why not."""
    statuses = sorted({*OF_EVERYTHING, *more})
    return {200: found, 304: UNCHANGED} | {status: _refused(status, error) for status in statuses}


def _refused(status: int, error: Schema) -> OpenApiResponse:
    when, code, description, details = REFUSALS[status]
    example = {"error": {"code": code, "description": description, "details": details}}
    return OpenApiResponse(error, description=when, examples=[OpenApiExample(code, example)])


INDEX: Schema = {
    "type": "object",
    "required": ["resources", "schema", "docs"],
    "properties": {
        "resources": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "path", "url"],
                "properties": {key: {"type": "string"} for key in ("name", "path", "url")},
            },
        },
        "schema": {"type": "string"},
        "docs": {"type": "string"},
    },
}

# --- parameters

CONDITIONS = (
    "One condition, or several separated by spaces; all of them hold. Operators: = != > >= < <= ?= (in) !?= (not in) "
    "~= (like, with % and _) !~= (not like), and `field is null`, `field not null`. Values with spaces are quoted. "
    "Nested and expanded fields take dots to any depth; conditions with the same path speak of the same row."
)
NATURAL: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}
FLAG: Schema = {"type": "boolean", "default": False}


def parameters(inventory: Inventory) -> list[OpenApiParameter]:
    """Those of a list; what can be sorted by and shown are the inventory's own keys."""
    known = schema_of(inventory).fields
    plain = [name for name, field in known.items() if not field.many]
    keys, by = _either(known), _either(plain)
    first = plain[1] if len(plain) > 1 else plain[0]
    return [
        _parameter("q", CONDITIONS, {"type": "array", "items": {"type": "string"}}, examples.queries(inventory)),
        _parameter("start", "Resources to skip", NATURAL | {"default": 0}),
        _parameter("limit", "Most resources to answer", NATURAL | {"default": 1000}),
        _parameter(
            "sort",
            "A field, after + for ascending or - for descending; text ignoring case",
            {"type": "string", "pattern": f"^ *[-+]?{by} *$"},
            {f"by {first}, the last one first": f"-{first}"},
        ),
        _parameter(
            "fields",
            "Only these keys, separated by commas",
            {"type": "string", "pattern": f"^ *{keys}( *, *{keys})* *$"},
            {"two keys": ",".join(plain[:2])},
        ),
        _parameter("count", "Answer the total alone", FLAG),
        _parameter("replyWithCount", "Answer the total too", FLAG),
    ]


def _either(names: Any) -> str:
    return f"({'|'.join(names)})"


def _parameter(name: str, words: str, schema: Schema, shown: dict[str, Any] | None = None) -> OpenApiParameter:
    told = [OpenApiExample(title, value, parameter_only=(name, "query")) for title, value in (shown or {}).items()]
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=words, examples=told)


# --- values


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
    """Whether the key is in every whole object: null, empty text and what a token's scope leaves out are not."""
    if field.nested:
        return False
    if field.is_list:
        return True
    return column is not None and "." not in field.source and not column.null and not column.blank


# --- operations


class InventorySchema(AutoSchema):
    """Operations of the views that answer from an inventory."""

    view: Any  # has `inventory` and `lists`

    def get_operation_id(self) -> str:
        return f"{'query' if self.view.lists else 'get'}{self.view.inventory.name}"

    def get_tags(self) -> list[str]:
        return [self.view.inventory.path]

    def get_summary(self) -> str:
        name = self.view.inventory.name
        return f"Query {name}" if self.view.lists else f"One {name}"

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        if not self.view.lists:
            return "Also one that lists hide, such as a destroyed VM."
        inventory = self.view.inventory
        nested = {field.json for field in inventory.fields if field.nested}
        lines = [
            ("Nested fields", [_join(name, to) for name, to in _leads(inventory) if name in nested]),
            ("Expanded fields", [_join(name, to) for name, to in _leads(inventory) if name not in nested]),
            ("Tags", ["`__userTag__`", "`__systemTag__`"] if inventory.tagged else []),
        ]
        return "\n\n".join(f"{title}: {', '.join(names)}." for title, names in lines if names)

    def get_override_parameters(self) -> list[Any]:
        if self.view.lists:
            return parameters(self.view.inventory)
        example = OpenApiExample("one", self._key(), parameter_only=("uuid", "path"))
        return [OpenApiParameter("uuid", str, OpenApiParameter.PATH, examples=[example])]

    def get_response_serializers(self) -> Any:
        one, example = self.component(self.view.inventory), examples.shown(self.view.inventory)
        error = self._reference("Error", ERROR)
        if self.view.lists:
            shown = {"inventories": {"type": "array", "items": one}, "total": NATURAL}
            found = {"type": "object", "properties": shown, "additionalProperties": False}
            listed = {"inventories": [example]}
            told = [OpenApiExample("listed", listed), OpenApiExample("with replyWithCount", listed | {"total": 1})]
            told.append(OpenApiExample("with count", {"total": 1}))
            return responses_of(OpenApiResponse(found, examples=told), 400, error=error)
        required = _required(self.view.inventory)
        whole = {"allOf": [one, {"required": required}]} if required else one
        found = {"type": "object", "properties": {"inventory": whole}, "required": ["inventory"]}
        told = [OpenApiExample("found", {"inventory": example})]
        return responses_of(OpenApiResponse(found, examples=told), 404, error=error)

    def get_request_serializer(self) -> None:
        return None

    def component(self, inventory: Inventory) -> Schema:
        """A reference to the inventory's object in the document; a list may be asked for some of its keys."""
        known = schema_of(inventory).fields
        properties = {}
        for field in inventory.askable:
            if field.nested:
                properties[field.json] = {"type": "array", "items": self.component(get(field.nested))}
            else:
                properties[field.json] = value_schema(field, known.get(field.json), _column(inventory, field))
        body = {"type": "object", "properties": properties, "additionalProperties": False}
        return self._reference(inventory.name, body)

    def _key(self) -> str:
        inventory, one = self.view.inventory, examples.shown(self.view.inventory)
        return str(inventory.key(one) if inventory.key else one["uuid"])

    def _reference(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name
        )
        self.registry.register_on_missing(component)
        return component.ref


def _column(inventory: Inventory, field: Field) -> ModelField | None:
    return column_of(inventory.model, field) if field.comparable else None


def _required(inventory: Inventory) -> list[str]:
    return [field.json for field in inventory.fields if always_shown(field, _column(inventory, field))]


def _leads(inventory: Inventory) -> list[tuple[str, str]]:
    return [(name, join.inventory) for name, join in joins(inventory).items()]


def _join(name: str, to: str) -> str:
    return f"`{name}` ({to})"
