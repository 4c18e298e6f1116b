"""What an explanation states is what happens when the rating is really removed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.recommendations.users import response
from models.kinds.registry import KINDS
from tests.app.recommendations.helpers import ITEMS, Publish, add_items, ids, rate, recommend, wait_for_version

EXACT = 1e-4


def train(client: TestClient, publish_version: Publish, kind: str) -> TestClient:
    add_items(client)
    wait_for_version(client, publish_version("v1", kind))
    return client


@pytest.fixture(params=["linear", "hybrid"])
def trained(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    return train(client, publish_version, request.param)


def figures(client: TestClient, ratings: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Ask anew, as a guest, what each item's predicted rating and score are."""
    posted = [{"item_id": item_id, "value": value} for item_id, value in ratings.items()]
    answer = client.post("/v1/recommendations", json={"ratings": posted, "limit": 100, "include_rated": True}).json()
    assert answer["personalised"]
    return {item["item_id"]: (item["predicted_rating"], item["score"]) for item in answer["items"]}


def without(ratings: dict[str, float], item_ids: Sequence[str]) -> dict[str, float]:
    return {item_id: value for item_id, value in ratings.items() if item_id not in item_ids}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", list(KINDS))
def test_removing_the_named_ratings_changes_scores_by_the_stated_effects(
    client: TestClient, publish_version: Publish, kind: str
) -> None:
    trained = train(client, publish_version, kind)
    generator, checked = np.random.default_rng(7), 0
    for user in range(4):
        rated = generator.choice(ITEMS, generator.integers(4, 9), replace=False).tolist()
        ratings = {item_id: float(generator.integers(2, 11) / 2) for item_id in rated}
        rate(trained, f"user {user}", ratings)
        answer = recommend(trained, f"user {user}", limit=20, explain=True)
        assert answer["items"] == recommend_and_strip(trained, f"user {user}", answer)
        for item in answer["items"]:
            for cause in item["because"]:
                after = figures(trained, without(ratings, [cause["item_id"]]))[item["item_id"]]
                assert item["predicted_rating"] - after[0] == pytest.approx(cause["effect"], abs=EXACT)
                assert item["score"] - after[1] == pytest.approx(cause["score_effect"], abs=EXACT)
                checked += 1
            raised = [cause["item_id"] for cause in item["because"] if cause["score_effect"] > 0]
            if raised:
                together = item["because_together"]
                assert together["num_ratings"] == len(raised)
                after = figures(trained, without(ratings, raised))[item["item_id"]]
                assert item["predicted_rating"] - after[0] == pytest.approx(together["effect"], abs=EXACT)
                assert item["score"] - after[1] == pytest.approx(together["score_effect"], abs=EXACT)
    assert checked > 20


