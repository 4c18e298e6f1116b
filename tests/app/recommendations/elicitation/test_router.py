"""Questions are about items the user has not rated, by what their answers would change."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from models.evaluation.elicitation import expected_change, information, plausible_ratings
from tests.app.recommendations.helpers import ITEMS, Publish, add_items, rate, wait_for_version


@pytest.fixture(params=["linear", "hybrid"])
def trained(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    add_items(client)
    wait_for_version(client, publish_version("v1", request.param, metrics={"rmse": 0.7}))
    return client


def ask(client: TestClient, user_id: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/v1/users/{user_id}/questions", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def names(answer: dict[str, Any]) -> list[str]:
    return [question["item_id"] for question in answer["questions"]]


def test_the_most_informative_items_come_first_and_rated_ones_never(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 1": 1})
    answer = ask(trained, "ada", limit=20, include_rated=True)
    assert sorted(names(answer)) == sorted(set(ITEMS) - {"even 0", "odd 1"})
    live = trained.app.state.serving.live  # type: ignore[attr-defined]
    row = np.array([0, 1], np.int32), np.array([5, 1], np.float32)
    candidates = np.array([ITEMS.index(item) for item in names(answer)], np.int32)
    predicted = live.model.rating_row(*row, candidates)
    everything = np.arange(len(ITEMS), dtype=np.int32)
    ratings = plausible_ratings(predicted, 0.7, live.model.scale)
    changes = expected_change(live.model, *row, candidates=candidates, ratings_CA=ratings, compared=everything)
    scores = {int(slot): score for slot, score in zip(live.popularity.slots, live.popularity.scores, strict=True)}
    expected = information(changes, np.array([scores[int(live.slot_of_column[column])] for column in candidates]))
    assert [question["information"] for question in answer["questions"]] == pytest.approx(expected.tolist(), abs=1e-4)
    assert expected.tolist() == sorted(expected.tolist(), reverse=True)
    assert [question["predicted_rating"] for question in answer["questions"]] == pytest.approx(predicted.tolist())
    assert (answer["model_version"], answer["revision"] is None) == ("v1", False)


def test_a_rating_changes_the_next_questions(trained: TestClient) -> None:
    first = ask(trained, "ada", limit=1)
    assert first["revision"] is None
    rate(trained, "ada", {names(first)[0]: 5})
    assert names(first)[0] not in names(ask(trained, "ada", limit=20))
    liked = ask(trained, "ada", limit=20)["questions"]
    rate(trained, "ada", {names(first)[0]: 1})
    assert ask(trained, "ada", limit=20)["questions"] != liked


def test_filters_blocks_and_availability_hold_for_questions(trained: TestClient) -> None:
    add_items(trained, ["even 90"])
    assert trained.patch("/v1/items/even%204", json={"active": False}).status_code == 200
    asked = names(ask(trained, "ada", limit=20, category="even", block=["even 2"]))
    assert sorted(asked) == ["even 0", "even 10", "even 6", "even 8"]
    assert len(names(ask(trained, "ada", limit=2))) == 2
    assert names(ask(trained, "ada", category="nowhere")) == []


def test_a_guest_is_asked_what_a_user_with_the_same_ratings_is_and_nothing_is_stored(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 3": 2})
    posted = [{"item_id": "odd 3", "value": 2}, {"item_id": "even 0", "value": 5}, {"item_id": "nowhere", "value": 3}]
    guest = trained.post("/v1/questions", json={"ratings": posted, "limit": 5}).json()
    assert guest["questions"] == ask(trained, "ada", limit=5)["questions"]
    assert (guest["user_id"], guest["unknown_items"]) == (None, 1)
    assert trained.get("/v1/items/nowhere").status_code == 404
    without_ratings = trained.post("/v1/questions", json={"ratings": [], "limit": 5}).json()
    assert without_ratings["questions"] == ask(trained, "nobody", limit=5)["questions"]


def test_without_a_model_questions_are_about_popular_items(client: TestClient) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5, "even 2": 4})
    rate(client, "bob", {"even 2": 5, "odd 1": 2})
    answer = ask(client, "ada")
    assert (answer["model_version"], names(answer)) == (None, ["odd 1"])
    assert names(ask(client, "nobody")) == ["even 2", "even 0", "odd 1"]
    assert answer["questions"][0]["information"] is None


@pytest.mark.parametrize("parameters", ["limit=0", "limit=ten", "category="])
def test_a_parameter_that_is_wrong_is_named(client: TestClient, parameters: str) -> None:
    response = client.get(f"/v1/users/ada/questions?{parameters}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(parameters.split("=")[0])
