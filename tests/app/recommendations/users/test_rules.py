"""Blocks, boosts, pins and availability: in one request, and in stored rules."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    Serve,
    add_items,
    ids,
    rate,
    recommend,
    wait_for,
    wait_for_version,
)

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app that serves a model, with a user who likes the even items and a newer item the model does not know."""
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", {"even 0": 5, "even 2": 5, "odd 1": 1, "odd 3": 1})
    add_items(client, ["even 90", "odd 91"])
    return client


def kinds_of_answers(client: TestClient) -> list[Ask]:
    """Return a personal answer, a fallback, a guest's, and the lists that are not personal."""

    def guest(**body: Any) -> dict[str, Any]:
        response = client.post("/v1/recommendations", json={"ratings": [{"item_id": "even 0", "value": 5}], **body})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def item_list(name: str) -> Ask:
        return lambda **asked: client.get(f"/v1/items/{name}", params=asked).json()

    return [
        lambda **asked: recommend(client, "ada", **asked),
        lambda **asked: recommend(client, "nobody", **asked),
        guest,
        item_list("popular"),
        item_list("new"),
    ]


def test_pins_hold_their_position_in_every_kind_of_answer(trained: TestClient) -> None:
    body = [{"item_id": "odd 5"}, {"item_id": "even 90", "position": 3}, {"item_id": "unheard of"}]
    query = ["odd 5", '{"item_id":"even 90","position":3}', "unheard of"]
    for number, ask in enumerate(kinds_of_answers(trained)):
        plain = ids(ask(limit=20))
        answer = ask(limit=20, pin=body if number == 2 else query)
        assert ids(answer)[0] == "odd 5"
        assert ids(answer)[2] == "even 90"
        assert [item["item_id"] for item in answer["items"] if item["source"] == "pinned"] == ["odd 5", "even 90"]
        rest = [item for item in plain if item not in {"odd 5", "even 90"}]
        assert [item for item in ids(answer) if item not in {"odd 5", "even 90"}] == rest


def test_a_pinned_item_keeps_its_score_and_predicted_rating(trained: TestClient) -> None:
    (plain,) = (item for item in recommend(trained, "ada", limit=20)["items"] if item["item_id"] == "odd 5")
    first = recommend(trained, "ada", pin="odd 5")["items"][0]
    assert first == plain | {"source": "pinned"}


def test_pins_respect_filters_blocks_and_rated_items(trained: TestClient) -> None:
    assert ids(recommend(trained, "ada", pin="odd 5", category="even"))[0] != "odd 5"
    assert "odd 5" not in ids(recommend(trained, "ada", limit=20, pin="odd 5", block="odd 5"))
    assert "even 0" not in ids(recommend(trained, "ada", limit=20, pin="even 0"))
    assert ids(recommend(trained, "ada", pin="even 0", include_rated=True))[0] == "even 0"
    assert trained.patch("/v1/items/odd 5", json={"active": False}).status_code == 200
    assert "odd 5" not in ids(recommend(trained, "ada", limit=20, pin="odd 5"))


def test_a_boost_moves_items_and_a_factor_of_one_changes_nothing(trained: TestClient) -> None:
    for number, ask in enumerate(kinds_of_answers(trained)):
        plain = ids(ask(limit=20))

        def boost(factor: float, number: int = number, ask: Ask = ask) -> list[str]:
            body = [{"factor": factor, "item_id": [plain[5]]}]  # noqa: B023
            return ids(ask(limit=20, boost=body if number == 2 else f"{factor}:item:{plain[5]}"))  # noqa: B023

        assert boost(1) == plain
        assert [item for item in boost(3) if item != plain[5]] == [item for item in plain if item != plain[5]]
        assert boost(0.01).index(plain[5]) >= 5 >= boost(1.5).index(plain[5]) >= boost(1_000).index(plain[5])


def test_boosts_by_category_and_attribute(trained: TestClient) -> None:
    odd = ids(recommend(trained, "ada", limit=20, boost="1000:category:odd"))
    assert {item.split()[0] for item in odd[:3]} == {"odd"}
    assert trained.patch("/v1/items/odd 7", json={"attributes": {"year": 1990}}).status_code == 200
    assert ids(recommend(trained, "ada", boost="1000:attribute:year:gte:1980"))[0] == "odd 7"


