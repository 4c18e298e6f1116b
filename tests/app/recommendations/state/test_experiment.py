"""A running experiment: every process serves each user by the version of their arm, in every answer."""

import os
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app.experiments.assignment import Arm, Assignment
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.recommendation_id import decode
from app.settings import Settings
from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    Serve,
    add_items,
    recommend,
    wait_for,
    wait_for_version,
    without_id,
)
from tests.app.recommendations.users.test_batch import rounded

USERS = [f"user {number}" for number in range(60)]
ASKED = {"name": "old against new", "control": "old", "treatment": "new", "share": 0.8, "salt": "salt"}
VERSIONS = {Arm.CONTROL: "old", Arm.TREATMENT: "new", None: "live"}


def arm_of(user_id: str) -> Arm | None:
    return Assignment("salt", 0.8, 0.5).arm_of(user_id)


EXPECTED = {user_id: VERSIONS[arm_of(user_id)] for user_id in USERS}
ONE_OF_EACH = [next(user for user, version in EXPECTED.items() if version == name) for name in VERSIONS.values()]
OLD, NEW, OUTSIDE = ONE_OF_EACH


def serving(client: TestClient) -> Serving:
    loaded: Serving = client.app.state.serving  # type: ignore[attr-defined]
    return loaded


@pytest.fixture
def world(client: TestClient, publish_version: Publish) -> TestClient:
    """Three versions, of which `live` is live; all users have rated."""
    add_items(client)
    publish_version("old")
    publish_version("new", "lowrank", metrics={"rmse": 0.5})
    wait_for_version(client, publish_version("live", seed=1))
    liked = {"even 0": 5, "odd 3": 2}
    rows = [{"user_id": user, "item_id": item, "value": liked[item]} for user in USERS for item in liked]
    assert client.post("/v1/ratings", json=rows).json()["counts"]["created"] == len(rows)
    return client


def start(client: TestClient, **fields: Any) -> int:
    answer = client.post("/v1/experiments", json=ASKED | fields)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def wait_until_served(client: TestClient, number: int | None) -> None:
    wait_for(lambda: client.get("/health/ready").json()["experiment"] == number)


def versions(client: TestClient) -> dict[str, str]:
    return {user_id: recommend(client, user_id)["model_version"] for user_id in USERS}


def test_every_process_serves_each_user_by_their_arm(world: TestClient, serve: Serve) -> None:
    assert set(versions(world).values()) == {"live"}
    number = start(world)
    wait_until_served(world, number)
    assert versions(world) == EXPECTED
    with serve() as other:  # a replica, or the server after a restart
        wait_until_served(other, number)
        assert versions(other) == EXPECTED
        assert world.post(f"/v1/experiments/{number}/stop").is_success
        for client in (world, other):
            wait_until_served(client, None)
            assert set(versions(client).values()) == {"live"}


def test_every_kind_of_answer_comes_from_the_arms_version(world: TestClient) -> None:
    wait_until_served(world, start(world))
    for user_id, version in zip(ONE_OF_EACH, VERSIONS.values(), strict=True):
        url = f"/v1/users/{user_id}"
        what_if = world.post(f"{url}/what-if", json={"set": [{"item_id": "even 4", "value": 5}]}).json()
        predictions = world.get(f"{url}/predictions", params={"item_id": ITEMS[:4]}).json()
        questions = world.get(f"{url}/questions").json()
        answers = [recommend(world, user_id), what_if["before"], what_if["after"], predictions, questions]
        assert {answer["model_version"] for answer in answers} == {version}
        assert predictions["rmse"] == (0.5 if version == "new" else None)
    guest = world.post("/v1/recommendations", json={"ratings": [{"item_id": "even 0", "value": 5}]}).json()
    assert guest["model_version"] == "live"


def test_a_batch_returns_for_each_user_what_a_single_request_returns(world: TestClient) -> None:
    wait_until_served(world, start(world))
    batch = world.post("/v1/recommendations/batch", json={"users": [*USERS, "stranger"]}).json()["answers"]
    alone = [recommend(world, user_id) for user_id in [*USERS, "stranger"]]
    assert [without_id(answer) for answer in batch] == [rounded(without_id(answer)) for answer in alone]
    assert {answer["model_version"] for answer in batch} == set(VERSIONS.values())


def test_reasons_are_those_of_the_model_that_made_the_list(world: TestClient) -> None:
    wait_until_served(world, start(world))
    without = recommend(world, NEW, limit=1, explain=True)["items"][0]
    cause = next(cause for cause in without["because"] if cause["item_id"] == "even 0")
    asked = {"remove": ["even 0"], "limit": len(ITEMS)}
    after = world.post(f"/v1/users/{NEW}/what-if", json=asked).json()["after"]["items"]
    left = next(item["score"] for item in after if item["item_id"] == without["item_id"])
    assert without["score"] - left == pytest.approx(cause["score_effect"], abs=2e-4)


def test_pages_stay_with_the_version_they_began_with(world: TestClient) -> None:
    before = recommend(world, NEW, limit=2)
    number = start(world)
    wait_until_served(world, number)
    first = recommend(world, NEW, limit=2)
    assert recommend(world, NEW, limit=2, cursor=before["next_cursor"])["model_version"] == "live"
    assert world.post(f"/v1/experiments/{number}/stop").is_success
    wait_until_served(world, None)
    second = recommend(world, NEW, limit=2, cursor=first["next_cursor"])
    assert (first["model_version"], second["model_version"]) == ("new", "new")


