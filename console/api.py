"""The read-only JSON endpoint: one list and one detail address per inventory, all errors in one shape."""

import logging
from http import HTTPStatus
from math import ceil
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import URLPattern, path, re_path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import exceptions
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from console import tokens
from console.errors import CorralError, Forbidden, InvalidArgument, NotFound
from console.globalconfig import API_LIMIT
from console.inventory import Inventory, all_inventories
from console.models import ApiToken
from console.openapi import INDEX, InventorySchema, responses_of
from console.query.parser import parse
from console.query.schema import near
from console.query.service import WINDOW_PARAMETERS, Window, answer

logger = logging.getLogger(__name__)

QUERY = "q"
PARAMETERS = (QUERY, *WINDOW_PARAMETERS)


# --- errors


class NotAuthenticated(CorralError):
    """The request does not say who is asking."""

    code = "ID.1000"
    http = HTTPStatus.UNAUTHORIZED


class InvalidSession(CorralError):
    """The token or session is not valid."""

    code = "ID.1001"
    http = HTTPStatus.UNAUTHORIZED


class TooManyRequests(CorralError):
    """More requests were made in this minute than one token or person may make."""

    code = "ID.1003"
    http = HTTPStatus.TOO_MANY_REQUESTS


class ReadOnly(CorralError):
    """This endpoint is for reading."""

    code = "SYS.1008"
    http = HTTPStatus.METHOD_NOT_ALLOWED


FOREIGN: tuple[tuple[type[Exception], type[CorralError]], ...] = (
    (exceptions.NotAuthenticated, NotAuthenticated),
    (exceptions.AuthenticationFailed, InvalidSession),
    (exceptions.PermissionDenied, Forbidden),
    (PermissionDenied, Forbidden),
    (exceptions.MethodNotAllowed, ReadOnly),
    (exceptions.Throttled, TooManyRequests),
    (exceptions.NotFound, NotFound),
    (Http404, NotFound),
    (exceptions.ParseError, InvalidArgument),
)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """{"error": {"code", "description", "details"}} for whatever happened; what nobody foresaw tells no details."""
    ours, status = translated(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s", context["request"].path, exc_info=error)
    set_rollback()
    return Response({"error": ours.as_dict()}, status=status, headers=_headers(error))


def _headers(error: Exception) -> dict[str, str]:
    found = {"WWW-Authenticate": getattr(error, "auth_header", None)}
    wait = getattr(error, "wait", None)
    if wait is not None:
        found["Retry-After"] = str(ceil(wait))
    return {name: value for name, value in found.items() if value}


def translated(error: Exception) -> tuple[CorralError, int]:
    """The error in our terms and its HTTP status."""
    if isinstance(error, CorralError):
        return error, error.http
    for foreign, ours in FOREIGN:
        if isinstance(error, foreign):
            return ours(_words(error)), ours.http
    if isinstance(error, exceptions.APIException):
        return InvalidArgument(_words(error)), error.status_code
    return CorralError("An unforeseen error happened; the log has it."), HTTPStatus.INTERNAL_SERVER_ERROR


def _words(error: Exception) -> str:
    return str(getattr(error, "detail", "") or error)


# --- views


@method_decorator([cache_control(private=True, no_cache=True), conditional_page], name="dispatch")
class ReadView(APIView):
    """Answers GET alone, and says so before it asks who is there.

    An answer's ETag is the hash of its body: whatever changes the one changes the other.
    """

    http_method_names = ["get", "head", "options"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if (request.method or "").lower() not in self.http_method_names:
            raise exceptions.MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        words = f"At most {API_LIMIT.get()} requests are answered in a minute (api.requestsPerMinute)."
        raise exceptions.Throttled(ceil(wait or 0), words)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are JSON, also where the answer would be YAML or a page."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)


class InventoryView(ReadView):
    """A view of one inventory, handed to `as_view`; `lists`: of many resources, or of one."""

    inventory: Inventory = None  # type: ignore[assignment]  # as_view sets it
    lists = False
    schema = InventorySchema()

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        tokens.check_scope(scope_of(request), self.inventory)


class ListView(InventoryView):
    """GET /api/v1/<path>/: a query."""

    lists = True

    def get(self, request: Request) -> Response:
        check_parameters(request)
        conditions = [one for text in request.query_params.getlist(QUERY) for one in parse(text)]
        tokens.check_conditions(scope_of(request), self.inventory, conditions)
        window = Window.read({name: str(text) for name, text in request.query_params.items() if name != QUERY})
        readable = tokens.readable_fields(scope_of(request), self.inventory)
        return Response(answer(self.inventory, conditions, window, readable))


class DetailView(InventoryView):
    """GET /api/v1/<path>/<uuid>/: one resource."""

    def get(self, request: Request, uuid: str) -> Response:
        readable = tokens.readable_fields(scope_of(request), self.inventory)
        return Response({"inventory": self.inventory.get_json(uuid, readable)})


class IndexView(ReadView):
    """GET /api/v1/: what there is to read, out of it what this token may read."""

    @extend_schema(operation_id="index", tags=["index"], summary="What there is to read", responses=responses_of(INDEX))
    def get(self, request: Request) -> Response:
        readable = [one for one in all_inventories() if tokens.allows(scope_of(request), one)]
        return Response(
            {
                "resources": [
                    {"name": one.name, "path": one.path, "url": reverse(f"api-{one.path}")}
                    for one in sorted(readable, key=lambda one: one.path)
                ],
                "schema": reverse("api-schema"),
                "docs": reverse("api-docs"),
            }
        )


class NothingHere(ReadView):
    """Addresses that are none."""

    schema = None

    def get(self, request: Request) -> Response:
        raise NotFound(f"There is nothing at {request.path}")


class DescriptionView(ReadView, SpectacularAPIView):
    """The OpenAPI document."""

    permission_classes = [IsAuthenticated]


class DocsView(ReadView, SpectacularSwaggerSplitView):
    """The OpenAPI document for people; its page runs no inline scripts."""

    permission_classes = [IsAuthenticated]
    url_name = "api-schema"
    template_name = "console/api_docs.html"


def scope_of(request: Request) -> tokens.Scope:
    """What the token reads; a person who is logged in reads everything, as on the pages."""
    return request.auth.scope if isinstance(request.auth, ApiToken) else None


def check_parameters(request: Request) -> None:
    """A misspelt parameter must not look like one that found nothing. Raises InvalidArgument."""
    for name in request.query_params:
        if name not in PARAMETERS:
            nearest = near(name, PARAMETERS)
            hint = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
            details = f"There is no parameter {name}. {hint}A condition is written {QUERY}={name}=…"
            raise InvalidArgument(details, field=name, nearest=nearest)


# --- addresses


def urls() -> list[URLPattern]:
    """Of every inventory registered by now, the description of it all, and a JSON answer for everything else."""
    return [
        *(one for inventory in all_inventories() for one in _inventory_urls(inventory)),
        path("", IndexView.as_view(), name="api"),
        path("schema/", DescriptionView.as_view(), name="api-schema"),
        path("docs/", DocsView.as_view(), name="api-docs"),
        re_path(r"^.*/$", NothingHere.as_view()),
    ]


def _inventory_urls(inventory: Inventory) -> tuple[URLPattern, URLPattern]:
    return (
        path(f"{inventory.path}/", ListView.as_view(inventory=inventory), name=f"api-{inventory.path}"),
        path(
            f"{inventory.path}/<str:uuid>/", DetailView.as_view(inventory=inventory), name=f"api-{inventory.path}-one"
        ),
    )


urlpatterns = urls()
