"""Experiments over HTTP: what is refused, one at a time, what stopping does, what is kept for them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.experiments import repository
from app.experiments import service as experiments
from app.experiments.service import Plan, Requester
from app.keys import service as keys
from app.keys.scopes import Scope
from app.kit.errors import ExperimentRunning
from app.registry import service
from app.settings import Settings
from app.tables import Experiment, ExperimentState
from tests.app.recommendations.helpers import row_values, save_version

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
ASKED = {"name": "try it", "control": "old", "treatment": "new"}


@pytest.fixture(autouse=True)
def _versions(settings: Settings, run_on_database: OnDatabase) -> None:
    """`old` is live; the gate refused `new` and `newer`."""

    def publish(session: Session) -> None:
        for version in ("old", "new", "newer"):
            old = version == "old"
            row = row_values(version) | {"gate": {"activated": old, "reason": "refused: worse"}}
            service.publish(session, activate=old, now=datetime.now(UTC), **row)

    for version in ("old", "new", "newer"):
        save_version(settings.model_store, version)
    run_on_database(lambda database: database.write(publish))


def start(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/experiments", json=ASKED | fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: Any) -> tuple[int, str, list[str]]:
    body = answer.json()
    kind = body["type"].removeprefix("/problems/")
    return answer.status_code, kind, [error["field"] for error in body.get("errors", [])]


def test_a_started_experiment_is_shown_and_listed(client: TestClient) -> None:
    started = start(client, share=0.2, treatment_share=0.1, reason="to see")
    assert started["state"] == "running"
    assert (started["share"], started["treatment_share"], started["reason"]) == (0.2, 0.1, "to see")
    assert len(started["salt"]) == 16
    assert client.get(f"/v1/experiments/{started['id']}").json() == started
    assert client.get("/v1/experiments").json() == {"experiments": [started], "next_cursor": None}
    running = f'palate_experiment_info{{control="old",experiment="{started["id"]}",treatment="new"}} 1.0'
    assert running in client.get("/metrics").text.splitlines()


def test_a_second_experiment_is_refused_while_the_first_runs(client: TestClient) -> None:
    first = start(client)
    second = client.post("/v1/experiments", json=ASKED)
    assert problem(second) == (409, "experiment-running", [])
    assert f"POST /v1/experiments/{first['id']}/stop" in second.json()["detail"]
    assert client.post(f"/v1/experiments/{first['id']}/stop").json()["state"] == "stopped"
    assert start(client)["salt"] != first["salt"]


def test_of_two_simultaneous_starts_one_succeeds(settings: Settings, run_on_database: OnDatabase) -> None:
    plans = [
        Plan(name=name, control="old", treatment=name, share=1.0, treatment_share=0.5, salt="s")
        for name in ("new", "newer")
    ]

    async def both(database: Database) -> list[Any]:
        calls = [
            experiments.start_experiment(
                database, settings.model_store, plan, requester=Requester(None, None), now=datetime.now(UTC)
            )
            for plan in plans
        ]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = run_on_database(both)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [ExperimentRunning]


def test_a_database_constraint_refuses_a_second_running_experiment(run_on_database: OnDatabase) -> None:
    def insert(session: Session) -> None:
        plan = {"control": "old", "treatment": "new", "share": 1.0, "treatment_share": 0.5, "salt": "s"}
        row = Experiment(name="x", state=ExperimentState.RUNNING, started_at=datetime.now(UTC), **plan)
        repository.add(session, row)

    run_on_database(lambda database: database.write(insert))
    with pytest.raises(ExperimentRunning):
        run_on_database(lambda database: database.write(insert))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"control": "none"}, ["/control"]),
        ({"control": "none", "treatment": "neither"}, ["/control", "/treatment"]),
        ({"treatment": "old"}, ["/treatment"]),
        ({"share": 0}, ["/share"]),
        ({"share": 1.5}, ["/share"]),
        ({"share": True}, ["/share"]),
        ({"treatment_share": 1}, ["/treatment_share"]),
        ({"salt": ""}, ["/salt"]),
        ({"salt": "é" * 33}, ["/salt"]),
        ({"name": ""}, ["/name"]),
        ({"salts": "x"}, ["/salts"]),
    ],
)
def test_invalid_fields_are_named(client: TestClient, fields: dict[str, Any], named: list[str]) -> None:
    answer = client.post("/v1/experiments", json=ASKED | fields)
    assert problem(answer) == (422, "invalid-request", named)
    assert client.get("/v1/experiments").json()["experiments"] == []


def test_a_removed_version_is_refused(client: TestClient, settings: Settings, run_on_database: OnDatabase) -> None:
    run_on_database(lambda database: database.write(service.remove_old, 2, datetime.now(UTC)))
    run_on_database(lambda database: database.write(service.remove_old, 1, datetime.now(UTC)))
    answer = client.post("/v1/experiments", json=ASKED)
    assert problem(answer) == (422, "invalid-request", ["/treatment"])
    assert "was removed at" in answer.json()["detail"]


def test_a_damaged_version_is_refused(client: TestClient, settings: Settings) -> None:
    shutil.rmtree(settings.model_store / "new")
    answer = client.post("/v1/experiments", json=ASKED)
    assert problem(answer) == (409, "version-unusable", ["/treatment"])


def test_removal_spares_the_versions_of_a_running_experiment(client: TestClient, run_on_database: OnDatabase) -> None:
    number = start(client)["id"]

    def remove() -> Any:
        return run_on_database(lambda database: database.write(service.remove_old, 1, datetime.now(UTC)))

    assert remove() == []
    assert client.post(f"/v1/experiments/{number}/stop").is_success
    assert remove() == ["new"]


def live(client: TestClient) -> str:
    versions = client.get("/v1/models").json()["versions"]
    return str(next(version["version"] for version in versions if version["live"]))


def test_stopping_changes_the_live_version_only_if_asked(client: TestClient) -> None:
    number = start(client)["id"]
    refused = client.post(f"/v1/experiments/{number}/stop", json={"activate": "treatment"})
    assert problem(refused) == (409, "version-refused", [])
    assert client.get(f"/v1/experiments/{number}").json()["state"] == "running"

    request = {"activate": "treatment", "force": True, "reason": "better"}
    stopped = client.post(f"/v1/experiments/{number}/stop", json=request).json()

    assert (stopped["state"], stopped["activated"], stopped["stop_reason"]) == ("stopped", "treatment", "better")
    assert live(client) == "new"
    again = start(client)["id"]
    assert client.post(f"/v1/experiments/{again}/stop").json()["activated"] is None
    assert live(client) == "new"
    third = start(client)["id"]
    assert client.post(f"/v1/experiments/{third}/stop", json={"activate": "control"}).is_success
    assert live(client) == "old"
    activation = client.get("/v1/models/old").json()["activations"][0]
    assert activation["reason"] == f"experiment {third}"


def test_a_stopped_experiment_cannot_be_stopped_again(client: TestClient) -> None:
    number = start(client)["id"]
    stopped = client.post(f"/v1/experiments/{number}/stop").json()
    again = client.post(f"/v1/experiments/{number}/stop", json={"activate": "treatment", "force": True})
    assert problem(again) == (409, "experiment-stopped", [])
    assert client.get(f"/v1/experiments/{number}").json() == stopped
    assert live(client) == "old"


@pytest.mark.parametrize("call", [("GET", "/v1/experiments/7"), ("POST", "/v1/experiments/7/stop")])
def test_an_unknown_experiment_is_not_found(client: TestClient, call: tuple[str, str]) -> None:
    assert problem(client.request(*call)) == (404, "experiment-not-found", [])
    assert problem(client.request(call[0], call[1].replace("7", "0")))[:2] == (422, "invalid-request")


def test_pages_list_each_experiment_once_newest_first(client: TestClient) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(start(client)["id"])
        client.post(f"/v1/experiments/{numbers[-1]}/stop")
    first = client.get("/v1/experiments?limit=2").json()
    second = client.get("/v1/experiments", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [row["id"] for row in first["experiments"] + second["experiments"]] == numbers[::-1]
    assert second["next_cursor"] is None
    assert problem(client.get("/v1/experiments?cursor=x")) == (422, "invalid-cursor", ["cursor"])


def test_the_keys_that_started_and_stopped_an_experiment_are_recorded(
    client: TestClient, run_on_database: OnDatabase
) -> None:
    made = run_on_database(lambda database: database.write(keys.create, "ops", [Scope.ADMIN, Scope.READ]))
    client.headers["X-API-Key"] = made.secret
    number = start(client)["id"]
    stopped = client.post(f"/v1/experiments/{number}/stop").json()
    assert (stopped["started_by"], stopped["stopped_by"]) == (f"key {made.id} (ops)",) * 2
