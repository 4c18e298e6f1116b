"""What surrounds every request: its id, its log line, its figures."""

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from starlette.types import Message
from structlog.testing import LogCapture

from app.main import create_app
from app.settings import Settings

Logged = list[MutableMapping[str, Any]]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """The log entries of this test."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture], cache_logger_on_first_use=False)
    yield capture.entries
    structlog.configure(**before)


def requests(logged: Logged) -> Logged:
    return [entry for entry in logged if entry["event"] == "request"]


def test_a_request_id_is_echoed_and_logged(client: TestClient, logged: Logged) -> None:
    answer = client.get("/v1/items/nothing", headers={"X-Request-Id": "order-17:3"})
    assert answer.headers["x-request-id"] == "order-17:3"
    (entry,) = requests(logged)
    assert entry["request_id"] == "order-17:3"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "a\tb", 'quote"'])
def test_an_odd_request_id_is_replaced_by_a_new_one(client: TestClient, given: str) -> None:
    first, second = (
        client.get("/health/live", headers={"X-Request-Id": given}).headers["x-request-id"] for _ in range(2)
    )
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


def test_a_log_line_has_the_route_but_neither_path_nor_query(client: TestClient, logged: Logged) -> None:
    client.get("/v1/items/private-thing?api_key=palate_secret", headers={"X-API-Key": "palate_secret"})
    (entry,) = requests(logged)
    assert dict(entry) | {"ms": 0, "request_id": ""} == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/items/{item_id}",
        "status": 404,
        "ms": 0,
        "request_id": "",
    }
    assert entry["ms"] > 0


def test_a_bug_is_logged_once_with_the_id_that_the_caller_got(settings: Settings, logged: Logged) -> None:
    app = create_app(settings)

    @app.get("/v1/fails")
    async def fails() -> None:
        raise LookupError("the inside")

    with TestClient(app, base_url="http://localhost") as client:
        answer = client.get("/v1/fails")
    (bug,) = (entry for entry in logged if entry["event"] == "unexpected error")
    assert bug["request_id"] == answer.headers["x-request-id"]
    assert isinstance(bug["exc_info"], LookupError)
    assert [entry["status"] for entry in requests(logged)] == [500]


def test_requests_are_counted_by_route_template_and_status(client: TestClient) -> None:
    for item in ("a", "b", "c"):
        client.get(f"/v1/items/{item}")
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    assert 'palate_requests_total{method="GET",route="/v1/items/{item_id}",status="404"} 3.0' in text
    assert 'palate_requests_total{method="*",route="(none)",status="404"} 1.0' in text
    assert 'palate_request_seconds_count{method="GET",route="/v1/items/{item_id}"} 3.0' in text
    assert "palate_requests_in_flight 1.0" in text


def test_a_client_that_disconnects_while_sending_causes_no_error(client: TestClient, logged: Logged) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"user', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(_message: Message) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/v1/ratings", "query_string": b"", "headers": []}
    assert client.portal
    client.portal.call(client.app, scope, receive, send)
    assert [entry["event"] for entry in logged] == ["request"]
    assert logged[0]["status"] == 0


def test_a_web_page_of_another_site_changes_nothing_without_a_key(client: TestClient) -> None:
    rating = b'{"user_id": "ada", "item_id": "alien", "value": 5}'
    from_a_page = {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    refused = client.post("/v1/ratings", content=rating, headers=from_a_page)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/cross-site")
    assert client.post("/v1/training-runs", headers=from_a_page).status_code == 403
    assert client.get("/v1/users/ada").status_code == 404
    assert client.post("/v1/ratings", content=rating, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
