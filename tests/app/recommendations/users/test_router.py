"""What an answer holds, and what it never holds."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.settings import Settings
from tests.app.recommendations.helpers import ITEMS, Publish, Serve, add_items, ids, rate, recommend, wait_for_version


@pytest.fixture(params=["linear", "denoising"])
def trained(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    """An app that serves a model of each kind over the whole catalogue."""
    add_items(client)
    wait_for_version(client, publish_version("v1", request.param))
    return client


def test_a_user_is_recommended_what_similar_users_like(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "even 2": 5, "odd 1": 1, "odd 3": 1})
    answer = recommend(trained, "ada", limit=4)
    assert answer["personalised"]
    assert answer["reason"] is None
    assert answer["model_version"] == "v1"
    assert sorted(ids(answer)) == ["even 10", "even 4", "even 6", "even 8"]
    assert {item["source"] for item in answer["items"]} == {"personal"}
    assert [item["score"] for item in answer["items"]] == sorted((i["score"] for i in answer["items"]), reverse=True)
    assert all(1 <= item["predicted_rating"] <= 5 for item in answer["items"])
    assert answer["items"][0]["title"] == ids(answer)[0].title()


def test_the_revision_is_that_of_the_users_latest_change(trained: TestClient) -> None:
    first = rate(trained, "ada", {"even 0": 5})
    rate(trained, "bob", {"even 0": 5})
    assert recommend(trained, "ada")["revision"] == first["revision"]
    second = rate(trained, "ada", {"even 0": 4})
    assert recommend(trained, "ada")["revision"] == second["revision"]


def test_a_rating_counts_in_the_next_answer_and_stops_counting_when_it_is_removed(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5})
    before = recommend(trained, "ada", limit=20)
    rate(trained, "ada", {"odd 1": 5})
    between = recommend(trained, "ada", limit=20)
    assert "odd 1" not in ids(between)
    assert trained.delete("/v1/users/ada/ratings/odd%201").status_code == 200
    after = recommend(trained, "ada", limit=20)
    assert after["items"] == before["items"] != between["items"]


def test_an_edited_value_changes_the_scores(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "even 2": 5})
    liked = recommend(trained, "ada", limit=20)
    rate(trained, "ada", {"even 0": 1, "even 2": 1})
    assert recommend(trained, "ada", limit=20)["items"] != liked["items"]


def test_items_switched_off_or_deleted_are_gone_from_the_next_answer_of_every_process(
    trained: TestClient, serve: Serve
) -> None:
    rate(trained, "ada", {"even 0": 5})
    with serve() as other:
        wait_for_version(other, "v1")
        assert {"even 2", "even 4"} <= set(ids(recommend(other, "ada", limit=20)))
        assert trained.patch("/v1/items/even%202", json={"active": False}).status_code == 200
        assert trained.delete("/v1/items/even%204").status_code in {200, 204}
        for process in (trained, other):
            assert not {"even 2", "even 4"} & set(ids(recommend(process, "ada", limit=20)))
            assert not {"even 2", "even 4"} & set(ids(recommend(process, "nobody", limit=20)))
        assert trained.patch("/v1/items/even%202", json={"active": True}).status_code == 200
        assert "even 2" in ids(recommend(other, "ada", limit=20))


def test_rated_items_come_only_on_request_and_are_marked(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 1": 2})
    assert not {"even 0", "odd 1"} & set(ids(recommend(trained, "ada", limit=20)))
    answer = recommend(trained, "ada", limit=20, include_rated=True)
    assert len(answer["items"]) == len(ITEMS)
    assert {item["item_id"] for item in answer["items"] if item["rated"]} == {"even 0", "odd 1"}


def test_an_item_without_content_or_ratings_comes_last_as_new(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5})
    add_items(trained, ["even 90", "even 91"], title=None, categories=[])
    answer = recommend(trained, "ada", limit=20)
    assert len(answer["items"]) == len(ITEMS) - 1 + 2
    assert ids(answer)[-2:] == ["even 91", "even 90"]
    assert [(i["source"], i["score"], i["predicted_rating"]) for i in answer["items"][-2:]] == [("new", None, None)] * 2


def test_categories_filter_personal_popular_and_new_items(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5})
    add_items(trained, ["odd 91"])
    for user in ("ada", "nobody"):
        odd = recommend(trained, user, limit=20, category="odd")
        assert {i.split()[0] for i in ids(odd)} == {"odd"}
        assert "odd 91" in ids(odd)
        assert {i.split()[0] for i in ids(recommend(trained, user, limit=20, exclude_category="odd"))} == {"even"}
        both = recommend(trained, user, limit=20, category=["odd", "even"])
        assert len(both["items"]) == len(ITEMS) + 1 - (user == "ada")
        nothing = recommend(trained, user, category="nowhere")
        assert (nothing["items"], nothing["reason"]) == ([], "no_items")


def test_the_same_request_returns_the_same_bytes_except_for_the_id(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 3": 2})
    answers = [trained.get("/v1/users/ada/recommendations") for _ in range(5)]
    names = {answer.json()["recommendation_id"] for answer in answers}
    assert len(names) == 5
    assert len({re.sub(rb'"recommendation_id":"[^"]+",', b"", answer.content) for answer in answers}) == 1


def test_a_guest_gets_the_answer_of_a_user_with_the_same_ratings(trained: TestClient) -> None:
    ratings = {"even 0": 5, "odd 3": 2, "even 8": 4.5}
    rate(trained, "ada", ratings)
    posted = [{"item_id": item_id, "value": value} for item_id, value in reversed(ratings.items())]
    stored = counts(trained)
    guest = trained.post("/v1/recommendations", json={"ratings": posted, "limit": 20}).json()
    user = recommend(trained, "ada", limit=20)
    assert guest["items"] == user["items"]
    assert (guest["personalised"], guest["user_id"], guest["revision"], guest["unknown_items"]) == (True, None, None, 0)
    assert counts(trained) == stored


def counts(client: TestClient) -> tuple[Any, ...]:
    """Count what is stored, by what the API tells."""
    ratings = client.get("/v1/users/ada/ratings").json()
    return ratings["revision"], len(ratings["ratings"]), len(client.get("/v1/items?limit=1000").json()["items"])


def test_a_guests_unknown_items_are_counted_and_not_created(trained: TestClient) -> None:
    ratings = [{"item_id": "even 0", "value": 5}, {"item_id": "never seen", "value": 5}]
    answer = trained.post("/v1/recommendations", json={"ratings": ratings, "limit": 1000}).json()
    assert answer["unknown_items"] == 1
    assert answer["personalised"]
    assert trained.get("/v1/items/never%20seen").status_code == 404


def test_of_a_guests_two_ratings_of_one_item_the_later_counts(trained: TestClient) -> None:
    def ask(*ratings: dict[str, Any]) -> Any:
        body = {"ratings": [{"item_id": "even 0", **rating} for rating in ratings], "limit": 20}
        return trained.post("/v1/recommendations", json=body).json()["items"]

    low, high = ask({"value": 1}), ask({"value": 5})
    assert low != high
    assert ask({"value": 5}, {"value": 1}) == low
    early, late = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    assert ask({"value": 1, "rated_at": late}, {"value": 5, "rated_at": early}) == low
    assert ask({"value": 1}, {"value": 5, "rated_at": late}) == low


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ratings": [{"item_id": "a", "value": 5.5}]}, "/ratings/0/value"),
        ({"ratings": [{"item_id": "a", "value": 5}, {"item_id": "b", "value": 3.3}]}, "/ratings/1/value"),
        ({"ratings": [{"item_id": "a", "value": 5, "rated_at": "2999-01-01T00:00:00Z"}]}, "/ratings/0/rated_at"),
        ({"ratings": [{"item_id": "", "value": 5}]}, "/ratings/0/item_id"),
        ({"ratings": [{"item_id": "a", "value": 5}] * 10_001}, "/ratings"),
        ({"ratings": [], "limit": 0}, "/limit"),
        ({"ratings": [], "limit": 1001}, "/limit"),
        ({"ratings": [], "surprise": 1}, "/surprise"),
        ({}, "/ratings"),
    ],
)
def test_a_guest_request_that_is_wrong_names_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    response = client.post("/v1/recommendations", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in response.json()["errors"]]


@pytest.mark.parametrize("parameters", ["limit=0", "limit=1001", "limit=ten", "include_rated=perhaps", "category="])
def test_a_parameter_that_is_wrong_is_named(client: TestClient, parameters: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{parameters}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(parameters.split("=")[0])


def test_a_limit_of_a_thousand_returns_a_thousand_items(client: TestClient) -> None:
    for start in (0, 600):
        add_items(client, [f"even {n}" for n in range(start, start + 600)])
    assert len(recommend(client, "ada", limit=1000)["items"]) == 1000
    assert len(recommend(client, "ada")["items"]) == 10


def test_user_ids_may_hold_slashes_and_non_ascii_letters(trained: TestClient, settings: Settings) -> None:
    rate(trained, "a/b ü", {"even 0": 5})
    answer = recommend(trained, "a%2Fb%20%C3%BC")
    assert (answer["user_id"], answer["personalised"]) == ("a/b ü", True)
