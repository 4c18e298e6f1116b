"""The log of `palate up`: it holds what processes say, its last lines can be shown, and it does not grow for ever."""

from contextlib import closing
from pathlib import Path

import pytest

from app.launch import log_file
from app.launch.log_file import LogFile, log_path
from app.settings import Settings


def test_two_instances_have_two_logs_beside_their_model_stores(tmp_path: Path) -> None:
    one, two = (Settings(_env_file=None, model_store=tmp_path / "models", port=port) for port in (8000, 8001))
    assert log_path(one) == tmp_path / "log" / "palate-8000.log"
    assert log_path(two) != log_path(one)


def test_the_last_lines_are_those_of_this_start(tmp_path: Path) -> None:
    path = tmp_path / "log" / "palate.log"
    with closing(LogFile(path)) as before:
        before.stream.write(b"of the start before\n")
    with closing(LogFile(path)) as log:
        assert log.last_lines() == []
        log.stream.write("".join(f"line {n}\n" for n in range(30)).encode())
        assert log.last_lines() == [f"line {n}" for n in range(20, 30)]
    assert "of the start before" in path.read_text()


def test_a_log_that_grew_too_large_is_kept_once_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 100)
    with closing(LogFile(tmp_path / "palate.log")) as log:
        log.stream.write(b"x" * 200 + b"\n")
        log.trim()
        log.stream.write(b"first\nafter\n")
        assert log.path.read_bytes() == b"first\nafter\n"
        assert log.last_lines() == ["first", "after"]
    assert b"x" * 200 in (tmp_path / "palate.log.1").read_bytes()
