"""Bodies that nobody should send: none is an error of ours, each is told what to mend, and memory does not grow."""

import gzip
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from app.transfer import body
from tests.app.transfer.test_router import CSV, NDJSON, counts, export, imported, lines, listening, pieces, send
from tests.processes import palate, wait_for_port, wait_until

BOM = b"\xef\xbb\xbf"
HEADER = b"user_id,item_id,value,rated_at\n"
GOOD: dict[str, Any] = {"user_id": "a", "item_id": "b", "value": 3, "rated_at": "2020-01-01T00:00:00Z"}
GOOD_LINE = lines([GOOD])
MIB = 2**20


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    """A client of a server of this process, which listens on a real port."""
    with listening(settings) as client:
        yield client


def told(client: httpx2.Client, sent: bytes, kind: str = "ratings", media: str = NDJSON) -> list[list[tuple[str, str]]]:
    """Import, and give fields and details of each refused row."""
    refused, _ = imported(client, sent, kind, media=media)
    return [[(error["field"], error["detail"]) for error in row["errors"]] for row in refused]


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (NDJSON, BOM + GOOD_LINE),
        (NDJSON, GOOD_LINE.replace(b"\n", b"\r\n")),
        (NDJSON, b"\n\r\n" + GOOD_LINE.rstrip()),
        (CSV, BOM + HEADER + b"a,b,3,2020-01-01T00:00:00Z\n"),
        (CSV, BOM + b'"user_id","item_id","value","rated_at"\r\n"a","b","3","2020-01-01T00:00:00Z"\r\n'),
        (CSV, HEADER + b"\n\na,b,3,2020-01-01T00:00:00Z"),
    ],
)
def test_byte_order_marks_and_line_ends_are_not_part_of_a_row(client: httpx2.Client, media: str, body: bytes) -> None:
    assert imported(client, body, media=media) == ([], counts(created=1))
    assert json.loads(export(client, "ratings")) == GOOD


@pytest.mark.parametrize(
    ("field", "values", "fix"),
    [
        ("user_id", [1.5, 1e300, True, None, [1], {"a": 1}, 2**70], "must be text or a whole number"),
        ("item_id", ["a\0"], "must not hold the character NUL (U+0000)"),
        ("value", [True, None, [3], "much", ""], "must be a number"),
        (
            "rated_at",
            [9e99, -9e99, 2**63 - 1, -(2**63), 2**70, "nan", "inf", "yesterday", True, [], "9999-12-31T23:59:59Z"],
            "must be Unix seconds, milliseconds or RFC 3339, and not in the future",
        ),
    ],
)
def test_a_value_is_refused_whatever_stands_beside_it(
    client: httpx2.Client, field: str, values: list[Any], fix: str
) -> None:
    bad = [GOOD | {field: value} for value in values]
    assert told(client, b"".join(json.dumps(row).encode() + b"\n" for row in [*bad, GOOD])) == [
        [(field and f"/{field}", fix)]
    ] * len(bad)
    for row in bad:
        assert told(client, json.dumps(row).encode() + b"\n" + GOOD_LINE) == [[(f"/{field}", fix)]]
    assert json.loads(export(client, "ratings")) == GOOD


def test_a_whole_number_is_the_same_id_whatever_stands_beside_it(client: httpx2.Client) -> None:
    for beside in ([], ["x"], [2.0], [2**64 - 1]):
        rows = [GOOD | {"user_id": user} for user in (7.0, 7, "7", *beside)]
        assert told(client, b"".join(json.dumps(row).encode() + b"\n" for row in rows)) == []
    users = {json.loads(line)["user_id"] for line in export(client, "ratings").splitlines()}
    assert users == {"7", "x", "2", str(2**64 - 1)}


def test_fields_of_items_are_refused_by_name(client: httpx2.Client) -> None:
    deep = json.loads('{"a":' * 300 + "1" + "}" * 300)
    bad: list[dict[str, Any]] = [
        {"title": ["x"]},
        {"title": True},
        {"title": "x" * 2_000},
        {"categories": "[bad"},
        {"categories": [5]},
        {"active": "maybe"},
        {"attributes": [1]},
        {"attributes": {"a": "\0"}},
        {"available_from": "2020-01-01T00:00:00"},
    ]
    rows = [{"item_id": f"i{n}"} | fields for n, fields in enumerate(bad)]
    body = b"".join(json.dumps(row).encode() + b"\n" for row in [*rows, {"item_id": "deep", "attributes": deep}])
    *found, last = told(client, body + b'{"item_id": "good"}\n', "items")
    assert [each[0][0].split("/")[1] for each in found] == [next(iter(fields)) for fields in bad]
    assert found[0] == found[1] == [("/title", "must be text")]
    assert last == [("/", "the line is nested too deep: flatten it")]
    assert not any(detail.startswith("Value error") for each in found for _, detail in each)


