"""What cannot be made again, and why."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.recommendations.tokens import codec
from app.recommendations.tokens.recommendation_id import PURPOSE, ListType, decode
from app.registry import service, store
from app.settings import Settings
from app.tables import FormerItem, ModelVersion, RulesChange
from tests.app.recommendations.fixtures import client as client
from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import serve as serve
from tests.app.recommendations.fixtures import settings as settings
from tests.app.recommendations.helpers import Publish, add_items, rate, recommend, wait_for, wait_for_version

RunOnDatabase = Callable[[Callable[[Database], Any]], Any]
GUEST = [{"item_id": "even 0", "value": 5}, {"item_id": "odd 1", "value": 1}]


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app with a model and two users."""
    add_items(client)
    wait_for_version(client, publish_version("v1"))
    rate(client, "ada", {"even 0": 5, "odd 1": 1})
    rate(client, "grace", {"odd 3": 5})
    return client


def replay(client: TestClient, answer: dict[str, Any], **said: Any) -> tuple[int, dict[str, Any]]:
    response = client.post("/v1/replays", json={"recommendation_id": answer["recommendation_id"], **said})
    return response.status_code, response.json()


def is_gone(client: TestClient, answer: dict[str, Any], why: str, **said: Any) -> None:
    status, problem = replay(client, answer, **said)
    assert (status, problem["type"]) == (410, "/problems/replay-unavailable")
    assert why in problem["detail"]


def is_wrong(client: TestClient, answer: dict[str, Any], field: str, **said: Any) -> None:
    status, problem = replay(client, answer, **said)
    assert status == 422
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_user_is_named_and_may_be_checked(trained: TestClient) -> None:
    answer = recommend(trained, "ada")
    assert replay(trained, answer, user_id="ada")[1]["user_id"] == replay(trained, answer)[1]["user_id"] == "ada"
    assert 'palate_replays_total{identical="true"} 2.0' in trained.get("/metrics").text
    is_wrong(trained, answer, "/user_id", user_id="grace")
    is_wrong(trained, answer, "/user_id", user_id="nobody")
    is_wrong(trained, recommend(trained, "nobody"), "/user_id", user_id="ada")


def test_a_guest_posts_the_same_ratings_again(trained: TestClient) -> None:
    answer = trained.post("/v1/recommendations", json={"ratings": GUEST}).json()
    status, again = replay(trained, answer, ratings=GUEST[::-1])
    assert (status, again["identical"], again["items"], again["user_id"]) == (200, True, answer["items"], None)
    is_wrong(trained, answer, "/ratings")
    is_wrong(trained, answer, "/ratings", ratings=GUEST[:1])
    is_wrong(trained, answer, "/ratings/0/value", ratings=[{"item_id": "even 0", "value": 9}])
    is_wrong(trained, recommend(trained, "ada"), "/ratings", ratings=GUEST)


def test_reasons_are_given_when_asked_for_as_they_were_then(trained: TestClient) -> None:
    said = recommend(trained, "ada", explain=True)
    plain = recommend(trained, "ada")
    trained.patch("/v1/items/even%200", json={"title": "Renamed"})
    rate(trained, "ada", {"odd 1": 5, "even 2": 1})
    assert replay(trained, said)[1]["items"] == replay(trained, plain, explain=True)[1]["items"] == said["items"]
    assert said["items"][0]["because"][0]["title"] == "Even 0"
    assert replay(trained, plain)[1]["items"] == replay(trained, said, explain=False)[1]["items"] == plain["items"]


def test_the_catalogue_of_then_leaves_memory_when_nobody_asks(
    trained: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.replay.service.KEPT_S", 0.0)
    answer = recommend(trained, "ada")
    replayer = trained.app.state.replayer  # type: ignore[attr-defined]
    for _ in range(2):
        assert replay(trained, answer)[1]["items"] == answer["items"]
        wait_for(lambda: len(replayer._catalogue) == 0)


def test_an_erased_user_is_gone(trained: TestClient) -> None:
    answer = recommend(trained, "ada")
    rate(trained, "nobody yet", {"even 2": 4})
    assert trained.delete("/v1/users/ada").status_code == 200
    rate(trained, "ada", {"even 0": 5})
    is_gone(trained, answer, "erased")


def test_popularity_that_an_erased_user_had_a_part_in_is_gone(client: TestClient) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5, "odd 1": 1})
    rate(client, "grace", {"odd 3": 5})
    answer = recommend(client, "grace")
    assert answer["model_version"] is None
    rate(client, "ada", {"odd 3": 1})
    assert replay(client, answer)[1]["items"] == answer["items"]
    assert client.delete("/v1/users/ada").status_code == 200
    is_gone(client, answer, "erased")


