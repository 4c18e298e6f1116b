"""What the compose file runs once: the tables and the first key, which can be read for a day."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.launch import docker_entrypoint
from app.launch.docker_entrypoint import FIRST_KEY, READABLE_S

Run = Callable[[str], None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the entry point in a folder of its own, on an SQLite database there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PALATE_DATABASE_URL", "sqlite:///palate.db")
    monkeypatch.delenv("PALATE_SAMPLE", raising=False)

    def run(word: str) -> None:
        monkeypatch.setattr(sys, "argv", ["docker_entrypoint", word])
        docker_entrypoint.main()

    return run


def test_the_first_start_makes_a_key_and_later_ones_none(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("prepare")
    assert "Key: the first one was made." in capsys.readouterr().out
    assert FIRST_KEY.stat().st_mode & 0o777 == 0o600
    run("show-first-key")
    assert capsys.readouterr().out.startswith("palate_")
    run("prepare")
    assert "Key: there is one already." in capsys.readouterr().out


def test_the_file_of_the_first_key_is_removed_after_a_day(run: Run) -> None:
    run("prepare")
    long_ago = FIRST_KEY.stat().st_mtime - READABLE_S - 1
    os.utime(FIRST_KEY, (long_ago, long_ago))
    run("prepare")
    with pytest.raises(SystemExit, match="Make another key"):
        run("show-first-key")


def test_the_sample_is_stored_if_that_is_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PALATE_SAMPLE", "1")
    run("prepare")
    assert "ample" in capsys.readouterr().out


def test_another_word_is_refused(run: Run) -> None:
    with pytest.raises(SystemExit, match="usage"):
        run("help")
