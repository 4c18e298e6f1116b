"""Imports and exports over HTTP: a real server, real sockets."""

import csv
import gzip
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.main import create_app
from app.settings import Settings
from app.tables import Rating
from tests.processes import answers, server, wait_until

NDJSON, CSV = "application/x-ndjson", "text/csv"
ODD = [
    '"',
    '""',
    "a,b",
    "a\nb",
    "a\r\nb",
    "\r",
    " a ",
    "ß",
    "日本",
    "🎬",
    "'",
    "\\",
    ";",
    "\t",
    "|",
    "=1",
    "#",
    "\ufeff",
]


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    """A client of a server of this process, which listens on a real port."""
    with listening(settings) as client:
        yield client


@contextmanager
def listening(settings: Settings) -> Iterator[httpx2.Client]:
    config = uvicorn.Config(create_app(settings), http="httptools", loop="uvloop", ws="none", log_config=None, port=0)
    served = uvicorn.Server(config)
    bound = config.bind_socket()
    thread = threading.Thread(target=served.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=30) as client:
            wait_until(lambda: answers(client), "the server answers")
            yield client
    finally:
        served.should_exit = True
        thread.join(30)
        bound.close()


def send(client: httpx2.Client, body: bytes | Iterator[bytes], kind: str = "ratings", **options: Any) -> Any:
    headers = {"Content-Type": options.pop("media", NDJSON)} | options.pop("headers", {})
    return client.post("/v1/imports", params={"kind": kind} | options, content=body, headers=headers)


def imported(*args: Any, **options: Any) -> tuple[list[dict[str, Any]], dict[str, int]]:
    answer = send(*args, **({"max_refused": 1} | options))
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON), answer.text
    *refused, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last["status"] == "complete"
    return refused, last["counts"]


def counts(**numbers: int) -> dict[str, int]:
    none = dict.fromkeys(("read", "created", "updated", "unchanged", "stale", "refused"), 0)
    return none | numbers | {"read": sum(numbers.values())}


def export(client: httpx2.Client, kind: str, form: str = "ndjson") -> bytes:
    answer = client.get(f"/v1/exports/{kind}", params={"format": form})
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (
        200,
        {"ndjson": NDJSON, "csv": CSV}[form],
    )
    return answer.content


def rating_rows(num_rows: int) -> list[dict[str, Any]]:
    """Return ratings in an order of chance, of users and items with odd ids."""
    random = Random(num_rows)
    pairs = [(f"{random.choice(ODD)}{n % 97}", f"{n // 97}{random.choice(ODD)}") for n in range(num_rows)]
    moments = [datetime.fromtimestamp(random.randint(10**8, 17 * 10**8), UTC) for _ in pairs]
    rows = [
        {"user_id": user, "item_id": item, "value": random.randint(2, 10) / 2, "rated_at": moment}
        for (user, item), moment in zip(pairs, moments, strict=True)
    ]
    random.shuffle(rows)
    return rows


def item_rows(num_rows: int) -> list[dict[str, Any]]:
    random = Random(num_rows)
    return [
        {
            "item_id": f"{random.choice(ODD)}{n}",
            "title": random.choice([None, "x" + random.choice(ODD)]),
            "categories": random.sample(ODD, random.randint(0, 3)),
            "active": random.random() < 0.5,
            "attributes": {random.choice(ODD): random.choice([None, 1, 1.5, "|", [True], {"k": "\n"}])},
            "available_from": random.choice([None, "2026-01-02T03:04:05.000006Z"]),
            "available_until": random.choice([None, "2027-01-02T03:04:05Z"]),
        }
        for n in range(num_rows)
    ]


def lines(rows: list[dict[str, Any]]) -> bytes:
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS
    return b"".join(orjson.dumps(row, option=option) for row in rows)


def pieces(body: bytes, size: int = 10_000) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def empty(session: Session) -> None:
    for table in ("ratings", "rating_changes", "users", "items"):
        session.execute(text(f"DELETE FROM {table}"))


@pytest.mark.parametrize("form", ["ndjson", "csv"])
@pytest.mark.parametrize(("kind", "rows"), [("ratings", rating_rows(9_000)), ("items", item_rows(3_000))])
def test_an_export_is_what_was_imported(
    settings: Settings, run_on_database: Callable[[Any], Any], kind: str, rows: Any, form: str
) -> None:
    expected = lines(sorted(rows, key=lambda row: (row.get("user_id", ""), row["item_id"])))
    with listening(settings) as client:
        assert imported(client, pieces(lines(rows)), kind) == ([], counts(created=len(rows)))
        assert export(client, kind) == expected
        again = export(client, kind, form)
        media = {"ndjson": NDJSON, "csv": CSV}[form]
        assert imported(client, pieces(again), kind, media=media) == ([], counts(unchanged=len(rows)))
    run_on_database(lambda database: database.write(empty))
    with listening(settings) as client:
        assert imported(client, pieces(again), kind, media=media) == ([], counts(created=len(rows)))
        assert export(client, kind) == expected