def test_damaged_ids_and_lists_that_cannot_be_made_again_are_refused(trained: TestClient) -> None:
    is_wrong(trained, {"recommendation_id": "x" * 80}, "/recommendation_id")
    is_wrong(trained, trained.get("/v1/items/even%200/similar").json(), "/recommendation_id")
    assert trained.post("/v1/replays", json={}).status_code == 422


def test_a_version_that_is_not_kept_is_gone_and_with_it_the_catalogue_of_its_time(
    trained: TestClient, publish_version: Publish, settings: Settings, run_on_database: RunOnDatabase
) -> None:
    before = recommend(trained, "ada")
    for title in ("One", "Two"):
        trained.patch("/v1/items/even%202", json={"title": title})
        trained.put("/v1/rules", json={"block": [title]})
    for version in ("v2", "v3"):
        wait_for_version(trained, publish_version(version))
    after = recommend(trained, "ada")
    trained.patch("/v1/items/even%204", json={"title": "Three"})
    later = datetime.now(UTC) + 2 * service.MAX_CLOCK_SKEW

    def remove(session: Session) -> list[str]:
        session.execute(update(ModelVersion).where(ModelVersion.version != "v1").values(created_at=later))
        session.execute(update(FormerItem).where(FormerItem.title == "Even 4").values(replaced_at=later))
        return service.remove_old(session, 1, later + timedelta(hours=1))

    assert run_on_database(lambda database: database.write(remove)) == ["v1"]
    store.delete(settings.model_store, "v1")
    with TestClient(trained.app, base_url="http://localhost") as other:
        is_gone(other, before, "'v1' is not kept")
        assert replay(other, after)[1]["items"] == after["items"]

    def left(session: Session) -> tuple[list[str | None], int]:
        rules = session.scalars(select(RulesChange.revision)).all()
        return list(session.scalars(select(FormerItem.title))), len(rules)

    assert run_on_database(lambda database: database.read(left)) == (["Even 4"], 2)


FORGED: list[dict[str, Any]] = [
    {"catalogue_revision": 0},
    {"catalogue_revision": 3, "known_revision": 2, "cold_revision": 1},
    {"version": "../v1"},
    {"version": None, "popularity_revision": 1},
    {"version": None},
    {"user": 2**62, "revision": 1},
    {"user": 0},
    {"revision": 0},
    {"list_type": ListType.POPULAR, "popularity_revision": 4, "subject": 2**40},
    {"list_type": ListType.POPULAR},
    {"num_slots": 2},
    {"previous_items": np.arange(5000)},
    {"at_us": 0},
    {"encoded_options": zlib.compress(b'{"limit": 1000000000000, "exploration": 0.5}')},
    {"encoded_options": zlib.compress(b'{"diversity": 1e300}')},
    {
        "encoded_options": zlib.compress(
            b'{"filter": {"conditions": [{"attribute": "year", "low": [1, "x"], "high": [0, 1]}]}}'
        )
    },
    {"encoded_options": b"nothing"},
    {"is_batched": True},
]


def test_a_forged_id_is_answered_or_refused(trained: TestClient, subtests: pytest.Subtests) -> None:
    trained.patch("/v1/items/even%202", json={"attributes": {"year": 1990}})
    answer = recommend(trained, "ada")
    for forged in FORGED:
        with subtests.test(forged=str(forged)):
            identity = replace(decode(answer["recommendation_id"], "id"), **forged)
            status, said = replay(trained, {"recommendation_id": codec.encode(identity, PURPOSE)})
            assert status in (200, 410, 422), said
            assert replay(trained, answer)[1]["items"] == answer["items"]


def test_an_answer_of_a_catalogue_that_was_never_there_is_gone(trained: TestClient) -> None:
    answer = recommend(trained, "ada")
    forged = replace(decode(answer["recommendation_id"], "id"), catalogue_revision=10**6)
    is_gone(trained, {"recommendation_id": codec.encode(forged, PURPOSE)}, "another database")
