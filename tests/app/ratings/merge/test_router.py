"""A guest's ratings become a user's, whether they were posted or stored."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

EARLY, MIDDLE, LATE = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))


def rate(client: TestClient, user_id: str, *rows: tuple[str, float, str]) -> None:
    posted = [{"user_id": user_id, "item_id": i, "value": value, "rated_at": at} for i, value, at in rows]
    assert client.post("/v1/ratings", json=posted).status_code == 200


def merge(client: TestClient, user_id: str, **body: Any) -> dict[str, Any]:
    response = client.post(f"/v1/users/{user_id}/merge", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ratings_of(client: TestClient, user_id: str) -> dict[str, tuple[float, str]]:
    listed = client.get(f"/v1/users/{user_id}/ratings", params={"limit": 1000}).json()["ratings"]
    return {row["item_id"]: (row["value"], row["rated_at"]) for row in listed}


def statuses(answer: dict[str, Any]) -> dict[str, str]:
    return {row["item_id"]: row["status"] for row in answer["results"]}


GUEST = (("a", 5, MIDDLE), ("b", 4, MIDDLE), ("c", 3, EARLY), ("d", 2, LATE))
OWN = (("b", 4, MIDDLE), ("c", 1, LATE), ("d", 1, EARLY), ("e", 5, EARLY))
BOTH = {"a": (5, MIDDLE), "b": (4, MIDDLE), "c": (1, LATE), "d": (2, LATE), "e": (5, EARLY)}
BECAME = {"a": "created", "b": "unchanged", "c": "stale", "d": "updated"}


@pytest.mark.parametrize("stored", [True, False])
def test_the_later_rating_of_an_item_wins_and_every_row_has_its_result(client: TestClient, *, stored: bool) -> None:
    rate(client, "ada", *OWN)
    posted = [{"item_id": item_id, "value": value, "rated_at": at} for item_id, value, at in GUEST]
    body: dict[str, Any] = {"from_user_id": "guest"} if stored else {"ratings": posted}
    if stored:
        rate(client, "guest", *GUEST)
    answer = merge(client, "ada", **body)
    assert statuses(answer) == BECAME
    assert answer["counts"] == {"created": 1, "updated": 1, "unchanged": 1, "stale": 1, "refused": 0}
    assert (answer["user_id"], answer["from_user_id"]) == ("ada", body.get("from_user_id"))
    assert answer["moved"] == (4 if stored else 0)
    assert ratings_of(client, "ada") == BOTH
    assert answer["revision"] == client.get("/v1/users/ada/ratings").json()["revision"]


def test_a_stored_guests_ratings_are_removed_there_in_the_same_step(client: TestClient) -> None:
    rate(client, "guest", *GUEST)
    before = client.get("/v1/users/guest").json()["revision"]
    answer = merge(client, "ada", from_user_id="guest")
    assert ratings_of(client, "guest") == {}
    assert ratings_of(client, "ada") == {item_id: (value, at) for item_id, value, at in GUEST}
    changes = 2 * len(GUEST)  # each rating is added once and removed once, under revisions of their own
    assert answer["revision"] == before + changes == client.get("/v1/users/guest").json()["revision"]


@pytest.mark.parametrize("stored", [True, False])
def test_merging_again_changes_nothing(client: TestClient, *, stored: bool) -> None:
    rate(client, "guest", *GUEST)
    rate(client, "ada", *OWN)
    posted = [{"item_id": item_id, "value": value, "rated_at": at} for item_id, value, at in GUEST]
    body: dict[str, Any] = {"from_user_id": "guest"} if stored else {"ratings": posted}
    first = merge(client, "ada", **body)
    second = merge(client, "ada", **body)
    assert second["revision"] == first["revision"]
    assert (second["moved"], second["counts"]["created"], second["counts"]["updated"]) == (0, 0, 0)
    assert ratings_of(client, "ada") == BOTH


def test_what_the_user_removed_later_stays_removed(client: TestClient) -> None:
    rate(client, "guest", ("a", 5, MIDDLE))
    rate(client, "ada", ("a", 3, EARLY))
    assert client.delete("/v1/users/ada/ratings/a").status_code == 200
    assert statuses(merge(client, "ada", from_user_id="guest")) == {"a": "stale"}
    assert ratings_of(client, "ada") == {}
    assert ratings_of(client, "guest") == {"a": (5, MIDDLE)}


def test_a_merge_and_a_merge_back_lose_nothing(client: TestClient) -> None:
    rate(client, "guest", *GUEST)
    merge(client, "ada", from_user_id="guest")
    back = merge(client, "guest", from_user_id="ada")
    assert back["moved"] == 0
    assert ratings_of(client, "ada") == {item_id: (value, at) for item_id, value, at in GUEST}


def test_merging_a_guest_without_ratings_changes_nothing(client: TestClient) -> None:
    answer = merge(client, "ada", from_user_id="never seen")
    assert (answer["moved"], answer["results"]) == (0, [])
    assert client.get("/v1/users/ada").status_code == client.get("/v1/users/never%20seen").status_code == 404


def test_bad_rows_are_refused_and_the_others_stored(client: TestClient) -> None:
    rows: list[Any] = [{"item_id": "a", "value": 5}, {"item_id": "b", "value": 5.3}, {"value": 5}, 7]
    answer = merge(client, "ada", ratings=rows)
    assert [row["status"] for row in answer["results"]] == ["created", "refused", "refused", "refused"]
    fields = [row["errors"][0]["field"] for row in answer["results"][1:]]
    assert fields == ["/ratings/1/value", "/ratings/2/item_id", "/ratings/3"]
    assert list(ratings_of(client, "ada")) == ["a"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/"),
        ({"from_user_id": "guest", "ratings": [{"item_id": "a", "value": 5}]}, "/"),
        ({"from_user_id": "ada"}, "/from_user_id"),
        ({"from_user_id": ""}, "/from_user_id"),
        ({"ratings": []}, "/ratings"),
        ({"ratings": [{"item_id": "a", "value": 5}] * 10_001}, "/ratings"),
        ({"ratings": [{"item_id": "a", "value": 9}]}, "/ratings/0/value"),
        ({"ratings": [{"item_id": "a", "value": 5}], "surprise": 1}, "/surprise"),
    ],
)
def test_a_merge_that_is_wrong_names_the_field_and_stores_nothing(
    client: TestClient, body: dict[str, Any], field: str
) -> None:
    response = client.post("/v1/users/ada/merge", json=body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
    assert client.get("/v1/users/ada").status_code == 404


def test_more_ratings_than_a_request_may_hold_are_moved(client: TestClient) -> None:
    for start in (0, 1_000):
        rate(client, "guest", *((f"i{n}", 1 + n % 5, EARLY) for n in range(start, start + 1_000)))
    answer = merge(client, "ada", from_user_id="guest")
    assert answer["moved"] == len(answer["results"]) == 2_000
    assert client.get("/v1/users/ada").json()["num_ratings"] == 2_000
    assert client.get("/v1/users/guest").json()["num_ratings"] == 0
