"""Who asks the JSON endpoint: `Authorization: Token <key>`."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from console import tokens
from console.inventory import format_date
from console.models import ApiToken

SCHEME = "Token"


class TokenAuthentication(BaseAuthentication):
    """By a token's key; `request.auth` is then the token."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, *keys = get_authorization_header(request).split() or [b""]
        if scheme.lower() != SCHEME.lower().encode():
            return None
        if len(keys) != 1:
            raise AuthenticationFailed(f"The header is written Authorization: {SCHEME} <key>")
        return self._known(keys[0].decode("latin-1"))

    def authenticate_header(self, request: Request) -> str:
        return SCHEME

    def _known(self, key: str) -> tuple[User, ApiToken]:
        token = tokens.find(key)
        if token is None or not token.user.is_active:
            raise AuthenticationFailed("There is no such token; it may have been revoked")
        if token.expires and token.expires <= timezone.now():
            raise AuthenticationFailed(f"The token {token.name} is expired since {format_date(token.expires)} UTC")
        tokens.note_use(token)
        return token.user, token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same for the OpenAPI document."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{SCHEME} <key>`, with a key from the page of your tokens or `manage.py token USER`.",
        }
