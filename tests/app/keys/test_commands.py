"""The life of a key on the command line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `palate keys` on the test's database."""
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    return lambda *words: CliRunner().invoke(app, ["keys", *words], env={"COLUMNS": "200"})


def test_a_key_is_made_listed_rotated_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run("create", "--name", "shop", "--scope", "read", "--expires", "90d")
    assert made.stdout.startswith("palate_")
    assert "it is not shown again" in made.stderr
    file = tmp_path / "folder" / "key"
    rotated = run("rotate", "1", "--grace", "24h", "--file", str(file))
    assert "Key 2 was made and written to" in rotated.output
    assert (file.read_text().startswith("palate_"), file.stat().st_mode & 0o777) == (True, 0o600)
    assert run("revoke", "2").output == "Key 2 is revoked.\n"
    shown = run("list").output
    assert len(re.findall("shop", shown)) == 2
    assert file.read_text().strip() not in shown


def test_the_first_key_is_made_once(run: Run) -> None:
    assert run("create", "--first", "--name", "first", "--scope", "admin").stdout.startswith("palate_")
    assert "There is a key already" in run("create", "--first", "--name", "first", "--scope", "admin").output


def test_a_key_that_is_none_is_said_to_be_none(run: Run) -> None:
    for command in ("revoke", "rotate"):
        refused = run(command, "9")
        assert (refused.exit_code, "there is no key 9 that still works" in refused.stderr) == (1, True)