def test_another_process_continues_a_list_of_a_version_that_never_was_live(
    world: TestClient, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = start(world)
    wait_until_served(world, number)
    whole, first = recommend(world, NEW), recommend(world, NEW, limit=2)
    world.post(f"/v1/experiments/{number}/stop")
    with serve() as other:
        wait_for_version(other, "live")
        second = recommend(other, NEW, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole["items"]


def test_an_answer_belongs_to_the_experiment_only_if_its_arms_model_made_it(world: TestClient) -> None:
    number = start(world)
    wait_until_served(world, number)
    state = serving(world)
    new, old = state.find_loaded("new"), state.find_loaded("old")
    assert [state.experiment_of(user_id, state.live_for(user_id)) for user_id in ONE_OF_EACH] == [number, number, 0]
    assert [state.experiment_of(NEW, model) for model in (new, old, state.live, None)] == [number, 0, 0, 0]
    answers = [recommend(world, user_id) for user_id in ONE_OF_EACH]
    batch = world.post("/v1/recommendations/batch", json={"users": ONE_OF_EACH}).json()["answers"]
    assert [named(answer) for answer in answers + batch] == [number, number, 0] * 2


def report_of(client: TestClient, number: int) -> tuple[list[int], list[int]]:
    """Return users, items shown and items clicked of both arms."""
    report = client.get(f"/v1/experiments/{number}/report").raise_for_status().json()
    counts = ("num_users", "num_shown", "num_clicked")
    control, treatment = ([report[arm][name] for name in counts] for arm in ("control", "treatment"))
    return control, treatment


def test_the_report_counts_the_events_of_answers_but_not_of_erased_users(world: TestClient) -> None:
    number = start(world)
    wait_until_served(world, number)
    events = []
    for user_id in [OLD, NEW, NEW, OUTSIDE, "stranger"]:
        answer = recommend(world, user_id, limit=3)
        named = {"recommendation_id": answer["recommendation_id"]}
        events += [named | {"type": "impression"}, named | {"type": "click", "item_id": answer["items"][0]["item_id"]}]
    assert world.post("/v1/events", json=events).json()["counts"]["refused"] == 0
    assert report_of(world, number) == ([1, 3, 1], [1, 6, 2])
    assert world.delete(f"/v1/users/{NEW}").is_success
    assert report_of(world, number) == ([1, 3, 1], [0, 0, 0])


def test_an_answer_is_replayed_with_the_arms_version_after_the_experiment(world: TestClient) -> None:
    number = start(world)
    wait_until_served(world, number)
    answer = recommend(world, NEW)
    assert world.post(f"/v1/experiments/{number}/stop").is_success
    wait_until_served(world, None)
    again = world.post("/v1/replays", json={"recommendation_id": answer["recommendation_id"]}).raise_for_status().json()
    assert again["model_version"] == "new"
    assert [item["item_id"] for item in again["items"]] == [item["item_id"] for item in answer["items"]]


def named(answer: dict[str, Any]) -> int:
    """Read the experiment's number in an answer's id."""
    return decode(answer["recommendation_id"], "").experiment


def test_a_process_holds_each_version_only_once(world: TestClient) -> None:
    wait_until_served(world, start(world, control="live"))
    state = serving(world)
    assert state.experiment is not None
    assert state.experiment.models[Arm.CONTROL] is state.live
    treatment = state.experiment.models[Arm.TREATMENT]
    assert world.post("/v1/experiments/1/stop", json={"activate": "treatment"}).is_success
    wait_for(lambda: state.live is treatment)


def test_while_an_arms_version_cannot_be_loaded_the_live_one_serves(
    world: TestClient, serve: Serve, settings: Settings
) -> None:
    number = start(world)
    wait_until_served(world, number)
    weights = settings.model_store / "new" / "weights.safetensors"
    whole = weights.read_bytes()
    damage(weights)
    with capture_logs() as logged, serve() as other:
        wait_for_version(other, "live")
        wait_for(lambda: other.get("/health/ready").json()["problem"] is not None)
        ready = other.get("/health/ready").json()
        assert (ready["status"], ready["experiment"]) == ("degraded", None)
        assert f"experiment {number} is not served: version new is refused" in ready["problem"]
        assert set(versions(other).values()) == {"live"}
        assert serving(other).experiment_of(OLD, serving(other).live) == 0
        weights.write_bytes(whole)
        wait_until_served(other, number)
        assert other.get("/health/ready").json()["status"] == "ok"
        assert versions(other) == EXPECTED
    assert {entry.get("version") for entry in logged if entry["event"] == "model_refused"} == {"new"}
    reads = [entry["version"] for entry in logged if entry["event"] == "model_loaded"]
    assert sorted(reads) == ["live", "new", "old"]


def damage(weights: Path) -> None:
    os.truncate(weights, weights.stat().st_size // 2)


def test_a_new_live_version_serves_only_users_outside_the_experiment(
    world: TestClient, publish_version: Publish
) -> None:
    wait_until_served(world, start(world))
    wait_for_version(world, publish_version("live2", seed=2))
    assert {version for user, version in versions(world).items() if EXPECTED[user] == "live"} == {"live2"}
    assert {user: version for user, version in versions(world).items() if version != "live2"} == {
        user: version for user, version in EXPECTED.items() if version != "live"
    }
