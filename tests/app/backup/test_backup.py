"""A backup comes back whole, or not at all; what was handed out after it holds no longer."""

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.backup.archive import BackupUnusable, Manifest
from app.backup.dumps import InUse, NotEmpty
from app.backup.service import back_up, restore
from app.cli import app
from app.settings import Settings
from tests.app.building import build_app
from tests.app.recommendations.helpers import Publish, add_items, ids, rate, recommend, wait_for_version
from tests.postgres import client_programs


@pytest.fixture(autouse=True)
def programs_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pg_dump and pg_restore be those of the tests' server."""
    monkeypatch.setenv("PATH", f"{client_programs()}:{os.environ['PATH']}")


@pytest.fixture
def sqlite_settings(tmp_path: Path, migrated_file: Path) -> Settings:
    """Settings of an empty instance in one file."""
    shutil.copy(migrated_file, tmp_path / "palate.db")
    return Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/palate.db", model_store=tmp_path / "models")


def ignore(_num_bytes: int) -> None:
    """Show no progress."""


def event_of(answer: dict[str, Any]) -> dict[str, str]:
    return {"recommendation_id": answer["recommendation_id"], "type": "click", "item_id": ids(answer)[0]}


def test_a_restore_brings_back_what_was_and_refuses_what_was_handed_out_since(
    settings: Settings, publish_version: Publish, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    with TestClient(build_app(settings), base_url="http://localhost") as client:
        add_items(client)
        version = publish_version()
        wait_for_version(client, version)
        rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
        before = recommend(client, "ada", limit=2)
        manifest = back_up(settings, file, ignore)
        rate(client, "ada", {"even 2": 5.0})
        rate(client, "bob", {"even 2": 5.0})
        since = recommend(client, "ada", limit=2)
    assert (manifest.versions, manifest.missing) == ([version], [])
    (settings.model_store / ".gram").mkdir()
    (settings.model_store / version / "model.json").unlink()

    with pytest.raises(NotEmpty, match="--replace"):
        restore(settings, file, ignore)
    restored = restore(settings, file, ignore, replace=True)

    assert restored.missing == []
    assert not (settings.model_store / ".gram").exists()
    with TestClient(build_app(settings), base_url="http://localhost") as client:
        wait_for_version(client, version)
        assert client.get("/v1/users/bob/ratings").status_code == 404
        again = recommend(client, "ada", limit=2)
        assert again["items"] == before["items"]
        assert recommend(client, "ada", limit=2, cursor=again["next_cursor"])["items"]
        assert client.post("/v1/events", json=event_of(before)).status_code == 200
        expired = client.get("/v1/users/ada/recommendations", params={"limit": 2, "cursor": since["next_cursor"]})
        assert expired.status_code == 410
        assert "restored from a backup" in expired.json()["detail"]
        refused = client.post("/v1/events", json=event_of(since))
        assert refused.status_code == 422
        assert "a restore of the database has undone" in refused.text
        replayed = client.post("/v1/replays", json={"recommendation_id": since["recommendation_id"]})
        assert replayed.status_code == 410
        assert "restored from a backup" in replayed.json()["detail"]


def test_a_database_in_use_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    with TestClient(build_app(settings), base_url="http://localhost") as client:
        rate(client, "ada", {"x": 5.0})
        back_up(settings, tmp_path / "backup.tar", ignore)
        with pytest.raises(InUse, match="Stop the servers and workers first"):
            restore(settings, tmp_path / "backup.tar", ignore, replace=True)
        assert client.get("/v1/users/ada/ratings").status_code == 200


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[3_000] ^= 1
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20_000])


def lose_the_list(file: Path) -> None:
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("database.sqlite"), io.BytesIO())


def climb_out(file: Path) -> None:
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("../elsewhere"), io.BytesIO())


def write_text(file: Path) -> None:
    file.write_text("user_id,item_id,rating\n" * 100)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (flip_a_byte, "is damaged: database"),
        (cut_off, "no whole backup"),
        (lose_the_list, "its list of files is missing"),
        (climb_out, "it holds '../elsewhere'"),
        (write_text, "no whole backup"),
        (Path.unlink, "cannot be read: no such file"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(
    sqlite_settings: Settings, tmp_path: Path, harm: Callable[[Path], object], problem: str
) -> None:
    file = tmp_path / "backup.tar"
    back_up(sqlite_settings, file, ignore)
    before = Path(sqlite_settings.database_url.removeprefix("sqlite:///")).read_bytes()
    harm(file)
    with pytest.raises(BackupUnusable, match=problem):
        restore(sqlite_settings, file, ignore, replace=True)
    assert Path(sqlite_settings.database_url.removeprefix("sqlite:///")).read_bytes() == before
    assert list(sqlite_settings.model_store.iterdir()) == []


def test_a_backup_that_is_there_is_not_overwritten(sqlite_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_text("mine")
    with pytest.raises(BackupUnusable, match="is there already"):
        back_up(sqlite_settings, tmp_path / "backup.tar", ignore)
    assert (tmp_path / "backup.tar").read_text() == "mine"


def test_a_backup_that_fails_leaves_no_file(sqlite_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupUnusable, match="cannot be written: no such file"):
        back_up(sqlite_settings, tmp_path / "nowhere/backup.tar", ignore)
    broken = sqlite_settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing"})
    with pytest.raises(Exception, match="connection refused"):
        back_up(broken, tmp_path / "backup.tar", ignore)
    assert not list(tmp_path.glob("backup*"))


def test_a_backup_of_one_kind_of_database_is_not_restored_into_another(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    back_up(sqlite_settings, tmp_path / "backup.tar", ignore)
    other = sqlite_settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing"})
    with pytest.raises(BackupUnusable, match="`palate export` and `palate import`"):
        restore(other, tmp_path / "backup.tar", ignore)


def test_without_the_programs_of_postgresql_it_says_what_to_install(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if settings.database_url.startswith("sqlite"):
        assert isinstance(back_up(settings, tmp_path / "backup.tar", ignore), Manifest)
        return
    with pytest.raises(BackupUnusable, match="pg_dump is not installed here: install PostgreSQL's client programs"):
        back_up(settings, tmp_path / "backup.tar", ignore)


def test_the_commands_say_what_they_did(sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("database_url", "model_store"):
        monkeypatch.setenv(f"PALATE_{name.upper()}", str(getattr(sqlite_settings, name)))
    monkeypatch.setenv("PALATE_KEEP_OUT", "a secret of many letters")
    file = str(sqlite_settings.model_store.with_name("backup.tar"))
    backed_up = CliRunner().invoke(app, ["backup", file])
    assert "Backed up: the database and 0 model versions." in backed_up.output
    assert "PALATE_KEEP_OUT is a setting" in backed_up.output
    restored = CliRunner().invoke(app, ["restore", file, "--replace"])
    assert "Restored: the database as of" in restored.output, restored.output
