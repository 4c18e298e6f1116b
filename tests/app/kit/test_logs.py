"""Logs are JSON lines, the libraries' own too, and hold no local variables."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.experiments.assignment import Arm
from app.kit import logs
from app.kit.logs import dump
from app.settings import Settings


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """Standard error, with the logs of the process set up to write to it as JSON."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    handlers, level = logging.root.handlers[:], logging.root.level
    before = structlog.get_config()
    logs.configure(Settings(_env_file=None, log_level="info", log_format="json"))
    structlog.configure(cache_logger_on_first_use=False)
    yield written
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**before)
    stream.detach()


def lines(stderr: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.getvalue().splitlines()]


def test_a_line_is_json_with_level_and_time(stderr: io.BytesIO) -> None:
    structlog.get_logger().info("something", number=1)
    (line,) = lines(stderr)
    assert line | {"timestamp": ""} == {"event": "something", "number": 1, "level": "info", "timestamp": ""}


def test_what_a_library_logs_becomes_such_a_line(stderr: io.BytesIO) -> None:
    logging.getLogger("uvicorn.error").warning("port %s", 1)
    (line,) = lines(stderr)
    assert (line["event"], line["logger"], line["level"]) == ("port 1", "uvicorn.error", "warning")


def test_records_below_the_level_are_left_out(stderr: io.BytesIO) -> None:
    structlog.get_logger().debug("too fine")
    assert lines(stderr) == []


def test_a_traceback_shows_no_local_variables(stderr: io.BytesIO) -> None:
    headers = {"x-api-key": "palate_" + "secret"}
    try:
        raise LookupError(len(headers))
    except LookupError:
        structlog.get_logger().exception("failed")
    assert "LookupError" in lines(stderr)[0]["exception"]
    assert b"palate_secret" not in stderr.getvalue()


@pytest.mark.parametrize(
    "fields", [{Arm.CONTROL: "a"}, {7: "a"}, {"pair": {(1, 2): 3}}, {"text": "\ud800"}, {"big": 2**70}]
)
def test_a_json_line_is_written_whatever_stands_in_it(fields: dict[Any, Any]) -> None:
    assert json.loads(dump({"event": "swap", **fields}))["event"] == "swap"