@pytest.mark.parametrize(
    ("media", "body", "options", "field", "detail"),
    [
        (CSV, HEADER.replace(b"\n", b"\r") + b"a,b,3,\r", {}, "/", "end each line with LF or CR LF"),
        (CSV, b"user_id,item_id,value,value\na,b,3,4\n", {}, "/", "the header names value twice"),
        (CSV, b'"user_id","item\nid","value"\na,b,3\n', {}, "/", "line 1: the header cannot be read"),
        (CSV, b"\n", {}, "/", "no column for user_id"),
        (CSV, b",".join(b"c%d" % n for n in range(5_000)) + b"\n", {}, "/", "c19 and 4980 more)"),
        (NDJSON, GOOD_LINE, {"rescale": "5:1"}, "rescale", "the second one larger"),
        (NDJSON, GOOD_LINE, {"rescale": "-inf:inf"}, "rescale", "the second one larger"),
        (NDJSON, GOOD_LINE, {"column": "user_id"}, "column", "write FIELD=COLUMN"),
        (NDJSON, GOOD_LINE, {"column": "user_id=who"}, "column", "has no column 'who'"),
        (NDJSON, b"x" * 5 * MIB, {}, "/", "the first 4,194,304 bytes hold no row"),
    ],
)
def test_what_cannot_be_read_names_what_to_mend(
    client: httpx2.Client, media: str, body: bytes, options: dict[str, str], field: str, detail: str
) -> None:
    answer = send(client, body, media=media, **options)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert detail in answer.json()["detail"]
    assert export(client, "ratings") == b""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_endless_line_or_a_gzip_bomb_does_not_take_memory(settings: Settings, tmp_path: Path) -> None:
    def endless(piece: bytes) -> Iterator[bytes]:
        yield from (piece for _ in range(300))

    with palate("serve", settings, tmp_path / "log") as process:
        base_url = f"http://127.0.0.1:{wait_for_port(process, tmp_path / 'log')}"
        with httpx2.Client(base_url=base_url, timeout=60) as client:
            wait_until(lambda: send(client, pieces(GOOD_LINE)).status_code == 200, "the server imports")
            before = peak_mib(process.pid)
            for media, piece in [
                (NDJSON, b"x" * MIB),
                (CSV, b"x" * MIB),
                (CSV, b'"\n' * (MIB // 2 - 1)),
                (CSV, b"\n" * MIB),
            ]:
                assert send(client, endless(piece), media=media).status_code == 422
            bomb = gzip.compress(b"a" * 300 * MIB)
            assert send(client, bomb, headers={"Content-Encoding": "gzip"}).status_code == 422
            long_lines = (line for _ in range(30) for line in (GOOD_LINE, b"y" * 10 * MIB, b"\n"))
            assert imported(client, long_lines)[1] == counts(unchanged=30, refused=30)
        assert peak_mib(process.pid) - before < 100


def peak_mib(process_id: int) -> float:
    """Weigh a process's peak resident memory."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_more_refused_rows_than_the_disk_has_room_for_are_reported(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    bad = lines([GOOD | {"user_id": ""}]) * 3_000
    answer = send(client, pieces((GOOD_LINE * 3_000 + bad) * 6))
    assert answer.status_code == 422, answer.text
    assert "there is no room here to tell more refused rows than" in answer.json()["detail"]
    assert len(export(client, "ratings").splitlines()) == 1


def test_a_body_that_stops_coming_ends_with_what_is_stored(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "SILENCE_S", 1)

    def silent() -> Iterator[bytes]:
        yield b"".join(GOOD_LINE.replace(b'"a"', b'"u%d"' % n) for n in range(10_000))
        time.sleep(3)
        yield GOOD_LINE

    answer = send(client, silent())
    assert (answer.status_code, answer.json()["type"]) == (408, "/problems/body-stalled"), answer.text
    num_stored = len(export(client, "ratings").splitlines())
    assert 0 < num_stored <= 10_000
    assert f"{num_stored:,} rows before that are stored." in answer.json()["detail"]
    assert imported(client, GOOD_LINE)[1]["refused"] == 0
