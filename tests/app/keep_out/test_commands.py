"""`palate keep-out` adds, lists and lifts."""

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings

SECRET = "a secret of some length"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_id_is_added_listed_by_its_hash_alone_and_lifted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PALATE_KEEP_OUT", SECRET)

    def run(*arguments: str) -> tuple[int, str]:
        ended = CliRunner().invoke(app, ["keep-out", *arguments])
        return ended.exit_code, ended.output

    assert run("add", "user", "ada") == (0, "Kept out from now on.\n")
    assert run("add", "user", "ada") == (0, "It is kept out already.\n")
    listed = run("list")[1]
    assert "user" in listed
    assert "ada" not in listed
    monkeypatch.setenv("PALATE_KEEP_OUT", "another secret of some length")
    assert "another secret: not refused" in run("list")[1]
    assert run("lift", "user", "ada")[0] == 1
    monkeypatch.setenv("PALATE_KEEP_OUT", SECRET)
    assert run("lift", "user", "ada") == (0, "Allowed again.\n")
    assert run("lift", "guest", "ada")[0] == 2
    monkeypatch.delenv("PALATE_KEEP_OUT")
    assert "PALATE_KEEP_OUT is not set" in run("list")[1]
