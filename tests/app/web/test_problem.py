"""Every error is problem+json that names the field and the fix, and tells nothing of the inside."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings

JSON = {"Content-Type": "application/json"}
GUEST = "/v1/recommendations"


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the form of an error, and give its body."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    assert_problem(client.get("/v1/nothing-here"), 404, "route-not-found")


def test_a_wrong_method_is_a_problem_that_lists_the_right_ones(client: TestClient) -> None:
    answer = client.delete(GUEST)
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "headers", "field", "fix"),
    [
        (b"{", JSON, "/", "is not valid JSON"),
        (b'{"ratings": [{"item_id": "\xff", "value": 5}]}', JSON, "/", "UTF-8"),
        (b'{"ratings": []}', {"Content-Type": "text/plain"}, "/", "Content-Type: application/json"),
        (b"", JSON, "/", "is missing: add it"),
        (b"{}", JSON, "/ratings", "is missing: add it"),
        (b'{"ratings": [], "odd/name": 1}', JSON, "/odd~1name", "is not known here: remove it"),
        (b'{"ratings": [{"item_id": "a"}]}', JSON, "/ratings/0/value", "is missing: add it"),
        (b'{"ratings": [], "limit": true}', JSON, "/limit", "integer"),
        (b'{"ratings": [], "include_rated": 1}', JSON, "/include_rated", "boolean"),
    ],
)
def test_an_unusable_body_is_a_problem_that_names_field_and_fix(
    client: TestClient, body: bytes, headers: dict[str, str], field: str, fix: str
) -> None:
    problem = assert_problem(client.post(GUEST, content=body, headers=headers), 422, "invalid-request")
    assert problem["errors"][0]["field"] == field
    assert fix in problem["errors"][0]["detail"]


NO_ZONE = "has no time zone: it must be RFC 3339 with a time zone, such as 2026-11-23T10:15:00Z"
LOCAL_TIME = "2021-03-04T10:11:12"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", GUEST, {"ratings": [{"item_id": "a", "value": 5, "rated_at": LOCAL_TIME}]}, "/ratings/0/rated_at"),
        ("POST", "/v1/ratings", {"user_id": "a", "item_id": "a", "value": 5, "rated_at": LOCAL_TIME}, "/rated_at"),
        ("POST", "/v1/items", [{"item_id": "a", "available_from": "2021-03-04"}], "/0/available_from"),
        ("PUT", "/v1/items/a", {"available_until": LOCAL_TIME}, "/available_until"),
        ("POST", "/v1/events", {"recommendation_id": "a", "type": "impression", "at": LOCAL_TIME}, "/at"),
        ("GET", f"/v1/reports?from={LOCAL_TIME}", None, "from"),
    ],
)
def test_a_time_without_a_zone_is_refused_with_an_example(
    client: TestClient, method: str, path: str, body: Any, field: str
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 422
    assert {"field": field, "detail": NO_ZONE} in answer.json()["errors"]


@pytest.mark.parametrize(
    ("sent", "fix"),
    [
        ("04.03.2021", "such as 2026-11-23T10:15:00Z"),
        ("2021-13-04T10:11:12Z", "such as 2026-11-23T10:15:00Z: month value is outside"),
        ([], "such as 2026-11-23T10:15:00Z"),
        (1_614_852_672, "must be text"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example(client: TestClient, sent: Any, fix: str) -> None:
    answer = client.post("/v1/ratings", json={"user_id": "a", "item_id": "a", "value": 5, "rated_at": sent})
    assert fix in answer.json()["errors"][0]["detail"]


LISTS = {
    "ratings": "/v1/users/ada/ratings",
    "items": "/v1/items",
    "training-runs": "/v1/training-runs",
    "models": "/v1/models",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_whose_position_cannot_be_is_refused(client: TestClient, name: str) -> None:
    client.put("/v1/users/ada/ratings/alien", json={"value": 5})
    for position in (-1, 2**63 - 1, 2**63, 10**30, -(10**30)):
        cursor = urlsafe_b64encode(f"{name}:{position}".encode()).decode().rstrip("=")
        assert_problem(client.get(LISTS[name], params={"cursor": cursor}), 422, "invalid-cursor")


def test_an_encoded_slash_where_no_id_stands_is_a_slash(client: TestClient) -> None:
    for path in ("/v1/models/a%2Fb", "/v1/models/a%2fb", "/v1/training-runs/1%2F2"):
        assert_problem(client.get(path), 404, "route-not-found")


def test_a_stray_slash_is_an_unknown_address_and_no_redirect(client: TestClient) -> None:
    for path in ("/v1/items/", "/v1/users//ratings", "/v1/ratings/", "/v1/items/a%2F/"):
        answer = client.get(path, headers={"Host": "localhost:99"}, follow_redirects=False)
        assert_problem(answer, 404, "route-not-found")


def test_a_wrong_parameter_is_named(client: TestClient) -> None:
    problem = assert_problem(client.get("/v1/users/ada/recommendations?limit=0"), 422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == ["limit"]


def test_a_thousand_wrong_fields_do_not_make_a_long_answer(client: TestClient) -> None:
    answer = client.post(GUEST, json={"ratings": [{}] * 900})
    problem = assert_problem(answer, 422, "invalid-request")
    assert len(problem["errors"]) == 20
    assert re.search(r"and \d{3} more", problem["detail"])  # what was looked at until there were enough


@pytest.fixture
def small(settings: Settings) -> Iterator[TestClient]:
    """A client of an app that takes bodies of 100 bytes, and has one route that fails."""
    app = create_app(settings.model_copy(update={"max_body_bytes": 100}))
    add_failing_route(app)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def add_failing_route(app: FastAPI) -> None:
    @app.get("/v1/fails")
    async def fails() -> None:
        raise LookupError("the inside")


def test_a_body_that_says_it_is_too_large_is_refused(small: TestClient) -> None:
    assert_problem(small.post(GUEST, content=b"x" * 101, headers=JSON), 413, "body-too-large")


def test_a_body_that_turns_out_too_large_is_refused(small: TestClient) -> None:
    chunks = (b"x" * 50 for _ in range(3))
    assert_problem(small.post(GUEST, content=chunks, headers=JSON), 413, "body-too-large")


def test_an_unexpected_error_reveals_nothing_internal(small: TestClient) -> None:
    answer = small.get("/v1/fails")
    assert_problem(answer, 500, "unexpected-error")
    assert "the inside" not in answer.text
    assert "LookupError" not in answer.text


def test_openapi_declares_the_errors_of_every_v1_route(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1/"):
                declared = operation["responses"]
                assert {"401", "403", "500", "503"} <= declared.keys(), f"{method} {path}"
                assert "application/problem+json" in declared["503"]["content"]
