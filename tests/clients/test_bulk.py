"""Imports and exports of both clients, against a real server."""

import gzip
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from palate_client import AsyncClient, Client, Invalid
from palate_client._sync.uploads import pieces
from palate_client.answers import ExportedRating
from palate_client.uploads import PIECE_BYTES, RowUpload
from tests.clients.conftest import Caller

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def rows(user: str, num_rows: int = 3) -> list[dict[str, Any]]:
    return [
        {"user_id": user, "item_id": f"item {n}", "value": 1 + n % 9 / 2, "rated_at": MOMENT} for n in range(num_rows)
    ]


def ndjson(some: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row | {"rated_at": MOMENT.isoformat()}).encode() + b"\n" for row in some)


def csv(some: list[dict[str, Any]]) -> bytes:
    lines = [f"{row['user_id']},{row['item_id']},{row['value']},{MOMENT.isoformat()}\n" for row in some]
    return ("user_id,item_id,value,rated_at\n" + "".join(lines)).encode()


def generate_rows(some: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from some


async def async_rows(some: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for row in some:
        yield row


@pytest.fixture
def user() -> str:
    """A user without stored ratings."""
    return f"user {uuid4()}"


@pytest.fixture(params=["list", "generator", "ndjson", "jsonl.gz", "csv", "csv.gz", "open csv", "bytes"])
def source(request: pytest.FixtureRequest, user: str, tmp_path: Path) -> Iterator[Any]:
    """The same rows in every form that can be imported."""
    some, form = rows(user), str(request.param)
    made = {"list": some, "generator": generate_rows(some), "bytes": io.BytesIO(ndjson(some))}
    path = tmp_path / f"rows.{form.removeprefix('open ')}"
    data = csv(some) if "csv" in form else ndjson(some)
    path.write_bytes(gzip.compress(data) if form.endswith(".gz") else data)
    with path.open("rb") as file:
        yield file if form == "open csv" else made.get(form, path)


def test_a_file_or_rows_are_imported_and_come_back(call: Caller, user: str, source: Any) -> None:
    check_import(call, user, source, **({"format": "ndjson"} if isinstance(source, io.BytesIO) else {}))


def test_awaited_rows_are_imported_and_come_back(url: str, user: str) -> None:
    check_import(Caller(AsyncClient, url), user, async_rows(rows(user)))


def check_import(call: Caller, user: str, source: Any, **options: str) -> None:
    counts = call("import_ratings", source, **options).counts
    assert (counts.read, counts.created) == (3, 3)
    found = [row for row in call("export_ratings") if row.user_id == user]
    assert [row.model_dump() for row in found] == rows(user)
    assert isinstance(found[0], ExportedRating)


def test_items_are_imported_and_come_back(call: Caller) -> None:
    item = {"item_id": f"item {uuid4()}", "title": "One", "categories": ["a|b"], "active": False}
    item |= {"attributes": {"year": 2026}, "available_from": MOMENT, "available_until": None}
    assert call("import_items", [item]).counts.created == 1
    assert item in [row.model_dump() for row in call("export_items")]


def test_columns_are_named_and_scales_stretched(call: Caller, user: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.txt"
    path.write_text(f"who;what;how\n{user};x;10\n{user};y;0\n")
    column = {"user_id": "who", "item_id": "what", "value": "how"}
    assert call("import_ratings", path, format="csv", column=column, rescale=(0, 10)).counts.created == 2
    assert sorted(each.value for each in call("ratings", user).ratings) == [1, 5]


def test_words_are_mapped_whatever_is_in_them(call: Caller, user: str) -> None:
    words = {"so, so": 3, "a=b": 4.5}
    given = [{"user_id": user, "item_id": f"item {n}", "value": word} for n, word in enumerate(words)]
    assert call("import_ratings", given, map=words).counts.created == 2
    assert sorted(each.value for each in call("ratings", user).ratings) == [3, 4.5]


def test_refused_rows_can_be_read_again_and_again(call: Caller, user: str) -> None:
    bad = [{"user_id": user, "item_id": f"item {n}", "value": "much"} for n in range(20_000)]
    done = call("import_ratings", [*rows(user), *bad], max_refused=1)
    assert (done.counts.read, done.counts.created, done.counts.refused) == (20_003, 3, 20_000)
    assert repr(done).startswith("Imported(read=20003, created=3, ")
    for one, other in zip(done.refused, done.refused, strict=True):
        assert one == other
    assert [one.line, one.user_id, one.errors[0]["field"]] == [20_003, user, "/value"]
    assert [each.line for each in done.refused] == list(range(4, 20_004))


def test_a_file_without_a_needed_column_raises_and_says_what_is_stored(call: Caller, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("user_id,item_id\na,b\n")
    with pytest.raises(Invalid, match=r"no column for value .* Nothing was stored"):
        call("import_ratings", path)


@pytest.mark.parametrize("name", ["out.ndjson", "out.csv", "out.csv.gz"])
def test_an_exported_file_is_imported_without_a_change(call: Caller, user: str, tmp_path: Path, name: str) -> None:
    call("import_ratings", rows(user))
    call("export_to", "ratings", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    counts = call("import_ratings", tmp_path / name).counts
    assert counts.unchanged == counts.read >= 3


def test_an_export_is_written_to_an_open_file(call: Caller, user: str) -> None:
    call("import_ratings", rows(user))
    file = io.BytesIO()
    call("export_to", "ratings", file)
    exported = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [row["value"] for row in exported if row["user_id"] == user] == [1, 1.5, 2]
    table = io.BytesIO()
    call("export_to", "ratings", table, format="csv")
    assert table.getvalue().startswith(b"user_id,item_id,value,rated_at\n")


def test_rows_are_consumed_as_they_are_sent() -> None:
    num_consumed = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal num_consumed
        while True:
            num_consumed += 1
            yield {"user_id": "a", "item_id": f"item {num_consumed}", "value": 3}

    body = pieces(RowUpload(endless()))
    assert PIECE_BYTES <= len(next(body)) < PIECE_BYTES + 100
    assert num_consumed < PIECE_BYTES / 40


def test_a_wrong_argument_raises_before_anything_is_sent(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("")
    with pytest.raises(ValueError, match=r"'ratings\.dat' does not end in \.ndjson.*: give format="):
        call("import_ratings", "ratings.dat")
    with pytest.raises(TypeError, match=r"open\(path, 'rb'\)"), (tmp_path / "ratings.csv").open() as file:
        call("import_ratings", file)
    with pytest.raises(TypeError, match="several rows"):
        call("import_ratings", rows("a")[0])
    with pytest.raises(ValueError, match="format="):
        call("export_to", "ratings", tmp_path / "ratings.parquet")
    with pytest.raises(FileNotFoundError):
        call("import_ratings", tmp_path / "nowhere.csv")


def test_the_plain_client_cannot_await_rows(url: str) -> None:
    with Client(url) as client, pytest.raises(TypeError, match="use AsyncClient"):
        client.import_ratings(async_rows([]))  # type: ignore[arg-type]
