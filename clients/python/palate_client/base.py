"""What both clients have in common: whom they call, and how a call becomes a request."""

from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx2

from palate_client.answer import REQUEST_ID
from palate_client.call import Call
from palate_client.retry import Outcome, Retry

Http = TypeVar("Http", bound=httpx2.Client | httpx2.AsyncClient)


class Base(Generic[Http]):
    """A server, and how to call it."""

    def __init__(self, base_url: str, api_key: str | None, retry: Retry, http: Http) -> None:
        self.base_url = base_url.rstrip("/")
        self.retry = retry
        self.http: Http = http
        self.headers = {} if api_key is None else {"X-API-Key": api_key}

    def request(self, call: Call[Any]) -> httpx2.Request:
        """Write a call as a request, which may be sent several times; its id is the same each time."""
        headers = self.headers | {REQUEST_ID: uuid4().hex}
        content = call.content
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = self.base_url + call.path
        return self.http.build_request(
            call.route.method, url, params=call.query or None, content=content, headers=headers
        )

    def pause_s(self, call: Call[Any], num_tries: int, outcome: Outcome) -> float | None:
        """Say how long to wait before a call is tried again, in seconds; None: it is not."""
        return self.retry.pause_s(num_tries, outcome, is_repeatable=call.route.is_repeatable)
