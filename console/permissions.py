"""Who may change what: Django's own permission per model and verb; reading asks for a login only."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as DjangoUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from console.models import Operation
from console.textual import lacking

Verb = Literal["add", "change", "delete"]
View = Callable[..., HttpResponse]


def permission(model: type[Model], verb: Verb) -> str:
    """The name of the permission, as Django's admin gives it out: hosts.add_zone."""
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"


def may(user: DjangoUser | AnonymousUser, model: type[Model], verb: Verb) -> bool:
    return user.has_perm(permission(model, verb))


def why_not(user: DjangoUser | AnonymousUser, model: type[Model], verb: Verb) -> str:
    """Why the account may not, naming the permission it lacks; empty when it may."""
    return "" if may(user, model, verb) else lacking(permission(model, verb))


def may_act(user: DjangoUser | AnonymousUser, operation: Operation) -> bool:
    """Whether the account may cancel it and try it again: who asked for it, and who may change operations."""
    own = operation.created_by_id is not None and operation.created_by_id == user.pk
    return own or may(user, Operation, "change")


def needs(model: type[Model], verb: Verb) -> Callable[[View], View]:
    """A view that answers 403 to people without the permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, model, verb):
                raise PermissionDenied(f"needs {permission(model, verb)}")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
