"""Ratings and users over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

RATING = {"user_id": "ada", "item_id": "alien", "value": 4.5}


def test_a_posted_rating_is_listed_with_its_revision(client: TestClient) -> None:
    answer = client.post("/v1/ratings", json=RATING | {"rated_at": "2026-01-02T03:04:05.678901+01:00"})
    assert answer.json() == {
        "revision": 1,
        "counts": {"created": 1, "updated": 0, "unchanged": 0, "stale": 0, "refused": 0},
        "results": [{"index": 0, "user_id": "ada", "item_id": "alien", "status": "created", "revision": 1}],
    }
    listed = client.get("/v1/users/ada/ratings").json()
    assert listed == {
        "user_id": "ada",
        "revision": 1,
        "ratings": [
            {"item_id": "alien", "title": None, "value": 4.5, "rated_at": "2026-01-02T02:04:05.678901Z", "revision": 1}
        ],
        "next_cursor": None,
    }
    user = client.get("/v1/users/ada").json()
    assert (user["num_ratings"], user["revision"]) == (1, 1)
    assert client.get("/v1/items/alien").json()["title"] is None


def test_valid_rows_are_stored_though_others_are_refused(client: TestClient) -> None:
    rows: list[Any] = [RATING, RATING | {"value": 4.7}, RATING | {"value": "5", "extra": 1}, 7, RATING | {"value": 2}]
    answer = client.post("/v1/ratings", json=rows).json()
    assert [row["status"] for row in answer["results"]] == ["created", "refused", "refused", "refused", "updated"]
    assert answer["counts"]["refused"] == 3
    fields = [error["field"] for row in answer["results"] for error in row.get("errors", [])]
    assert fields == ["/1/value", "/2/value", "/2/extra", "/3"]
    assert answer["results"][1]["errors"][0]["detail"] == "4.7 is not on the scale: give 1 to 5 in steps of 0.5"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (RATING | {"value": 0.5}, "/value"),
        (RATING | {"value": True}, "/value"),
        (RATING | {"rated_at": "2999-01-01T00:00:00Z"}, "/rated_at"),
        (RATING | {"rated_at": "2026-01-01T00:00:00"}, "/rated_at"),
        (RATING | {"rated_at": 1767225600}, "/rated_at"),
        (RATING | {"user_id": ""}, "/user_id"),
        (RATING | {"user_id": "é" * 256}, "/user_id"),
        (RATING | {"item_id": "a\0b"}, "/item_id"),
        ({"user_id": "ada", "value": 3}, "/item_id"),
        ([], "/"),
        ([RATING] * 1001, "/"),
        ("text", "/"),
    ],
)
def test_a_request_without_a_valid_row_is_refused_and_names_the_field(
    client: TestClient, body: Any, field: str
) -> None:
    answer = client.post("/v1/ratings", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == field
    assert client.get("/v1/users/ada").status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"user_id": "\xff"}', b'{"user_id": "\\ud800", "item_id": "a", "value": 1}']
)
def test_a_body_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/ratings", content=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "/")


@pytest.mark.parametrize("user_id", ["é" * 255, "a/b c", "/ratings/", "..%2F", "🎬", "a?b#c", "%", "+"])
def test_an_id_of_any_characters_works_in_body_and_path(client: TestClient, user_id: str) -> None:
    path = f"/v1/users/{quote(user_id, safe='')}/ratings/{quote(user_id, safe='')}"
    assert client.put(path, json={"value": 3}).json()["status"] == "created"
    posted = client.post("/v1/ratings", json={"user_id": user_id, "item_id": user_id, "value": 3})
    assert posted.json()["results"][0]["status"] == "unchanged"
    assert client.get(path.rpartition("/")[0]).json()["ratings"][0]["item_id"] == user_id
    removed = client.delete(path).json()
    assert "counts again" in removed.pop("later")
    assert removed == {"user_id": user_id, "item_id": user_id, "status": "removed", "revision": 2}
    assert client.delete(path).status_code == 404


@pytest.mark.parametrize("path", ["/v1/users/a%00b", "/v1/users/%FF", "/v1/users/" + "a" * 256])
def test_an_id_that_cannot_be_stored_is_refused_in_a_path(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


def test_a_walk_over_the_pages_shows_every_rating_once_while_others_change(client: TestClient) -> None:
    client.post("/v1/ratings", json=[RATING | {"item_id": f"i{n}"} for n in range(25)])
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 10}
    while True:
        page = client.get("/v1/users/ada/ratings", params=query).json()
        seen += [rating["item_id"] for rating in page["ratings"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        client.put(f"/v1/users/ada/ratings/{seen[0]}", json={"value": 1 + len(seen) % 3})
    assert seen == [f"i{n}" for n in reversed(range(25))]


@pytest.mark.parametrize("cursor", ["", "x", "aXRlbXM6MQ", "é"])
def test_a_cursor_of_another_list_is_refused(client: TestClient, cursor: str) -> None:
    client.post("/v1/ratings", json=RATING)
    answer = client.get("/v1/users/ada/ratings", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_body_too_large_is_refused_saying_how_much_is_taken(client: TestClient) -> None:
    answer = client.post("/v1/ratings", content=b" " * (4 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "4,194,304" in answer.json()["detail"]


def test_a_row_nested_too_deep_is_refused_and_the_others_are_stored(client: TestClient) -> None:
    for depth in (100, 230, 252, 300):
        row = b'{"user_id": %s, "item_id": "alien", "value": 5}' % (b"[" * depth + b"]" * depth)
        good = b'{"user_id": "%d", "item_id": "alien", "value": 5}' % depth
        assert client.post("/v1/ratings", content=row).status_code == 422
        answer = client.post("/v1/ratings", content=b"[%s, %s]" % (row, good))
        assert [result["status"] for result in answer.json()["results"]] == ["refused", "created"]


def test_a_body_too_deep_to_be_read_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/ratings", content=b"[" * 100_000 + b"]" * 100_000)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "/")


def test_space_before_a_single_rating_does_not_change_the_field_named(client: TestClient) -> None:
    answer = client.post("/v1/ratings", content=b' \n{"user_id": "ada", "item_id": "alien", "value": 99}')
    assert answer.json()["errors"][0]["field"] == "/value"


def test_a_value_just_off_the_scale_is_shown_as_it_was_sent(client: TestClient) -> None:
    answer = client.post("/v1/ratings", json=RATING | {"value": 5.0000001})
    assert answer.json()["errors"][0]["detail"].startswith("5.0000001 is not on the scale")