def test_every_refused_row_is_reported_with_its_line_field_and_fix(client: httpx2.Client) -> None:
    good = {"user_id": "a", "item_id": "b", "value": 4, "rated_at": "2020-01-01T00:00:00Z"}
    rows: list[bytes] = [
        lines([good]).strip(),
        b"",
        lines([good | {"value": 4.7}]).strip(),
        b"{",
        b"[1]",
        lines([good | {"user_id": "", "value": "x"}]).strip(),
        b'{"user_id":"\xff"}',
        lines([good | {"item_id": True}]).strip(),
        b'{"user_id":"' + b"x" * 2**20 + b'"}',
        lines([good | {"item_id": "c", "rated_at": "2999-01-01T00:00:00Z"}]).strip(),
        lines([good | {"item_id": "d"}]).strip(),
    ]
    refused, counted = imported(client, b"\n".join(rows))
    assert counted == counts(created=2, refused=8)
    told = {row["line"]: [(error["field"], error["detail"]) for error in row["errors"]] for row in refused}
    assert list(told) == sorted(told)
    assert told.pop(3)[0][1].startswith("4.7 is not on the scale: it is 1 to 5 in steps of 0.5; ")
    assert told.pop(4)[0][1].startswith("the line is not valid JSON: ")
    assert told.pop(10)[0][0] == "/rated_at"
    assert told == {
        5: [("/", "the line is not a JSON object")],
        6: [("/user_id", "must not be empty"), ("/value", "must be a number")],
        7: [("/", "the line is not UTF-8: send it in UTF-8")],
        8: [("/item_id", "must be text or a whole number")],
        9: [("/", "the line is longer than 1,048,576 bytes")],
    }
    assert refused[0] | {"errors": []} == {"line": 3, "user_id": "a", "item_id": "b", "status": "refused", "errors": []}
    assert len(export(client, "ratings").splitlines()) == 2


def test_lines_of_csv_are_counted_though_values_hold_line_breaks(client: httpx2.Client) -> None:
    table = 'user_id,item_id,value\n"a\nb",x,5\n\n"c\n\nd",y,9\ne,f\ng,h,4\ni,j,3\nk,l,2\n'
    refused, counted = imported(client, table.encode(), media="text/csv; charset=utf-8")
    assert counted == counts(created=4, refused=2)
    assert [(row["line"], row["errors"][0]["field"]) for row in refused] == [(5, "/value"), (8, "/")]
    assert refused[0]["user_id"] == "c\n\nd"


def test_the_counts_are_those_of_the_database(client: httpx2.Client, run_on_database: Callable[[Any], Any]) -> None:
    rows = rating_rows(20_000)
    older = [row | {"rated_at": "1971-01-01T00:00:00Z"} for row in rows[:100]]
    newer = [row | {"rated_at": "2026-01-01T00:00:00Z", "value": 1.0} for row in rows[100:300]]
    off = [row | {"value": 4.75} for row in rows[300:350]]
    assert imported(client, pieces(lines(rows)))[1] == counts(created=20_000)
    refused, counted = imported(client, pieces(lines(older + newer + rows[300:] + off)))
    assert counted == counts(stale=100, updated=200, unchanged=19_700, refused=50)
    assert [row["line"] for row in refused] == list(range(20_001, 20_051))
    query = select(func.count()).select_from(Rating)
    assert run_on_database(lambda database: database.read(lambda session: session.scalar(query))) == 20_000


def test_columns_can_be_named_and_scales_stretched(client: httpx2.Client) -> None:
    assert imported(
        client,
        b"who;what;how\n1;2;10\n",
        media=CSV,
        column=["user_id=who", "item_id=what", "value=how"],
        rescale="0:10",
    )[1] == counts(created=1)
    assert json.loads(export(client, "ratings"))["value"] == 5.0


