"""Recently shown items are demoted in the next answers."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.recommendations.ranking.rotation import HOUR_US
from app.recommendations.request.options import Options
from app.recommendations.tokens.recommendation_id import decode
from app.tables import Event
from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    Serve,
    add_items,
    ids,
    rate,
    recommend,
    wait_for_version,
    without_id,
)


@pytest.fixture(params=["linear", None])
def shop(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    """An app with a user, with a model or none."""
    add_items(client)
    if request.param:
        wait_for_version(client, publish_version("v1", request.param))
    rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
    return client


def show(client: TestClient, answer: dict[str, Any], *item_ids: str) -> None:
    """Report items as shown; all of the answer, if none are named."""
    event = {"recommendation_id": answer["recommendation_id"], "type": "impression"}
    events = [{**event, "item_id": item} for item in item_ids] or [event]
    assert client.post("/v1/events", json=events).json()["counts"]["recorded"] == len(events)


def test_shown_items_make_room_for_the_next_ones(shop: TestClient) -> None:
    plain = ids(recommend(shop, "ada", limit=20))
    seen: list[str] = []
    for _ in range(2):
        answer = recommend(shop, "ada", limit=4, rotation=1)
        show(shop, answer)
        seen += ids(answer)
    assert seen == plain[:8]
    whole = ids(recommend(shop, "ada", limit=20, rotation=1))
    assert whole[:2] == plain[8:]
    assert sorted(whole) == sorted(plain)
    assert ids(recommend(shop, "ada", limit=20)) == plain
    assert ids(recommend(shop, "grace", limit=20, rotation=1)) == ids(recommend(shop, "grace", limit=20))


def test_pages_use_the_impressions_from_before_the_first_page(shop: TestClient, serve: Serve) -> None:
    show(shop, recommend(shop, "ada", limit=3))
    whole = recommend(shop, "ada", limit=20, rotation=1)
    first = recommend(shop, "ada", limit=4, rotation=1)
    show(shop, first)
    second = recommend(shop, "ada", limit=20, rotation=1, cursor=first["next_cursor"])
    assert ids(first) + ids(second) == ids(whole)
    assert ids(recommend(shop, "ada", limit=4, rotation=1)) != ids(first)
    named = decode(second["recommendation_id"], "id")
    assert named.impressions.slots.tolist() == decode(first["recommendation_id"], "id").impressions.slots.tolist() != []
    assert named.options() == Options(limit=20, rotation=1.0)


def test_old_impressions_and_rated_items_are_not_demoted(shop: TestClient, run_on_database: Callable[..., Any]) -> None:
    answer = recommend(shop, "ada", limit=3)
    show(shop, answer)

    def make_old(session: Session) -> None:
        session.execute(update(Event).values(occurred_at_us=Event.occurred_at_us - 25 * HOUR_US))

    async def age(database: Database) -> None:
        await database.write(make_old)

    run_on_database(age)
    assert ids(recommend(shop, "ada", limit=3, rotation=1)) == ids(answer)
    assert ids(recommend(shop, "ada", limit=3, rotation=1, rotation_hours=30)) != ids(answer)
    rate(shop, "ada", {ids(answer)[0]: 5.0})
    everything: dict[str, Any] = {"limit": 20, "include_rated": True, "rotation": 1, "rotation_hours": 30}
    sunk = ids(recommend(shop, "ada", **everything))[-2:]
    assert sorted(sunk) == sorted(ids(answer)[1:])


def test_a_rotated_answer_is_replayed_identically(shop: TestClient) -> None:
    show(shop, recommend(shop, "ada", limit=3))
    answers = [recommend(shop, "ada", limit=5, rotation=rotation) for rotation in (0.4, 1)]
    show(shop, answers[0])
    rate(shop, "ada", {ids(answers[0])[0]: 1.0})
    for answer in answers:
        again = shop.post("/v1/replays", json={"recommendation_id": answer["recommendation_id"]}).json()
        assert again["identical"], again
        assert ids(again) == ids(answer)


def test_rotation_holds_for_batches_and_what_if(shop: TestClient) -> None:
    show(shop, recommend(shop, "ada", limit=3))
    body: dict[str, Any] = {"limit": 12, "rotation": 0.9}
    alone = recommend(shop, "ada", **body)
    (both,) = shop.post("/v1/recommendations/batch", json={"users": ["ada"], **body}).json()["answers"]
    assert ids(both) == ids(alone) != ids(recommend(shop, "ada", limit=12))
    assert without_id(both)["model_version"] == alone["model_version"]
    what_if = shop.post("/v1/users/ada/what-if", json={"set": [{"item_id": ITEMS[5], "value": 5}], **body}).json()
    assert ids(what_if["before"]) == ids(alone)


@pytest.mark.parametrize("query", ["rotation=1.1", "rotation=-0.1", "rotation_hours=0", "rotation_hours=9000"])
def test_rotation_out_of_range_is_refused(client: TestClient, query: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]
