"""Versions over HTTP and on the command line: activating a refused one, and the versions that hold a user."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app as palate
from app.keys import service as keys
from app.keys.scopes import Scope
from app.kit.errors import VersionRefused
from app.registry import service
from app.registry.training_users import FILE, TrainingUsers
from app.settings import Settings
from models import checkpoint
from models.core.model import Model
from tests.app.registry.conftest import ITEMS, NOW, OnDatabase

Palate = Callable[..., Any]
REASON = "refused: clearly worse than the live model, NDCG@10 -0.1000 (95 % interval -0.1400 to -0.0600)"


@pytest.fixture(autouse=True)
def _versions(settings: Settings, run_on_database: OnDatabase, model: Model) -> None:
    """`good` is live; the gate refused `poor`. User 1, ada, was trained into `good`, user 2, zoe, judged `poor`."""
    users = {"good": ([1], []), "poor": ([], [2])}
    for version, (trained, judged) in users.items():
        parts = TrainingUsers.of(np.array(trained, np.int64), np.empty(0, np.int64), np.array(judged, np.int64), None)
        checkpoint.save(settings.model_store / version, model, ITEMS, {}, beside={FILE: parts.tensors()})

    def publish(session: Session) -> None:
        numbers = dict.fromkeys(("watermark", "num_users", "num_items", "num_ratings", "num_bytes"), 1)
        for minute, version in enumerate(users):
            good = version == "good"
            gate = {"activated": good, "reason": "activated: nothing was live" if good else REASON}
            row: dict[str, Any] = {"kind": "linear", "metrics": {}, "gate": gate, "split": {"share": 0.05}, **numbers}
            service.publish(session, activate=good, now=NOW + timedelta(minutes=minute), version=version, **row)

    run_on_database(lambda database: database.write(publish))


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Palate:
    """Run `palate ...` on the database of the test."""
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PALATE_MODEL_STORE", str(settings.model_store))
    monkeypatch.setenv("COLUMNS", "250")
    return lambda *words: CliRunner().invoke(palate, list(words))


def states(client: TestClient) -> dict[str, str]:
    return {row["version"]: row["state"] for row in client.get("/v1/models").json()["versions"]}


def test_a_refused_version_is_listed_with_its_reason_and_activated_only_by_force(client: TestClient) -> None:
    assert states(client) == {"poor": "refused", "good": "live"}
    refused = client.post("/v1/models/poor/activate")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/problems/version-refused"
    assert REASON in refused.json()["detail"]
    assert '"force": true' in refused.json()["detail"]
    assert states(client)["good"] == "live"

    document = client.get("/openapi.json").json()
    (example,) = document["components"]["schemas"]["Activate"]["examples"]
    answer = client.post("/v1/models/poor/activate", json=example).json()

    assert (answer["state"], answer["live"], answer["gate"]["reason"]) == ("live", True, REASON)
    (activation,) = answer["activations"]
    assert (activation["cause"], activation["actor"], activation["reason"]) == ("forced", None, example["reason"])
    assert activation["activated_at"] == answer["activated_at"]
    assert client.get("/v1/models/poor").json() == answer
    assert answer["split"] == {"share": 0.05}

    assert client.post("/v1/models/good/activate").json()["activations"][0]["cause"] == "manual"
    assert client.post("/v1/models/poor/activate").json()["activations"][0]["cause"] == "manual"
    assert states(client) == {"poor": "live", "good": "activated"}


def test_the_key_that_forced_an_activation_is_recorded(client: TestClient, run_on_database: OnDatabase) -> None:
    key = run_on_database(lambda database: database.write(keys.create, "ops", [Scope.ADMIN, Scope.READ]))
    headers = {"X-API-Key": key.secret}
    answer = client.post("/v1/models/poor/activate", json={"force": True}, headers=headers).json()
    assert answer["activations"][0]["actor"] == f"key {key.id} (ops)"


def test_an_invalid_activation_request_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/models/poor/activate", json={"force": "yes", "because": "so", "reason": "x" * 1001})
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == ["/force", "/reason", "/because"]


def test_the_versions_that_hold_a_users_ratings_are_listed(client: TestClient, command: Palate) -> None:
    rows = [{"user_id": user, "item_id": "a", "value": 5} for user in ("ada", "zoe/2", "eve")]
    assert client.post("/v1/ratings", json=rows).status_code == 200
    ada, zoe, eve = (client.get(f"/v1/users/{user}/models").json() for user in ("ada", "zoe%2F2", "eve"))
    assert ada == {"user_id": "ada", "versions": [{"version": "good", "live": True, "part": "trained"}]}
    assert zoe == {"user_id": "zoe/2", "versions": [{"version": "poor", "live": False, "part": "judged"}]}
    assert eve["versions"] == []
    assert client.get("/v1/users/unknown/models").json()["type"] == "/problems/user-not-found"

    assert "good  trained  live\n" in command("models", "holds", "ada").output
    assert "poor  judged\n" in command("models", "holds", "zoe/2").output


def test_the_command_line_lists_states_and_forces_with_a_reason(client: TestClient, command: Palate) -> None:
    lines = [line.split() for line in command("models", "list").output.splitlines()]
    (poor,) = (line for line in lines if line[0] == "poor")
    assert poor[1] == "refused"
    assert " ".join(poor).endswith(REASON)
    assert ["good", "live"] in [line[:2] for line in lines]
    assert isinstance(command("models", "activate", "poor").exception, VersionRefused)

    forced = command("models", "activate", "poor", "--force", "--reason", "we looked at it")

    assert "poor is live" in forced.output
    (activation,) = client.get("/v1/models/poor").json()["activations"]
    assert (activation["cause"], activation["reason"]) == ("forced", "we looked at it")
    assert activation["actor"].startswith("command line (")
