"""What happens around every request: its id, its key, its size, its figures, its log line.

One plain ASGI layer outside all others, because a layer costs more than what it does here.
"""

import asyncio
import os
import re
import time
from typing import Any, NamedTuple

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.keys.ring import KeyRing
from app.kit.errors import BodyTooLarge, CrossSite, PalateError, ServerStopping, UnexpectedError
from app.web.metrics import ROUTE_NOT_FOUND, Metrics
from app.web.problem import problem_response

log = structlog.get_logger("palate.access")
UNLIMITED = "/v1/imports"  # its body is not held in memory
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}").fullmatch


class RequestHeaders(NamedTuple):
    """What the headers of a request say."""

    request_id: bytes
    key: bytes | None
    length: int
    is_cross_site: bool  # a browser says that a page of another site makes the call


def read_headers(headers: list[tuple[bytes, bytes]]) -> RequestHeaders:
    """Read the headers that concern us; an absent or odd request id is replaced by a new one."""
    request_id, key, length, site = b"", None, 0, b""
    for name, value in headers:
        if name == b"x-api-key":
            key = value
        elif name == b"x-request-id":
            request_id = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"sec-fetch-site":
            site = value
    if not REQUEST_ID(request_id):
        request_id = os.urandom(16).hex().encode()
    return RequestHeaders(request_id, key, length, site == b"cross-site")


class Operations:
    """Lets a request in, watches it, and puts it on record."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = read_headers(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=headers.request_id.decode())
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", headers.request_id)]
            await send(message)

        metrics: Metrics = scope["app"].state.metrics
        metrics.count_start()
        try:
            refusal = await self.refusal(scope, headers)
            await (problem_response(refusal) if refusal else self.app)(scope, receive, send_with_id)
        except ClientDisconnect:
            status = 0
        except asyncio.CancelledError:
            if status:
                raise
            await problem_response(ServerStopping())(scope, receive, send_with_id)
        except Exception as error:
            log.exception("unexpected error", exc_info=error)
            if not status:
                await problem_response(UnexpectedError())(scope, receive, send_with_id)
        finally:
            record(scope, metrics, status, time.perf_counter() - started)

    async def refusal(self, scope: Scope, headers: RequestHeaders) -> PalateError | None:
        """Return the reason not to let a request in, if there is one."""
        keys: KeyRing = scope["app"].state.keys
        refused = keys.allow(scope["method"], scope["path"], headers.key)
        if refused and headers.key:
            refused = await keys.allow_now(scope["method"], scope["path"], headers.key)
        if not refused and headers.is_cross_site and headers.key is None and scope["method"] not in {"GET", "HEAD"}:
            refused = CrossSite()
        if not refused and headers.length > self.max_body_bytes and scope["path"] != UNLIMITED:
            refused = BodyTooLarge(f"Send at most {self.max_body_bytes:,} bytes; cut the request into several.")
        return refused


def record(scope: Scope, metrics: Metrics, status: int, seconds: float) -> None:
    """Count and log one answer by the route's template: neither path nor query, which may hold anything.

    Status 0: the client went away before it was answered.
    """
    route: Any = scope.get("route")
    template = getattr(route, "path", ROUTE_NOT_FOUND)
    metrics.count_answer(scope["method"], template, status, seconds)
    log.info("request", method=scope["method"], route=template, status=status, ms=round(seconds * 1000, 2))
