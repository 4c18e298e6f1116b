"""What both clients have in common: the server they call, and how a call becomes a request."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx2

from palate_client.call import Call
from palate_client.response import REQUEST_ID
from palate_client.retry import Outcome, Retry

IDEMPOTENCY_KEY = "Idempotency-Key"  # the same for each try of a call
STREAM_SILENCE_S = 300.0  # an import waits for its turn, and for a database that is away for a minute

Content = Iterator[bytes] | AsyncIterator[bytes]
Http = TypeVar("Http", bound=httpx2.Client | httpx2.AsyncClient)


class BaseClient(Generic[Http]):
    """A server, and how to call it."""

    def __init__(self, base_url: str, api_key: str | None, retry: Retry, http: Http) -> None:
        self.base_url = base_url.rstrip("/")
        self.retry = retry
        self.http: Http = http
        self.headers = {} if api_key is None else {"X-API-Key": api_key}

    def request(self, call: Call[Any]) -> httpx2.Request:
        """Return the request of a call, which may be sent several times; its id is the same each time."""
        content = call.content
        headers = {} if content is None else {"Content-Type": "application/json"}
        if call.route.is_keyed:
            headers[IDEMPOTENCY_KEY] = new_id()
        return self._build(call, headers, content=content)

    def stream_request(
        self, call: Call[Any], headers: Mapping[str, str], content: Content | None = None
    ) -> httpx2.Request:
        """Return the request of a call that streams: either side may be silent for `STREAM_SILENCE_S`."""
        default = self.http.timeout
        timeout = httpx2.Timeout(
            connect=default.connect,
            pool=default.pool,
            read=stream_timeout_s(default.read),
            write=stream_timeout_s(default.write),
        )
        return self._build(call, headers, content=content, timeout=timeout)

    def _build(self, call: Call[Any], headers: Mapping[str, str], **options: Any) -> httpx2.Request:
        url = self.base_url + call.path
        headers = self.headers | {REQUEST_ID: new_id()} | dict(headers)
        return self.http.build_request(call.route.method, url, params=call.query or None, headers=headers, **options)

    def pause_s(self, call: Call[Any], num_tries: int, outcome: Outcome) -> float | None:
        """Return how long to wait before a call is tried again, in seconds; None: it is not."""
        return self.retry.pause_s(num_tries, outcome, is_repeatable=call.route.is_repeatable)


def new_id() -> str:
    """Return a new id of a request."""
    return uuid4().hex


def stream_timeout_s(timeout_s: float | None) -> float | None:
    """Return the time-out of a stream, in seconds; None: there is none."""
    return None if timeout_s is None else max(timeout_s, STREAM_SILENCE_S)