def recommend_and_strip(client: TestClient, user_id: str, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask without reasons and put those of another answer in: the items must be the same."""
    plain = recommend(client, user_id, limit=20)
    assert "because" not in plain["items"][0]
    reasons = [{name: item[name] for name in ("because", "because_together")} for item in answer["items"]]
    return [item | reason for item, reason in zip(plain["items"], reasons, strict=True)]


def test_the_ratings_that_moved_an_item_most_are_named_with_both_signs(trained: TestClient) -> None:
    ratings = {"even 0": 5.0, "even 2": 4.5, "even 4": 5.0, "odd 1": 1.0, "odd 3": 4.0, "odd 5": 5.0, "odd 7": 1.5}
    rate(trained, "ada", ratings)
    whole = recommend(trained, "ada", limit=20, explain=True, explain_ratings=20)
    short = recommend(trained, "ada", limit=20, explain=True, explain_ratings=2)
    assert ids(whole) == ids(short)
    for every, few in zip(whole["items"], short["items"], strict=True):
        sizes = [abs(cause["score_effect"]) for cause in every["because"]]
        assert sizes == sorted(sizes, reverse=True)
        assert all(cause["value"] == ratings[cause["item_id"]] for cause in every["because"])
        assert all(cause["title"] == cause["item_id"].title() for cause in every["because"])
        signs = [[c for c in every["because"] if c["score_effect"] * sign > 0][:2] for sign in (1, -1)]
        assert sorted(few["because"], key=str) == sorted(signs[0] + signs[1], key=str)
    assert any(cause["score_effect"] < 0 for item in whole["items"] for cause in item["because"])
    assert whole["items"][0]["because"][0]["score_effect"] > 0


def test_a_guest_is_explained_like_a_user(trained: TestClient) -> None:
    ratings = {"even 0": 5.0, "odd 3": 2.0, "even 8": 4.5}
    rate(trained, "ada", ratings)
    posted = [{"item_id": item_id, "value": value} for item_id, value in ratings.items()]
    guest = trained.post("/v1/recommendations", json={"ratings": posted, "limit": 20, "explain": True}).json()
    user = recommend(trained, "ada", limit=20, explain=True)
    assert ids(guest) == ids(user)
    for posted_item, stored_item in zip(guest["items"], user["items"], strict=True):
        assert_alike(posted_item, stored_item)


def test_every_user_of_a_batch_gets_the_explanations_of_a_single_request(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5.0, "odd 3": 2.0})
    rate(trained, "grace", {"odd 1": 5.0, "odd 3": 5.0, "even 2": 1.0})
    batch = trained.post("/v1/recommendations/batch", json={"users": ["ada", "grace"], "explain": True}).json()
    for answer in batch["answers"]:
        alone = recommend(trained, answer["user_id"], explain=True)
        for together, single in zip(answer["items"], alone["items"], strict=True):
            assert_alike(together, single)


def test_a_long_row_is_explained_the_same_in_the_computing_thread(
    trained: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate(trained, "ada", {"even 0": 5.0, "odd 3": 2.0, "odd 1": 1.0})
    at_once = recommend(trained, "ada", explain=True)
    monkeypatch.setattr(response, "MAX_CELLS_AT_ONCE", 0)
    in_thread = recommend(trained, "ada", explain=True)
    assert at_once["items"] == in_thread["items"]
    assert any(item["because"] for item in in_thread["items"])


def assert_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two ways to the same explanation: the same ratings, effects but for the rounding of float32."""
    assert [c["item_id"] for c in one["because"]] == [c["item_id"] for c in other["because"]]
    for name in ("effect", "score_effect"):
        assert [c[name] for c in one["because"]] == pytest.approx([c[name] for c in other["because"]], abs=EXACT / 2)


def test_an_item_that_is_not_personal_is_due_to_no_rating(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5.0})
    add_items(trained, ["even 90"])
    new = recommend(trained, "ada", limit=20, explain=True)["items"][-1]
    assert (new["source"], new["because"], new["because_together"]) == ("new", [], None)
    for item in recommend(trained, "nobody", explain=True)["items"]:
        assert (item["source"], item["because"], item["because_together"]) == ("popular", [], None)


def test_a_rating_the_model_cannot_read_is_not_named(trained: TestClient) -> None:
    add_items(trained, ["even 90"])
    rate(trained, "ada", {"even 0": 5.0, "even 90": 5.0})
    items = recommend(trained, "ada", limit=20, explain=True)["items"]
    assert {cause["item_id"] for item in items for cause in item["because"]} == {"even 0"}


def test_a_single_rating_is_compared_with_no_ratings(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5.0})
    items = recommend(trained, "ada", limit=20, explain=True)["items"]
    assert {len(item["because"]) for item in items} == {1}
    item = next(item for item in items if item["because_together"])
    effect = item["because"][0]["score_effect"]
    assert effect > 0
    assert item["because_together"]["score_effect"] == pytest.approx(effect, abs=2e-6)  # both are rounded
    without_ratings = trained.get("/v1/users/nobody/predictions", params={"item_id": item["item_id"]}).json()
    change = item["predicted_rating"] - without_ratings["predictions"][0]["predicted_rating"]
    assert item["because"][0]["effect"] == pytest.approx(change, abs=EXACT)


@pytest.mark.parametrize("parameters", ["explain=perhaps", "explain_ratings=0", "explain_ratings=21"])
def test_a_parameter_that_is_wrong_is_named(client: TestClient, parameters: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{parameters}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == parameters.split("=")[0]


def test_a_limit_too_high_for_explanations_is_named(client: TestClient) -> None:
    response = client.get("/v1/users/ada/recommendations?explain=true&limit=101")
    assert response.status_code == 422
    assert "limit must be 100 at most with explain=true" in response.json()["detail"]
    assert client.get("/v1/users/ada/recommendations?limit=101").status_code == 200
