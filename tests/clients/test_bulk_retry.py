"""Which imports and exports are tried again, and what is raised when one breaks off."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from palate_client import AsyncClient, Client, NotFound, Unavailable, UnexpectedAnswer, Unreachable
from tests.clients.conftest import Caller
from tests.clients.flaky import HANG_UP, Answer, Flaky, flaky

Kind = type[Client | AsyncClient]
COUNTS = {"read": 1, "created": 1, "updated": 0, "unchanged": 0, "stale": 0, "refused": 0}
DONE = Answer(200, json.dumps({"status": "complete", "kind": "ratings", "counts": COUNTS}).encode() + b"\n")
BUSY = Answer(503)
ROWS: list[dict[str, Any]] = [{"user_id": "a", "item_id": "b", "value": 3}]
SENT = b'{"user_id":"a","item_id":"b","value":3}\n'
ROW = b'{"item_id":"b","rated_at":"2026-01-01T00:00:00Z","user_id":"a","value":3.0}\n'


def caller(kind: Kind, server: Flaky, **options: object) -> Caller:
    return Caller(kind, server.url, **options)


def cut(body: bytes) -> Answer:
    """Return an answer shorter than its Content-Length."""
    return Answer(200, body, {"Content-Length": str(len(body) + 100)})


def generate_rows() -> Iterator[dict[str, Any]]:
    yield from ROWS


@pytest.mark.parametrize("failure", [BUSY, HANG_UP, cut(b"{")], ids=["503", "hung up", "cut"])
@pytest.mark.parametrize("form", ["rows", "path", "open"])
def test_what_can_be_read_again_is_sent_again(kind: Kind, failure: object, form: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(b"not sent\n" + SENT)
    file = path.open("rb")
    file.readline()
    if form == "path":
        path.write_bytes(SENT)
    with flaky(failure, failure, DONE) as server, file:
        source: Any = {"rows": ROWS, "path": path, "open": file}[form]
        assert caller(kind, server)("import_ratings", source).counts.created == 1
    assert [each.body for each in server.seen] == [SENT] * 3
    assert len({each.headers["x-request-id"] for each in server.seen}) == 1
    assert {(each.method, each.path) for each in server.seen} == {("POST", "/v1/imports?kind=ratings")}


@pytest.mark.parametrize("failure", [BUSY, HANG_UP], ids=["503", "hung up"])
def test_a_generator_that_has_begun_is_not_sent_again(kind: Kind, failure: object) -> None:
    with flaky(failure, DONE) as server, pytest.raises((Unavailable, Unreachable)):
        caller(kind, server)("import_ratings", generate_rows())
    assert [each.body for each in server.seen] == [SENT]


def test_an_import_without_its_last_line_is_not_complete(kind: Kind) -> None:
    with flaky(Answer(200, b'{"line":1,"status":"refused","errors":[]}\n')) as server, pytest.raises(UnexpectedAnswer):
        caller(kind, server)("import_ratings", ROWS)


def test_an_export_is_tried_again_until_it_begins(kind: Kind) -> None:
    with flaky(BUSY, HANG_UP, Answer(200, ROW)) as server:
        assert [row.value for row in caller(kind, server)("export_ratings")] == [3]
    assert len(server.seen) == 3
    assert len({each.headers["x-request-id"] for each in server.seen}) == 1


def test_an_export_that_breaks_off_raises_unreachable(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "ratings.ndjson"
    path.write_text("old")
    for method, *where in [("export_ratings",), ("export_to", "ratings", path), ("export_to", "ratings", io.BytesIO())]:
        with flaky(cut(ROW), Answer(200, ROW)) as server, pytest.raises(Unreachable, match="broke off"):
            caller(kind, server)(str(method), *where)
        assert len(server.seen) == 1
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("method", [("export_ratings",), ("export_to", "ratings", io.BytesIO())])
def test_the_error_that_ends_an_export_is_raised(kind: Kind, method: Any) -> None:
    problem = {"type": "/problems/gone", "title": "t", "status": 404, "detail": "it went away"}
    body = ROW + json.dumps({"error": problem}, separators=(",", ":")).encode() + b"\n"
    with flaky(cut(body)) as server, pytest.raises(NotFound, match="it went away"):
        caller(kind, server)(*method)


def test_a_cut_line_raises_unexpected_answer(kind: Kind) -> None:
    for body in (ROW[:-1], b"[1]\n"):
        with flaky(Answer(200, body)) as server, pytest.raises(UnexpectedAnswer):
            caller(kind, server)("export_ratings")


def test_imports_and_exports_wait_longer_than_other_calls(kind: Kind) -> None:
    slow = Answer(200, DONE.body, delay_s=0.8)
    with flaky(slow, Answer(200, ROW, delay_s=0.8)) as server:
        call = caller(kind, server, timeout_s=0.2)
        assert call("import_ratings", ROWS).counts.created == 1
        assert len(call("export_ratings")) == 1
    assert len(server.seen) == 2