def test_stored_rules_hold_from_the_next_answer_of_every_process_until_removed(
    trained: TestClient, serve: Serve
) -> None:
    with serve() as other:
        wait_for_version(other, "v1")
        before = [ids(ask(limit=20)) for ask in kinds_of_answers(trained)]
        rules = {
            "block": ["even 4"],
            "boost": [{"factor": 1000, "category": ["odd"]}],
            "pin": [{"item_id": "even 8", "position": 2}, {"item_id": "even 4"}],
        }
        assert trained.put("/v1/rules", json=rules).status_code == 200
        for process in (other, trained):
            for ask in kinds_of_answers(process):
                answer = ids(ask(limit=20))
                assert "even 4" not in answer
                assert answer[1] == "even 8"
                assert answer[0].startswith("odd")
        assert trained.delete("/v1/rules").status_code == 204
        for process in (other, trained):
            assert [ids(ask(limit=20)) for ask in kinds_of_answers(process)] == before


def test_rules_of_a_request_and_of_the_catalogue_combine(trained: TestClient) -> None:
    rules = {
        "block": ["even 4"],
        "boost": [{"factor": 4, "item_id": ["odd 5"]}],
        "pin": [{"item_id": "even 8"}, {"item_id": "even 6", "position": 3}],
    }
    plain = ids(recommend(trained, "ada", limit=20))
    assert trained.put("/v1/rules", json=rules).status_code == 200
    answer = ids(recommend(trained, "ada", limit=20, block="even 10", pin='{"item_id":"odd 7","position":3}'))
    assert not {"even 4", "even 10"} & set(answer)
    assert (answer[0], answer[2], answer[3]) == ("even 8", "odd 7", "even 6")
    trained.put("/v1/rules", json={"boost": rules["boost"]})
    assert ids(recommend(trained, "ada", limit=20, boost="0.25:item:odd 5")) == plain


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("boost=Drama", "boost"),
        ("boost=2:genre:Drama", "boost"),
        ("boost=much:category:Drama", "boost.0.factor"),
        ("boost=0:category:Drama", "boost.0.factor"),
        ("boost=2:attribute:year", "boost"),
        ("pin=a&pin=a", "pin"),
        ("pin={", "pin"),
        ("pin=", "pin.0.item_id"),
    ],
)
def test_wrong_rules_in_a_query_are_named(client: TestClient, query: str, field: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_an_item_is_recommended_only_while_available(trained: TestClient) -> None:
    now = datetime.now(UTC)
    past, future = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    for item, availability in {
        "even 4": {"available_from": future},
        "even 6": {"available_until": past},
        "even 8": {"available_from": past, "available_until": future},
        "even 90": {"available_from": future},
    }.items():
        assert trained.patch(f"/v1/items/{item}", json=availability).status_code == 200
    for ask in kinds_of_answers(trained):
        assert not {"even 4", "even 6", "even 90"} & set(ids(ask(limit=20)))
        assert "even 8" in ids(ask(limit=20))
    assert not {"even 4"} & set(ids(recommend(trained, "ada", limit=20, pin="even 4")))


def test_availability_begins_and_ends_without_a_change_of_the_item(trained: TestClient) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    assert trained.patch("/v1/items/even 4", json={"available_from": soon.isoformat()}).status_code == 200
    assert trained.patch("/v1/items/even 6", json={"available_until": soon.isoformat()}).status_code == 200

    def shown() -> set[str]:
        answers = [set(ids(ask(limit=20))) & {"even 4", "even 6"} for ask in kinds_of_answers(trained)]
        assert all(answer == answers[0] for answer in answers) or datetime.now(UTC) >= soon
        return answers[-1]

    assert shown() == {"even 6"} or datetime.now(UTC) >= soon
    wait_for(lambda: datetime.now(UTC) >= soon)
    assert shown() == {"even 4"}
    assert all("even 6" not in ids(ask(limit=20)) for ask in kinds_of_answers(trained))


def test_availability_is_validated_when_it_is_written(client: TestClient) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-02-01T01:00:00+01:00"
    item = client.put("/v1/items/a", json={"available_from": early, "available_until": late}).json()
    assert (item["available_from"], item["available_until"]) == (early, "2026-02-01T00:00:00Z")
    again = client.put("/v1/items/a", json={"available_from": early, "available_until": "2026-02-01T00:00:00Z"}).json()
    assert again["revision"] == item["revision"]
    for body in (
        {"available_from": late, "available_until": early},
        {"available_until": early},
        {"available_until": "2026-02-01"},
        {"available_until": 1_800_000_000},
        {"available_until": "0001-01-01T00:00:00+14:00"},
    ):
        response = client.patch("/v1/items/a", json=body)
        assert response.status_code == 422, body
        assert [error["field"] for error in response.json()["errors"]] == ["/available_until"]
    assert client.patch("/v1/items/a", json={"available_until": None}).json()["available_until"] is None
    assert client.put("/v1/items/a", json={}).json()["available_from"] is None


def test_without_rules_every_item_is_recommended(trained: TestClient) -> None:
    assert len(ids(recommend(trained, "ada", limit=20))) == len(ITEMS) + 2 - 4
