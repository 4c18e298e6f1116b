"""`palate doctor` says what is wrong with an instance, and what to do."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.database import migrate
from app.keep_out.service import KeepOut, Kind
from app.launch.doctor.data import Server, check_clock, check_server
from app.launch.doctor.finding import Finding, Level
from app.launch.doctor.machine import check_names, check_store
from app.launch.doctor.run import check_all, doctor
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.settings import Settings
from app.tables import RunCause, RunState, TrainingRun
from app.training.service import request_run
from tests.app.recommendations.helpers import Publish


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an instance whose port is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return settings.model_copy(update={"port": free.getsockname()[1]})


def look(settings: Settings) -> dict[str, Finding]:
    """Make every check; return what each found."""
    return {finding.check: finding for finding in asyncio.run(check_all(settings))}


def to_mend(settings: Settings) -> set[str]:
    return {name for name, finding in look(settings).items() if finding.level is Level.MEND}


def test_all_is_well_with_a_model_and_ratings_on_the_scale(
    settings: Settings,
    publish_version: Publish,
    run_on_database: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish_version("v1")
    run_on_database(lambda database: database.write(set_ratings, [RatingRow("ada", "alien", 4.5, None)], 1))
    before = sorted(settings.model_store.rglob("*"))
    assert doctor(settings, is_json=False) == 0
    assert capsys.readouterr().out.endswith("All is well.\n")
    assert doctor(settings, is_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "ok"
    checks = {"versions", "store", "disk", "port", "database", "schema", "clock", "scale", "trainer", "model"}
    assert {check["check"] for check in told["checks"]} == checks
    assert sorted(settings.model_store.rglob("*")) == before


def test_ratings_off_the_scale_are_counted(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    rows = [RatingRow("ada", f"item {value}", value, None) for value in (1.0, 2.5, 4.0, 5.0)]
    run_on_database(lambda database: database.write(set_ratings, rows, 1))
    assert look(settings)["scale"].level is Level.OK
    narrow = look(settings.model_copy(update={"rating_min": 2.0}))["scale"]
    coarse = look(settings.model_copy(update={"rating_step": 1.0}))["scale"]
    assert narrow.level is coarse.level is Level.MEND
    assert "1 are off it" in narrow.found
    assert "1 are off it" in coarse.found


def test_a_model_that_is_missing_or_damaged_is_to_be_mended(settings: Settings, publish_version: Publish) -> None:
    assert "palate train" in look(settings)["model"].advice
    publish_version("v1")
    assert look(settings)["model"].level is Level.OK
    (settings.model_store / "v1" / "weights.safetensors").write_bytes(b"")
    damaged = look(settings)["model"]
    assert damaged.level is Level.MEND
    assert "v1 cannot be loaded" in damaged.found


def test_a_run_that_waits_in_vain_asks_for_a_worker(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    run_on_database(lambda database: database.write(request_run, settings, RunCause.MANUAL, long_ago))
    waiting = look(settings)["trainer"]
    assert (waiting.level, waiting.advice) == (Level.MEND, "start `palate worker`")
    assert "3 hours" in waiting.found or "180 minutes" in waiting.found


def test_a_run_is_told_by_what_becomes_of_it(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    def set_run(session: Session, state: RunState, lease_s: int) -> None:
        changes = {"state": state, "worker": "w1", "lease_expires_at": datetime.now(UTC) + timedelta(seconds=lease_s)}
        session.execute(update(TrainingRun).values(changes))

    run_on_database(lambda database: database.write(request_run, settings, RunCause.MANUAL, datetime.now(UTC)))
    assert "waits for a worker, since a moment" in look(settings)["trainer"].found
    run_on_database(lambda database: database.write(set_run, RunState.RUNNING, 60))
    assert "w1 trains run 1" in look(settings)["trainer"].found
    run_on_database(lambda database: database.write(set_run, RunState.RUNNING, -60))
    assert "run 1 has lost its worker (w1)" in look(settings)["trainer"].found


def test_a_later_schema_is_served_if_it_says_so(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    def migrate_later(session: Session, served: str) -> None:
        session.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        session.execute(text("UPDATE served_by SET revision = :served WHERE revision IN ('none', :head)"), {
            "served": served, "head": migrate.HEAD,
        })  # fmt: skip

    for served, level in ((migrate.HEAD, Level.NOTE), ("none", Level.MEND)):
        run_on_database(lambda database, served=served: database.write(migrate_later, served))
        assert look(settings)["schema"].level is level


def test_ids_kept_out_under_another_secret_are_to_be_mended(
    settings: Settings, run_on_database: Callable[..., Any]
) -> None:
    ours = settings.model_copy(update={"keep_out": "a secret of some length"})
    add, now = KeepOut.of(ours).add, datetime.now(UTC)
    assert "keep-out" not in look(settings)
    run_on_database(lambda database: database.write(add, Kind.USER, "ada", now))
    assert look(ours)["keep-out"].level is Level.OK
    assert look(settings)["keep-out"].level is Level.NOTE
    other = look(settings.model_copy(update={"keep_out": "another secret of some length"}))
    assert other["keep-out"].level is Level.MEND


def test_a_name_that_is_nearly_a_settings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PALATE_DATABSE_URL", "PALATE_KEEP_OUT_FILE", "PALATE_SERVICE_HOST", "PALATE_TEST_DATA"):
        monkeypatch.setenv(name, "x")
    assert [each.found for each in check_names()] == ["PALATE_DATABSE_URL is none"]


def test_missing_tables_ask_for_migrations(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    run_on_database(lambda database: database.write(migrate.downgrade, "base"))
    try:
        assert "palate migrate" in look(settings)["schema"].advice
    finally:
        run_on_database(lambda database: database.write(migrate.upgrade))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_port_that_another_program_has_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.port)) as other:
        greeting = threading.Thread(target=greet, args=(other,))
        greeting.start()
        assert "PALATE_PORT" in look(settings)["port"].advice
        greeting.join()
    assert look(settings)["port"].level is Level.OK


def greet(listening: socket.socket) -> None:
    """Answer one caller as a mail server does."""
    caller, _ = listening.accept()
    with caller:
        caller.recv(1_000)
        caller.sendall(b"220 mail.example ESMTP\r\n")


def test_a_lost_database_is_told_with_its_cause_and_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://ada:secret@127.0.0.1:1/palate"
    found = look(Settings(_env_file=None, database_url=url, model_store=tmp_path))
    assert found["database"].level is Level.MEND
    assert "refused" in found["database"].found
    assert "secret" not in str(found)
    assert "schema" in found["the rest"].found


def test_a_database_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/new/palate.db", model_store=tmp_path / "m")
    assert "database" in to_mend(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/file/palate.db", model_store=tmp_path / "m")
    assert "cannot be made there" in look(settings)["database"].found


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_store(tmp_path / "file").level is Level.MEND
    assert check_store(tmp_path / "file" / "models").level is Level.MEND
    assert check_store(tmp_path / "new").level is Level.NOTE
    assert check_store(tmp_path).level is Level.OK
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_clock_that_is_off_and_a_pool_that_is_too_large_are_to_be_mended() -> None:
    now = time.time()
    server = Server("postgresql", "18.1", 10, now - 60, "asyncpg")
    assert "60.0 s ahead" in check_clock(server, now).found
    assert check_clock(server, now).level is Level.MEND
    assert check_clock(server, now - 61).level is Level.OK
    assert check_server(server, "there", 10).level is Level.MEND
    assert check_server(server, "there", 9).level is Level.OK
