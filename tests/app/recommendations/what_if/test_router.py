"""A what-if answers what would be answered if the ratings were really changed, and changes nothing."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import Publish, add_items, ids, rate, recommend, wait_for_version, without_id

MINE = {"even 0": 5.0, "odd 1": 1.0, "even 4": 4.5, "odd 5": 3.0}
ANSWER = ("model_version", "personalised", "reason", "reason_detail", "items")


@pytest.fixture(params=["linear", "hybrid"])
def trained(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    add_items(client)
    wait_for_version(client, publish_version("v1", request.param))
    return client


def ask(client: TestClient, user_id: str, **body: Any) -> dict[str, Any]:
    response = client.post(f"/v1/users/{user_id}/what-if", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_before_is_the_current_list_and_after_the_list_once_really_changed(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    asked = {"limit": 4, "explain": True, "exclude_category": ["nothing"]}
    changes = {"set": [{"item_id": "odd 1", "value": 5}, {"item_id": "odd 7", "value": 4}], "remove": ["even 0"]}
    answer = ask(trained, "ada", **changes, **asked)
    before = recommend(trained, "ada", **asked)
    assert answer["before"] == {name: before[name] for name in ANSWER}
    assert answer["revision"] == before["revision"]
    rate(trained, "ada", {"odd 1": 5, "odd 7": 4})
    assert trained.delete("/v1/users/ada/ratings/even%200").status_code == 200
    after = recommend(trained, "ada", **asked)
    assert answer["after"] == {name: after[name] for name in ANSWER}
    assert answer["before"]["items"] != answer["after"]["items"]


def test_nothing_is_stored(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    stored = [trained.get("/v1/users/ada/ratings").json(), without_id(recommend(trained, "ada"))]
    ask(
        trained, "ada", set=[{"item_id": "odd 1", "value": 5}, {"item_id": "never seen", "value": 5}], remove=["even 0"]
    )
    ask(trained, "nobody", set=[{"item_id": "odd 1", "value": 5}])
    assert [trained.get("/v1/users/ada/ratings").json(), without_id(recommend(trained, "ada"))] == stored
    assert trained.get("/v1/items/never%20seen").status_code == 404
    assert recommend(trained, "nobody")["reason"] == "unknown_user"


def test_moves_are_the_places_of_both_lists(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    otherwise = {"even 4": 1, "even 0": 1, "odd 7": 5}
    changes = [{"item_id": item_id, "value": value} for item_id, value in otherwise.items()]
    answer, whole = (ask(trained, "ada", set=changes, remove=["odd 1"], limit=limit) for limit in (3, 20))
    lists = [{item["item_id"]: (n, item) for n, item in enumerate(whole[w]["items"], 1)} for w in ("before", "after")]
    shown = {*ids(answer["before"]), *ids(answer["after"])}
    places = {item: tuple(each[item][0] if item in each else None for each in lists) for item in shown}
    assert {m["item_id"]: (m["before"], m["after"]) for m in answer["moves"]} == {
        item: pair for item, pair in places.items() if pair[0] != pair[1]
    }
    after = [move["after"] for move in answer["moves"] if move["after"] is not None]
    assert after == sorted(after)
    for move in answer["moves"]:
        old, new = (each.get(move["item_id"], (0, None))[1] for each in lists)
        if old is None or new is None:
            assert (move["score_change"], move["rating_change"]) == (None, None)
        else:
            assert move["score_change"] == pytest.approx(new["score"] - old["score"], abs=2e-6)
            assert move["rating_change"] == pytest.approx(new["predicted_rating"] - old["predicted_rating"], abs=2e-6)
    assert answer["moves"]


def test_an_item_that_would_be_rated_leaves_the_list(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    first = recommend(trained, "ada")["items"][0]["item_id"]
    answer = ask(trained, "ada", set=[{"item_id": first, "value": 3}])
    assert first not in ids(answer["after"])
    move = answer["moves"][-1]
    assert (move["item_id"], move["before"], move["after"], move["score_change"]) == (first, 1, None, None)


def test_unknown_items_and_missing_ratings_are_named_and_left_out(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    answer = ask(trained, "ada", set=[{"item_id": "never seen", "value": 5}], remove=["even 2", "nowhere"])
    assert (answer["unknown_items"], answer["not_rated"]) == (["never seen"], ["even 2", "nowhere"])
    assert answer["before"] == answer["after"]
    assert answer["moves"] == []


def test_an_unknown_user_is_answered_by_the_posted_ratings(trained: TestClient) -> None:
    answer = ask(trained, "nobody", set=[{"item_id": "odd 1", "value": 5}, {"item_id": "even 0", "value": 1}])
    assert (answer["revision"], answer["before"]["reason"]) == (None, "unknown_user")
    rate(trained, "ada", {"odd 1": 5, "even 0": 1})
    assert answer["after"]["items"] == recommend(trained, "ada")["items"]
    assert all(move["score_change"] is None for move in answer["moves"])  # no common unit
    assert ask(trained, "nobody", remove=["odd 1"])["after"]["reason"] == "unknown_user"


def test_removing_the_only_rating_leaves_no_personal_list(trained: TestClient) -> None:
    rate(trained, "ada", {"odd 1": 5})
    answer = ask(trained, "ada", remove=["odd 1"])
    assert (answer["before"]["personalised"], answer["after"]["reason"]) == (True, "no_ratings")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/"),
        ({"set": [{"item_id": "a", "value": 9}]}, "/set/0/value"),
        ({"set": [{"item_id": "a", "value": 3}], "remove": ["a"]}, "/"),
        ({"remove": [""]}, "/remove/0"),
        ({"remove": ["a"], "limit": 0}, "/limit"),
        ({"remove": ["a"], "surprise": 1}, "/surprise"),
    ],
)
def test_a_wrong_request_names_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    response = client.post("/v1/users/ada/what-if", json=body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]


def test_an_item_to_remove_that_is_named_twice_is_removed_once(trained: TestClient) -> None:
    rate(trained, "ada", MINE)
    once, twice = (ask(trained, "ada", remove=["even 0", "odd 7"] * times) for times in (1, 2))
    assert once == twice
    assert once["not_rated"] == ["odd 7"]
