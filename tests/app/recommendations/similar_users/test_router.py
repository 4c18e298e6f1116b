"""Similar users: those who agree come first, by the ratings as of now."""

from time import monotonic
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.kit import refreshing
from app.recommendations.state import user_sample
from tests.app.recommendations.helpers import ITEMS, Publish, Serve, add_items, rate, wait_for_version


def similar(client: TestClient, user_id: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/v1/users/{user_id}/similar", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def names(answer: dict[str, Any]) -> list[str]:
    return [user["user_id"] for user in answer["users"]]


@pytest.fixture
def rated(client: TestClient) -> TestClient:
    """Two camps of four users; each user leaves one item out."""
    add_items(client)
    for number in range(8):
        ratings = {item: 5.0 if place % 2 == number % 2 else 1.0 for place, item in enumerate(ITEMS) if place != number}
        rate(client, f"camp {number % 2} user {number}", ratings)
    return client


def test_users_who_agree_come_before_those_who_rated_the_same_items_the_other_way(rated: TestClient) -> None:
    answer = similar(rated, "camp 0 user 0")
    assert answer["num_compared"] == 7
    assert {name[:6] for name in names(answer)[:3]} == {"camp 0"}
    assert {user["overlap"] for user in answer["users"]} == {10}
    assert "camp 0 user 0" not in names(answer)
    scores = [user["similarity"] for user in answer["users"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] < 1
    assert names(similar(rated, "camp 0 user 0", limit=2)) == names(answer)[:2]


def test_users_without_items_in_common_are_not_listed(rated: TestClient) -> None:
    rate(rated, "stranger", {"somewhere else": 5, "and there": 1})
    assert similar(rated, "stranger")["users"] == []
    assert "stranger" not in names(similar(rated, "camp 0 user 0"))


def test_a_user_is_compared_by_their_ratings_as_of_now(rated: TestClient) -> None:
    assert names(similar(rated, "camp 0 user 0"))[0].startswith("camp 0")
    rate(rated, "camp 0 user 0", {item: 5.0 if place % 2 else 1.0 for place, item in enumerate(ITEMS)})
    answer = similar(rated, "camp 0 user 0")
    assert {name[:6] for name in names(answer)[:4]} == {"camp 1"}
    rated.delete("/v1/users/camp%200%20user%200/ratings/even%202")
    assert similar(rated, "camp 0 user 0")["revision"] == answer["revision"] + 1


def test_others_are_compared_by_their_ratings_as_of_now(rated: TestClient) -> None:
    nearest = names(similar(rated, "camp 0 user 0"))
    rated.delete(f"/v1/users/{nearest[0].replace(' ', '%20')}")
    rate(rated, nearest[1], {item: 5.0 if place % 2 else 1.0 for place, item in enumerate(ITEMS)})
    again = names(similar(rated, "camp 0 user 0"))
    assert nearest[0] not in again
    assert again[0] == nearest[2]


def test_the_sample_is_read_again_after_a_while_and_then_has_new_users(
    rated: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    similar(rated, "camp 0 user 0")
    rate(rated, "late", {item: 5.0 if place % 2 == 0 else 1.0 for place, item in enumerate(ITEMS) if place})
    assert similar(rated, "camp 0 user 0")["num_compared"] == 7
    monkeypatch.setattr(refreshing, "monotonic", lambda: monotonic() + 3600)
    assert names(similar(rated, "camp 0 user 0"))[0] == "late"


def test_of_too_many_users_an_evenly_spread_part_is_compared(
    rated: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_sample, "MAX_USERS", 4)
    answer = similar(rated, "camp 1 user 1")
    assert answer["num_compared"] == 3  # of every second user, without the user asked about
    assert len(names(answer)) == 3


def test_users_are_still_compared_once_a_model_is_loaded(
    rated: TestClient, publish_version: Publish, serve: Serve
) -> None:
    wait_for_version(rated, publish_version())
    assert {name[:6] for name in names(similar(rated, "camp 1 user 1"))[:3]} == {"camp 1"}


def test_an_unknown_user_is_not_found_and_one_without_ratings_has_no_similar_users(rated: TestClient) -> None:
    response = rated.get("/v1/users/nobody/similar")
    assert (response.status_code, response.json()["type"].rsplit("/")[-1]) == (404, "user-not-found")
    rate(rated, "was here", {"even 0": 5})
    rated.delete("/v1/users/was%20here/ratings/even%200")
    assert similar(rated, "was here")["users"] == []


@pytest.mark.parametrize("limit", ["0", "101", "few"])
def test_a_wrong_limit_is_named(client: TestClient, limit: str) -> None:
    response = client.get(f"/v1/users/ada/similar?limit={limit}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "limit"
