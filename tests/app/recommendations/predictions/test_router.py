"""Predictions of named items: those of the model, with its measured error beside them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import ITEMS, Publish, add_items, rate, recommend, wait_for_version

METRICS = {"rmse": 0.81, "mae": 0.62}


@pytest.fixture(params=["linear", "denoising"])
def trained(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    add_items(client)
    wait_for_version(client, publish_version("v1", request.param, metrics=METRICS))
    return client


def predict(client: TestClient, user_id: str, *item_ids: str) -> dict[str, Any]:
    response = client.get(f"/v1/users/{user_id}/predictions", params={"item_id": item_ids})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_predictions_equal_those_of_recommendations_and_come_with_the_versions_error(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 1": 1})
    recommended = recommend(trained, "ada", limit=20, include_rated=True)
    answer = predict(trained, "ada", *ITEMS)
    assert [row["item_id"] for row in answer["predictions"]] == ITEMS
    assert {row["item_id"]: row["predicted_rating"] for row in answer["predictions"]} == {
        item["item_id"]: item["predicted_rating"] for item in recommended["items"]
    }
    assert (answer["rmse"], answer["mae"]) == (METRICS["rmse"], METRICS["mae"])
    assert (answer["model_version"], answer["revision"]) == (recommended["model_version"], recommended["revision"])
    assert answer["personalised"]


def test_a_prediction_comes_with_the_users_own_rating(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 4.5})
    rated, unrated = predict(trained, "ada", "even 0", "even 2")["predictions"]
    assert (rated["rating"], unrated["rating"]) == (4.5, None)


def test_an_item_without_a_prediction_says_why(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5})
    add_items(trained, ["even 90"])
    assert trained.delete("/v1/items/even%204").status_code in {200, 204}
    assert trained.patch("/v1/items/even%206", json={"active": False}).status_code == 200
    rows = predict(trained, "ada", "even 90", "nowhere", "even 4", "even 6", "even 2")["predictions"]
    assert [(row["known"], row["reason"], row["active"]) for row in rows] == [
        (False, "not_learned", True),
        (False, "no_such_item", False),
        (False, "no_such_item", False),
        (True, None, False),
        (True, None, True),
    ]
    assert [row["predicted_rating"] is None for row in rows] == [True, True, True, False, False]
    assert all(bool(row["reason_detail"]) != row["known"] for row in rows)


def test_predictions_without_ratings_are_the_same_for_all_and_give_the_reason(trained: TestClient) -> None:
    rate(trained, "ada", {"even 0": 5})
    answers = [predict(trained, user, "even 2", "odd 3") for user in ("nobody", "nobody else")]
    assert answers[0]["predictions"] == answers[1]["predictions"] != predict(trained, "ada", "even 2", "odd 3")
    assert (answers[0]["personalised"], answers[0]["reason"], answers[0]["revision"]) == (False, "unknown_user", None)
    assert all(1 <= row["predicted_rating"] <= 5 for row in answers[0]["predictions"])


def test_without_a_model_nothing_is_predicted(client: TestClient) -> None:
    add_items(client)
    answer = predict(client, "ada", "even 0", "nowhere")
    assert (answer["reason"], answer["rmse"], answer["model_version"]) == ("no_model", None, None)
    assert [row["reason"] for row in answer["predictions"]] == ["no_model", "no_such_item"]


def test_a_guest_gets_the_predictions_of_a_user_with_the_same_ratings_and_nothing_is_stored(
    trained: TestClient,
) -> None:
    rate(trained, "ada", {"even 0": 5, "odd 3": 2})
    posted = [{"item_id": "odd 3", "value": 2}, {"item_id": "even 0", "value": 5}, {"item_id": "nowhere", "value": 3}]
    response = trained.post("/v1/predictions", json={"ratings": posted, "item_ids": ["even 2", "nowhere"]})
    assert response.status_code == 200, response.text
    guest = response.json()
    assert guest["predictions"] == predict(trained, "ada", "even 2", "nowhere")["predictions"]
    assert (guest["unknown_items"], guest["user_id"], guest["revision"]) == (1, None, None)
    assert trained.get("/v1/items/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("parameters", "field"), [("", "item_id"), ("item_id=", "item_id.0"), ("item_id=a&" * 1001, "item_id")]
)
def test_a_wrong_request_names_the_parameter(client: TestClient, parameters: str, field: str) -> None:
    response = client.get(f"/v1/users/ada/predictions?{parameters}")
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ratings": [], "item_ids": []}, "/item_ids"),
        ({"ratings": [{"item_id": "a", "value": 9}], "item_ids": ["a"]}, "/ratings/0/value"),
        ({"ratings": []}, "/item_ids"),
    ],
)
def test_a_wrong_request_of_a_guest_names_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    response = client.post("/v1/predictions", json=body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