def test_gzip_is_expanded_while_it_is_received(client: httpx2.Client) -> None:
    rows = rating_rows(2_000)
    packed = gzip.compress(lines(rows[:1_000])) + gzip.compress(lines(rows[1_000:]))
    headers = {"Content-Encoding": "gzip"}
    assert imported(client, pieces(packed), headers=headers)[1] == counts(created=2_000)
    for broken in (packed[:-9], b"no gzip", b""):
        answer = send(client, pieces(broken), headers=headers)
        assert (answer.status_code, "gzip" in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("media", "kind", "body", "status", "detail"),
    [
        ("application/xml", "ratings", b"[]", 415, "application/x-ndjson or text/csv"),
        ("application/json", "ratings", b"[]", 422, "holds no JSON objects"),
        ("text/csv; charset=latin-1", "ratings", b"", 415, "in UTF-8"),
        (NDJSON, "users", b"", 422, "ratings"),
        (CSV, "ratings", b"", 422, "is empty"),
        (CSV, "ratings", b"user_id,item_id,value\n", 422, "there are no rows"),
        ("text/plain", "ratings", b"PAR1 and so on", 422, "is Parquet: send CSV or JSON"),
        (CSV, "ratings", b"u,x,4\nv,y,3\n", 422, "header=false columns=1,2,3,4"),
        (CSV, "ratings", b"user_id,item_id\n", 422, "no column for value"),
        (NDJSON, "ratings", b"hello\n", 422, "holds no JSON objects"),
        (CSV, "ratings", b"user_id,item_id,value\na,b,3\n\xff,b,3\n", 422, "line 3: the text is not UTF-8"),
        (CSV, "ratings", b'user_id,item_id,value\n"' + b"a\n" * 2**20, 422, "does not end within 1,048,576 bytes"),
        (NDJSON, "ratings", b'{"user_id":1,"item_id":1,"value":99}\n', 422, "not on this instance's scale"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_that_says_what_to_do(
    client: httpx2.Client, media: str, kind: str, body: bytes, status: int, detail: str
) -> None:
    answer = send(client, body, kind, media=media)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert detail in answer.json()["detail"]
    assert export(client, "ratings") == b""


def test_a_problem_in_the_middle_says_how_much_is_stored(client: httpx2.Client) -> None:
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerows([["user_id", "item_id", "value"], *[[f"u{n}", "i", 3] for n in range(60_000)]])
    answer = send(client, pieces(output.getvalue().encode() + b"\xff,x,3\n"), media=CSV)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
    stored = len(export(client, "ratings").splitlines())
    assert 0 < stored < 60_000
    assert (
        f"line 60002: the text is not UTF-8: send it in UTF-8. {stored:,} rows before that are stored."
        in answer.json()["detail"]
    )


def test_what_came_before_a_broken_connection_is_stored_and_sending_it_again_completes_it(
    settings: Settings, tmp_path: Path
) -> None:
    rows = rating_rows(30_000)
    with server(settings, tmp_path / "log") as client:
        port = client.base_url.port
        with socket.create_connection(("127.0.0.1", port or 0)) as broken:
            body = lines(rows)
            sent = body[: len(body) // 2 - 50_000]
            head = f"POST /v1/imports?kind=ratings HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\n"
            broken.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + sent)
            wait_until(lambda: export(client, "ratings"), "the first batch is stored")
        wait_until(lambda: "/v1/imports" in (tmp_path / "log").read_text(), "the import has ended")
        stored = export(client, "ratings").splitlines()
        assert stored
        assert set(stored) <= set(sent.splitlines()[:-1])
        assert imported(client, pieces(body))[1] == counts(created=30_000 - len(stored), unchanged=len(stored))
        assert client.get("/health/ready").status_code == 200
        assert "unexpected error" not in (tmp_path / "log").read_text()


def test_an_import_is_larger_than_the_limit_of_the_other_routes(settings: Settings) -> None:
    small = settings.model_copy(update={"max_body_bytes": 10_000})
    rows = rating_rows(1_000)
    with listening(small) as client:
        assert imported(client, lines(rows))[1] == counts(created=1_000)
        assert imported(client, pieces(lines(rows)))[1] == counts(unchanged=1_000)
        assert client.post("/v1/ratings", content=lines(rows)).status_code == 413


def test_an_export_is_one_snapshot(client: httpx2.Client) -> None:
    rows = rating_rows(30_000)
    imported(client, pieces(lines(rows)))
    before = export(client, "ratings")
    with client.stream("GET", "/v1/exports/ratings") as answer:
        data = answer.iter_bytes(1_000)
        first = next(data)
        changed = [row | {"rated_at": "2026-01-01T00:00:00Z", "value": 1.0} for row in rows]
        assert imported(client, pieces(lines(changed)))[1]["updated"] > 0
        assert first + b"".join(data) == before


def test_an_export_comes_as_csv_if_that_is_accepted(client: httpx2.Client) -> None:
    imported(client, lines([{"user_id": 'a"', "item_id": "b,", "value": 3, "rated_at": "2026-01-01T00:00:00Z"}]))
    answer = client.get("/v1/exports/ratings", headers={"Accept": CSV})
    assert answer.text == 'user_id,item_id,value,rated_at\n"a""","b,",3.0,2026-01-01T00:00:00Z\n'


def test_many_exports_that_nobody_reads_to_the_end_leave_room_for_others(client: httpx2.Client) -> None:
    imported(client, pieces(lines(rating_rows(30_000))))
    for _ in range(20):
        with client.stream("GET", "/v1/exports/ratings") as answer:
            next(answer.iter_bytes(100))
    assert len(export(client, "ratings").splitlines()) == 30_000
