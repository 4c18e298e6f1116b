"""Calls from pages of other sites, for browsers (CORS)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SENT = (
    "X-API-Key",
    "Authorization",
    "X-Request-Id",
    "Idempotency-Key",
    "Content-Encoding",
    "If-None-Match",
    "Last-Event-ID",
    "Cache-Control",
)
SHOWN = (
    "X-Request-Id",
    "Idempotency-Replayed",
    "Retry-After",
    "ETag",
    "Allow",
    "Accept-Encoding",
    "WWW-Authenticate",
    "Content-Disposition",
)


def cross_origin(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of these origins call an app; with cookies (of a proxy) only where each origin is named."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        allow_credentials="*" not in origins,
        expose_headers=SHOWN,
    )
