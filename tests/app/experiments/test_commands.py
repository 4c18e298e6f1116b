"""`palate experiments`: the same as over HTTP, by the operator."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app as palate
from app.kit.errors import ExperimentRunning, InvalidRequest
from app.registry import service
from app.settings import Settings
from tests.app.experiments.test_router import OnDatabase
from tests.app.recommendations.helpers import row_values, save_version

Palate = Callable[..., Any]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, run_on_database: OnDatabase) -> Palate:
    """Run `palate experiments ...` on a database with two versions."""

    def publish(session: Session) -> None:
        for version in ("old", "new"):
            service.publish(session, activate=True, now=datetime.now(UTC), **row_values(version))

    for version in ("old", "new"):
        save_version(settings.model_store, version)
    run_on_database(lambda database: database.write(publish))
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PALATE_MODEL_STORE", str(settings.model_store))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(palate, ["experiments", *words])


def test_an_experiment_from_start_to_stop(command: Palate, client: TestClient) -> None:
    started = command("start", "old", "new", "--name", "try it", "--share", "0.2", "--reason", "to see")
    assert (started.exit_code, started.output.splitlines()[-1]) == (0, "experiment 1 runs")
    shown = client.get("/v1/experiments/1").json()
    assert (shown["share"], shown["reason"]) == (0.2, "to see")
    assert shown["started_by"].startswith("command line (")
    assert command("list").output.splitlines()[-1].split()[:7] == ["1", "try", "it", "running", "old", "new", "20%"]
    report = command("report", "1", "--metric", "hit")
    assert "control (0 users)" in report.output
    assert "Not decided yet: 0 users" in report.output
    assert isinstance(command("start", "old", "new", "--name", "more").exception, ExperimentRunning)
    assert command("stop", "1", "--activate", "control").exit_code == 0
    stopped = client.get("/v1/experiments/1").json()
    assert (stopped["state"], stopped["activated"]) == ("stopped", "control")
    assert client.get("/v1/models/old").json()["live"]
    assert '"state": "stopped"' in command("show", "1").output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("start", "old", "new", "--name", "x", "--share", "2"), "/share"),
        (("start", "old", "old", "--name", "x"), "/treatment"),
        (("stop", "1", "--activate", "both"), "activate"),
        (("report", "1", "--metric", "luck"), "metric"),
    ],
)
def test_invalid_options_are_named(command: Palate, words: tuple[str, ...], named: str) -> None:
    error = command(*words).exception
    assert isinstance(error, InvalidRequest)
    assert [field["field"] for field in error.fields] == [named]
