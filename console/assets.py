"""Static files under ASGI."""

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class AssetsMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, whose streamed file ASGI can only send by reading it whole, with a warning: so read it whole."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as file:
                content = file.read()
        response = HttpResponse(content, status=found.status)
        # No content type but the file's own.
        del response.headers["Content-Type"]
        for name, value in found.headers:
            response.headers[name] = value
        return response
