"""What happens around every request: its id, its key, its size, its figures, its log line.

One plain ASGI layer outside all others, because a layer costs more than what it does here.
"""

import asyncio
import os
import re
import time
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.keys.ring import KeyRing
from app.keys.scopes import hash_key
from app.kit.errors import BodyTooLarge, CrossSite, PalateError, RateExceeded, ServerStopping, UnexpectedError
from app.settings import Settings
from app.web.callers.hosts import HEALTH, Hosts
from app.web.callers.rates import Rates
from app.web.compression import compressing, is_large, takes_gzip, unpack_request
from app.web.metrics import ROUTE_NOT_FOUND, Metrics
from app.web.prefix import Prefixes, remove_prefix
from app.web.problem import problem_response

log = structlog.get_logger("palate.access")
UNLIMITED = "/v1/imports"  # its body is not held in memory
KNOWN = {
    *(b"x-request-id", b"x-api-key", b"content-length", b"content-encoding", b"accept-encoding"),
    *(b"origin", b"sec-fetch-site", b"x-forwarded-prefix", b"authorization", b"host"),
}
Headers = dict[bytes, bytes]
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}").fullmatch
BEARER = re.compile(rb"bearer +(palate_[A-Za-z0-9_-]+) *", re.IGNORECASE).fullmatch  # others are a proxy's


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Pick the headers that concern us; an absent or odd request id is replaced by a new one."""
    known = {name: value for name, value in headers if name in KNOWN}
    if not REQUEST_ID(known.get(b"x-request-id", b"")):
        known[b"x-request-id"] = os.urandom(16).hex().encode()
    return known


def with_bearer_key(scope: Scope, headers: Headers) -> Scope:
    """Return a request whose key came as a bearer token, as many clients send it, as if it had come as X-API-Key."""
    token = BEARER(headers[b"authorization"])
    if token is None or b"x-api-key" in headers:
        return scope
    headers[b"x-api-key"] = token[1]
    return {**scope, "headers": [*scope["headers"], (b"x-api-key", token[1])]}


class BodyNotWanted(Exception):
    """Ends an answer to HEAD, of which all that is wanted has been sent."""


def without_body(send: Send) -> Send:
    """Return what passes on the beginning of an answer only. A stream, whose length is not known, need not begin."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            if any(name == b"content-length" for name, _ in message["headers"]):
                return
        await send({"type": "http.response.body"})
        raise BodyNotWanted

    return send_head


class Answer:
    """Sends an answer with the request's id; a large one compressed, if the caller asks for that."""

    __slots__ = ("_headers", "_send", "more_headers", "status")

    def __init__(self, send: Send, headers: Headers) -> None:
        self.status = 0  # of the answer, once it has begun
        self.more_headers: list[tuple[bytes, bytes]] = []
        self._send, self._headers = send, headers

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            request_id = (b"x-request-id", self._headers[b"x-request-id"])
            headers = [*message["headers"], request_id, *self.more_headers]
            if is_large(headers):
                if takes_gzip(self._headers.get(b"accept-encoding", b"")):
                    self._send = compressing(self._send)
                else:
                    headers.append((b"vary", b"Accept-Encoding"))
            message["headers"] = headers
        await self._send(message)


