"""New items before their first rating: scored by their content, and left out where they must be."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.recommendations.state import cold_start_updater
from tests.app.recommendations.helpers import (
    Publish,
    Serve,
    add_items,
    ids,
    rate,
    recommend,
    wait_for,
    wait_for_version,
    without_id,
)

LIKED, DISLIKED = ("even 0", "even 2", "even 4"), ("odd 1", "odd 3", "odd 5")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an answer wait for new items on a machine that is busy with other tests, too."""
    monkeypatch.setattr(cold_start_updater, "PATIENCE_S", 10.0)


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app with a model, where some of what each camp likes has a category of its own."""
    add_items(client, title=None, categories=[])
    for names, category in ((LIKED, "Western"), (DISLIKED, "Opera")):
        add_items(client, list(names), title=None, categories=[category])
    wait_for_version(client, publish_version(kind="lowrank"))
    rate(client, "ada", {"even 0": 5, "odd 1": 1.5})
    return client


def put(client: TestClient, item_id: str, **fields: Any) -> None:
    assert client.put(f"/v1/items/{item_id}", json=fields).status_code == 200


def by_id(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["item_id"]: item for item in answer["items"]}


def test_a_new_item_is_scored_by_its_content_in_the_next_answer_of_every_process(
    trained: TestClient, serve: Serve
) -> None:
    with serve() as other:
        wait_for_version(other, "v1")
        put(trained, "fresh", categories=["Western"])
        put(trained, "stale", categories=["Opera"])
        answers = [recommend(process, "ada", limit=20) for process in (trained, other)]
    assert without_id(answers[0]) == without_id(answers[1])
    items = by_id(answers[0])
    assert items["fresh"]["source"] == items["stale"]["source"] == "attributes"
    assert items["fresh"]["score"] > items["stale"]["score"]
    assert items["fresh"]["predicted_rating"] > items["stale"]["predicted_rating"] + 0.5
    assert all(1 <= items[name]["predicted_rating"] <= 5 for name in ("fresh", "stale"))
    assert ids(answers[0]).index("fresh") < ids(answers[0]).index("odd 3")
    scores = [item["score"] for item in answers[0]["items"]]
    assert scores == sorted(scores, reverse=True)


def test_a_new_item_without_comparable_content_stays_last(trained: TestClient) -> None:
    put(trained, "fresh", categories=["Western"])
    put(trained, "bare")
    put(trained, "odd one out", title="Quite alone", categories=["Nothing else is"])
    answer = recommend(trained, "ada", limit=20)
    assert set(ids(answer)[-2:]) == {"bare", "odd one out"}
    assert {item["source"] for item in answer["items"][-2:]} == {"new"}
    assert by_id(answer)["fresh"]["source"] == "attributes"


def test_a_new_item_is_compared_again_when_its_content_changes(trained: TestClient) -> None:
    put(trained, "fresh", categories=["Western"])
    western = by_id(recommend(trained, "ada", limit=20))["fresh"]
    put(trained, "fresh", categories=["Opera"])
    opera = by_id(recommend(trained, "ada", limit=20))["fresh"]
    assert western["score"] > opera["score"]
    put(trained, "fresh")
    assert by_id(recommend(trained, "ada", limit=20))["fresh"]["source"] == "new"


def test_a_new_item_that_is_filtered_blocked_rated_inactive_or_deleted_is_in_no_answer(trained: TestClient) -> None:
    put(trained, "fresh", categories=["Western"])
    assert "fresh" in ids(recommend(trained, "ada", limit=20))
    assert "fresh" in ids(recommend(trained, "ada", limit=20, category="Western"))
    for rule in ({"category": "Opera"}, {"exclude_category": "Western"}, {"block": "fresh"}):
        assert "fresh" not in ids(recommend(trained, "ada", limit=20, **rule))
    rate(trained, "ada", {"fresh": 4})
    assert "fresh" not in ids(recommend(trained, "ada", limit=20))
    assert by_id(recommend(trained, "ada", limit=20, include_rated=True))["fresh"]["rated"]
    rate(trained, "bob", {"even 0": 5})
    trained.patch("/v1/items/fresh", json={"active": False})
    assert "fresh" not in ids(recommend(trained, "bob", limit=20))
    trained.delete("/v1/items/fresh")
    assert "fresh" not in ids(recommend(trained, "bob", limit=20))


def test_a_guest_gets_the_answer_of_a_user_with_the_same_ratings(trained: TestClient) -> None:
    put(trained, "fresh", categories=["Western"])
    ratings = [{"item_id": "even 0", "value": 5}, {"item_id": "odd 1", "value": 1.5}]
    guest = trained.post("/v1/recommendations", json={"ratings": ratings, "limit": 20}).json()
    assert guest["items"] == recommend(trained, "ada", limit=20)["items"]
    assert "fresh" in ids(guest)


def test_a_shorter_answer_is_the_head_of_a_longer_one(trained: TestClient) -> None:
    for number in range(5):
        put(trained, f"fresh {number}", categories=["Western", "Opera"][: 1 + number % 2])
    wait_for(lambda: by_id(recommend(trained, "ada", limit=20))["fresh 4"]["source"] == "attributes")
    whole = recommend(trained, "ada", limit=20)["items"]
    assert len(whole) == 15
    for limit in range(1, 16):
        assert recommend(trained, "ada", limit=limit)["items"] == [
            item | {"predicted_rating": pytest.approx(item["predicted_rating"], abs=2e-6)} for item in whole[:limit]
        ]  # a processor may add up in another order where fewer are predicted


def test_an_item_that_the_next_model_knows_is_personal(trained: TestClient, publish_version: Publish) -> None:
    wait_for_version(trained, publish_version("v2", num_items=10))
    assert by_id(recommend(trained, "ada", limit=20))["odd 11"]["source"] == "new"
    trained.patch("/v1/items/odd%2011", json={"categories": ["Western"]})
    assert by_id(recommend(trained, "ada", limit=20))["odd 11"]["source"] == "attributes"
    wait_for_version(trained, publish_version("v3"))
    assert by_id(recommend(trained, "ada", limit=20))["odd 11"]["source"] == "personal"