class Operations:
    """Lets a request in, watches it, and puts it on record."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.max_body_bytes = settings.max_body_bytes
        self.prefixes = Prefixes(settings.root_path, settings.trusted_proxies)
        self.origins = {origin.encode() for origin in settings.cors_origins}
        self.hosts = Hosts(settings)
        self.rates = Rates(settings.rate_limit) if settings.rate_limit else None
        self.refused_rates = Rates(settings.refused_rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers, method = read_headers(scope["headers"]), scope["method"]
        if b"authorization" in headers:
            scope = with_bearer_key(scope, headers)
        structlog.contextvars.bind_contextvars(request_id=headers[b"x-request-id"].decode())
        if method == "HEAD" or b"x-forwarded-prefix" in headers or self.prefixes.root_path:
            scope = self.as_if_plain(scope, headers)
        answer = Answer(without_body(send) if method == "HEAD" else send, headers)
        metrics: Metrics = scope["app"].state.metrics
        metrics.count_start()
        try:
            await self.answer(scope, receive, answer, headers)
        except BodyNotWanted:
            pass
        except ClientDisconnect:
            answer.status = 0
        except asyncio.CancelledError:
            if answer.status:
                raise
            await problem_response(ServerStopping())(scope, receive, answer.send)
        except Exception as error:
            log.exception("unexpected error", exc_info=error)
            if not answer.status:
                await problem_response(UnexpectedError())(scope, receive, answer.send)
        finally:
            record(scope, metrics, method=method, status=answer.status, seconds=time.perf_counter() - started)

    async def answer(self, scope: Scope, receive: Receive, answer: Answer, headers: Headers) -> None:
        """Refuse a request, or let the app answer it."""
        refused = await self.check_caller(scope, answer, headers)
        refused = refused or self.refusal(scope["method"], scope["path"], headers)
        if b"content-encoding" in headers and not refused:
            receive, refused = await self.unpack(scope, receive, headers[b"content-encoding"])
        await (problem_response(refused) if refused else self.app)(scope, receive, answer.send)

    async def check_caller(self, scope: Scope, answer: Answer, headers: Headers) -> PalateError | None:
        """Return why the caller may not make this call, or not now."""
        keys: KeyRing = scope["app"].state.keys
        key, method, path = headers.get(b"x-api-key", b"").strip() or None, scope["method"], scope["path"]
        address = scope["client"][0] if scope.get("client") else ""
        refused = keys.allow(method, path, key)
        if refused and refused.status == 401:
            share = self.refused_rates.take(address)
            if share.wait_s:
                answer.more_headers = share.headers()
                return RateExceeded()
        if refused and key:
            refused = await keys.allow_now(method, path, key)
        if refused:
            return refused
        if keys.is_open and (refused := self.hosts.refusal(method, path, headers)):
            return refused
        if self.rates is None or path.startswith(HEALTH):
            return None
        share = self.rates.take(address if key is None or keys.is_open else hash_key(key))
        answer.more_headers = share.headers()
        return RateExceeded() if share.wait_s else None

    def refusal(self, method: str, path: str, headers: Headers) -> PalateError | None:
        """Return the reason not to let a request in, if there is one beside its key."""
        is_cross_site = headers.get(b"sec-fetch-site") == b"cross-site"  # a page of another site makes the call
        is_invited = b"x-api-key" in headers or headers.get(b"origin") in self.origins
        if is_cross_site and method != "GET" and not is_invited:
            return CrossSite()
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self.max_body_bytes and path != UNLIMITED:
            return BodyTooLarge(f"Send at most {self.max_body_bytes:,} bytes; cut the request into several.")
        return None

    def as_if_plain(self, scope: Scope, headers: Headers) -> Scope:
        """Return a request without the prefix of a proxy, and a HEAD as the GET that it is but for the body."""
        if prefix := self.prefixes.of(scope, headers.get(b"x-forwarded-prefix")):
            remove_prefix(scope, prefix)
        return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope

    async def unpack(self, scope: Scope, receive: Receive, encoding: bytes) -> tuple[Receive, PalateError | None]:
        """Unpack the body of a request, or return why it is not; a route without a limit does so itself."""
        if scope["path"] == UNLIMITED or encoding == b"identity":
            return receive, None
        try:
            return await unpack_request(scope, receive, encoding, self.max_body_bytes), None
        except PalateError as refused:
            return receive, refused


def record(scope: Scope, metrics: Metrics, *, method: str, status: int, seconds: float) -> None:
    """Count and log one answer by the route's template: neither path nor query, which may hold anything.

    Status 0: the client went away before it was answered.
    """
    route: Any = scope.get("route")
    template = getattr(route, "path", ROUTE_NOT_FOUND)
    metrics.count_answer(method, template, status, seconds)
    log.info("request", method=method, route=template, status=status, ms=round(seconds * 1000, 2))
