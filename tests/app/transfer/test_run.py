"""Import and export on both databases."""

import asyncio
import json
import os
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database.engine import open_database
from app.kit.ids import normalize_id
from app.kit.times import now_us
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.settings import Settings
from app.transfer.importer import Summary
from app.transfer.options import parse_options
from app.transfer.problems import TransferProblem
from app.transfer.run import export_path, whole_file
from app.transfer.run_import import import_path

LAW = hypothesis_settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes: every example is an import
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DATA = os.environ.get("PALATE_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="PALATE_TEST_DATA does not name a folder with the real data sets")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def load(settings: Settings, path: Path, **options: Any) -> Summary:
    items, refused = options.pop("items", None), options.pop("refused", path.parent / "refused.ndjson")
    return import_path(settings, path, options=parse_options(**options), items=items, refused=refused)


def exported(settings: Settings, kind: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / f"{kind}.out.ndjson"
    export_path(settings, kind, path)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def triples(settings: Settings, folder: Path) -> list[tuple[Any, ...]]:
    rows = exported(settings, "ratings", folder)
    return [(row["user_id"], row["item_id"], row["value"], row["rated_at"]) for row in rows]


def refused_rows(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "refused.ndjson").read_bytes().splitlines()]


def empty(session: Session) -> None:
    for table in ("ratings", "rating_changes", "users", "items"):
        session.execute(text(f"DELETE FROM {table}"))


def on_database(settings: Settings, work: Any, *args: Any) -> Any:
    async def run() -> Any:
        database = open_database(settings.database_url)
        try:
            return await database.write(work, *args)
        finally:
            await database.close()

    return asyncio.run(run())


SCORED = [("1", "10", 4.0, "2000-01-01T00:00:00Z"), ("1", "20", 2.5, "2000-01-01T00:00:01Z")]
ALWAYS = {"available_from": None, "available_until": None}
FILMS = [
    ALWAYS
    | {
        "item_id": "10",
        "title": "Alien",
        "categories": ["Horror", "Sci-Fi"],
        "active": True,
        "attributes": {"year": 1979},
    },
    ALWAYS | {"item_id": "20", "title": "Fantômas", "categories": [], "active": True, "attributes": {}},
]


def movielens_csv(folder: Path) -> None:
    write(folder / "ratings.csv", "userId,movieId,rating,timestamp\n1,10,4.0,946684800\n1,20,2.5,946684801\n")
    films = "movieId,title,genres\n10,Alien (1979),Horror|Sci-Fi\n20,Fantômas,(no genres listed)\n"
    write(folder / "movies.csv", films)


def movielens_dat(folder: Path) -> None:
    write(folder / "ratings.dat", "1::10::4.0::946684800\n1::20::2.5::946684801\n")
    write(folder / "movies.dat", "10::Alien (1979)::Horror|Sci-Fi\n20::Fantômas::\n".encode("latin-1"))


def movielens_100k(folder: Path) -> None:
    write(folder / "u.data", "1\t10\t4.0\t946684800\n1\t20\t2.5\t946684801\n")
    flags = {11: "1", 15: "1"}
    horror = "|".join(flags.get(n, "0") for n in range(19))
    none = "|".join("0" * 19)
    films = f"10|Alien (1979)|01-Jan-1979||http://x|{horror}\n20|Fantômas|||http://x|{none}\n"
    write(folder / "u.item", films.encode("latin-1"))


@pytest.mark.parametrize("layout", [movielens_csv, movielens_dat, movielens_100k])
@pytest.mark.parametrize("packed", [False, True])
def test_each_layout_of_movielens_gives_the_same(settings: Settings, tmp_path: Path, layout: Any, packed: bool) -> None:
    folder = tmp_path / "ml"
    folder.mkdir()
    layout(folder)
    path = folder
    if packed:
        path = tmp_path / "ml.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for member in folder.iterdir():
                archive.write(member, f"ml/{member.name}")
    summary = load(settings, path)
    assert (summary.ratings, summary.items) == ({"created": 2, "refused": 0}, {"created": 2, "refused": 0})
    assert triples(settings, tmp_path) == SCORED
    assert exported(settings, "items", tmp_path) == FILMS


def named_csv(folder: Path) -> Path:
    return write(folder / "a.csv", "uid;Item ID;score;time\n1;10;4;2000-01-01T00:00:00Z\n1;20;2.5;946684801000\n")


def ndjson(folder: Path) -> Path:
    rows = [
        {"user": 1, "movie_id": "10", "rating": 4, "timestamp": 946684800},
        {"user": "1", "movie_id": 20, "rating": 2.5, "timestamp": "2000-01-01T00:00:01Z"},
    ]
    return write(folder / "a.ndjson", "\n".join(json.dumps({"extra": None} | row) for row in rows))


def parquet_file(folder: Path) -> Path:
    moments = pa.array([946684800, 946684801], pa.timestamp("s", "UTC"))
    table = pa.table({"user_id": [1, 1], "iid": ["10", "20"], "value": [4.0, 2.5], "rated_at": moments})
    parquet.write_table(table, folder / "a.parquet")
    return folder / "a.parquet"


@pytest.mark.parametrize("layout", [named_csv, ndjson, parquet_file])
def test_files_with_named_columns_give_the_same(settings: Settings, tmp_path: Path, layout: Any) -> None:
    path = layout(tmp_path)
    assert load(settings, path).ratings == {"created": 2, "refused": 0}
    assert triples(settings, tmp_path) == SCORED
    assert load(settings, path).ratings == {"unchanged": 2, "refused": 0}


def test_a_column_of_any_name_can_be_named(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "who,what,how,when\n1,10,4,946684800\n")
    renames = ["user=who", "item_id=what", "value=how", "timestamp=when"]
    assert load(settings, path, column=renames).ratings["created"] == 1
    assert triples(settings, tmp_path) == SCORED[:1]


def test_bad_rows_are_counted_and_written_down_with_their_reason(settings: Settings, tmp_path: Path) -> None:
    future = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    lines = [
        "user_id,item_id,value,rated_at",
        "a,x,4,946684800",
        ",x,4,946684800",
        "a,x",
        f"{'é' * 256},y,4,946684800",
        "a,x,4.7,946684800",
        "a,x,good,946684800",
        f"a,y,4,{future}",
        "a,y,4,yesterday",
        f"{'é' * 255},y,5,",
        "a,x\0y,4,946684800",
    ]
    summary = load(settings, write(tmp_path / "a.csv", "\n".join(lines)), form="csv")
    assert summary.ratings == {"created": 2, "refused": 8}
    reasons = {row["line"]: row["errors"][0] for row in refused_rows(tmp_path)}
    assert reasons[3] == "user_id must not be empty"
    assert reasons[4] == "the line does not have 4 columns: user_id, item_id, value, rated_at"
    assert reasons[5] == "user_id has 256 characters: at most 255 are allowed"
    assert reasons[6].startswith("value 4.7 is not on the scale: it is 1 to 5 in steps of 0.5; set PALATE_RATING_MIN")
    assert reasons[7] == "value must be a number"
    assert reasons[11] == "item_id must not hold the character NUL (U+0000)"
    assert reasons[8] == reasons[9] == "rated_at must be Unix seconds, milliseconds or RFC 3339, and not in the future"


def test_a_line_that_is_no_json_is_refused_alone(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", '{"user_id":"a","item_id":"b","value":1}\n{"user_id"\n[1]\n\n{"item_id":"b"}\n')
    assert load(settings, path).ratings == {"created": 1, "refused": 3}
    assert [row["line"] for row in refused_rows(tmp_path)] == [2, 3, 5]


def test_a_file_of_another_scale_is_not_imported_at_all(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "ratings.dat", "".join(f"1::{n}::{n % 11}::946684800\n" for n in range(6, 30)))
    with pytest.raises(TransferProblem, match=r"PALATE_RATING_MIN.* --rescale MIN:MAX"):
        load(settings, path)
    assert triples(settings, tmp_path) == []


def test_rescale_stretches_the_file_over_the_scale(settings: Settings, tmp_path: Path) -> None:
    path = write(
        tmp_path / "ratings.dat",
        "1::a::0::946684800\n1::b::10::946684800\n1::c::5::946684800\n1::d::6::946684800\n1::e::11::946684800\n",
    )
    assert load(settings, path, rescale="0:10").ratings == {"created": 4, "refused": 1}
    assert [row[2] for row in triples(settings, tmp_path)] == [1.0, 5.0, 3.0, 3.5]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "user_id,item_id\n1,2\n", r"has no column for value \(it has user_id, item_id\)"),
        ("a.csv", "", "is empty"),
        ("a.ndjson", "{}\n", "holds no JSON objects"),
        ("a.dat", "1::2\n", "the first line is not"),
        ("a.bin", b"GIF\x00\x01", "is no text and no Parquet file"),
        ("a.parquet", b"PAR1 is not all", "is not a Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_a_sentence(
    settings: Settings, tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(TransferProblem, match=sentence):
        load(settings, write(tmp_path / name, content))
    with pytest.raises(TransferProblem, match="There is no file or folder"):
        load(settings, tmp_path / "nowhere")
    (tmp_path / "void").mkdir()
    with pytest.raises(TransferProblem, match=r"holds none of ratings\.csv"):
        load(settings, tmp_path / "void")


def test_a_rating_removed_stays_removed_when_the_file_comes_again(settings: Settings, tmp_path: Path) -> None:
    movielens_csv(tmp_path)
    load(settings, tmp_path / "ratings.csv")
    on_database(settings, set_ratings, [RatingRow("1", "10", None, None)], now_us())
    assert load(settings, tmp_path / "ratings.csv").ratings == {"stale": 1, "unchanged": 1, "refused": 0}
    assert triples(settings, tmp_path) == SCORED[1:]


def test_a_pair_twice_in_a_file_ends_with_the_later_date(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,rating,time\n1,10,2,946684801\n1,10,4,946684802\n1,10,3,946684800\n")
    assert load(settings, path).ratings == {"created": 1, "updated": 1, "stale": 1, "refused": 0}
    assert triples(settings, tmp_path) == [("1", "10", 4.0, "2000-01-01T00:00:02Z")]
    assert load(settings, path).ratings == {"stale": 2, "unchanged": 1, "refused": 0}


def test_items_of_a_csv_may_have_quotes_line_breaks_and_json(settings: Settings, tmp_path: Path) -> None:
    row = 'x,"A ""b""\nc",One|Two,false,"{""k"": [1, null]}",2026-01-01T02:00:00+02:00'
    content = f"item_id,title,genres,active,attributes,available_from\n{row}\ny,,,,,\n"
    assert load(settings, write(tmp_path / "items.csv", content)).items == {"created": 2, "refused": 0}
    x, y = exported(settings, "items", tmp_path)
    assert x == {
        "available_from": "2026-01-01T00:00:00Z",
        "available_until": None,
        "item_id": "x",
        "title": 'A "b"\nc',
        "categories": ["One", "Two"],
        "active": False,
        "attributes": {"k": [1, None]},
    }
    assert y == ALWAYS | {"item_id": "y", "title": None, "categories": [], "active": True, "attributes": {}}
    assert load(settings, write(tmp_path / "items.csv", "item_id,title\nx,New\n")).items == {"updated": 1, "refused": 0}
    assert exported(settings, "items", tmp_path)[0] == x | {"title": "New"}


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
IDS = st.text(CHARACTERS, min_size=1, max_size=12).map(normalize_id)
TEXT = st.text(CHARACTERS, max_size=12)
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))
VALUES = st.integers(0, 8).map(lambda step: 1 + step / 2)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
FORMS = st.sampled_from(["ndjson", "parquet"])
RATED = st.fixed_dictionaries({"value": VALUES, "rated_at": MOMENTS})
WINDOWS = st.lists(MOMENTS, min_size=2, max_size=2, unique=True).map(sorted)
ENDS = st.tuples(WINDOWS, st.booleans(), st.booleans())


def window(ends: Any) -> dict[str, Any]:
    """Write a window as it is exported; it may be open on either side."""
    (start, end), starts, stops = ends
    return {"available_from": written(start) if starts else None, "available_until": written(end) if stops else None}


def written(moment: datetime) -> str:
    return str(orjson.loads(orjson.dumps(moment, option=orjson.OPT_UTC_Z)))


ITEMS = st.builds(
    lambda fields, ends: fields | window(ends),
    st.fixed_dictionaries(
        {
            "title": st.none() | IDS,
            "categories": st.lists(IDS, max_size=3),
            "active": st.booleans(),
            "attributes": st.dictionaries(TEXT, JSON, max_size=3),
        }
    ),
    ENDS,
)


def lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for row in rows)


@LAW
@given(
    rated=st.dictionaries(st.tuples(IDS, IDS), RATED, min_size=1, max_size=10),
    form=st.sampled_from(["ndjson", "parquet"]),
)
def test_ratings_exported_are_the_ratings_imported(settings: Settings, tmp_path: Path, rated: Any, form: str) -> None:
    rows = [{"user_id": user, "item_id": item} | rating for (user, item), rating in rated.items()]
    on_database(settings, empty)
    assert load(settings, write(tmp_path / "in.ndjson", lines(rows))).ratings == {"created": len(rows), "refused": 0}
    out = tmp_path / f"out.{form}"
    export_path(settings, "ratings", out)
    on_database(settings, empty)
    load(settings, out)
    expected = sorted((r["user_id"], r["item_id"], r["value"], r["rated_at"]) for r in rows)
    found = [(*row[:3], datetime.fromisoformat(row[3])) for row in triples(settings, tmp_path)]
    assert sorted(found) == expected


@LAW
@given(items=st.dictionaries(IDS, ITEMS, min_size=1, max_size=6), form=FORMS)
def test_items_exported_are_the_items_imported(settings: Settings, tmp_path: Path, items: Any, form: str) -> None:
    rows = [{"item_id": item_id} | fields for item_id, fields in items.items()]
    on_database(settings, empty)
    assert load(settings, write(tmp_path / "in.ndjson", lines(rows))).items == {"created": len(rows), "refused": 0}
    out = tmp_path / f"out.{form}"
    export_path(settings, "items", out)
    on_database(settings, empty)
    load(settings, out)
    assert {row.pop("item_id"): row for row in exported(settings, "items", tmp_path)} == items


@needs_data
@pytest.mark.parametrize(
    ("name", "scale", "num_ratings"),
    [("ml-latest-small", (0.5, 5.0, 0.5), 100_836), ("movietweetings", (0.0, 10.0, 1.0), 141_695)],
)
def test_a_real_data_set_is_exported_as_it_was_imported(
    settings: Settings, tmp_path: Path, name: str, scale: tuple[float, float, float], num_ratings: int
) -> None:
    low, high, step = scale
    real = settings.model_copy(update={"rating_min": low, "rating_max": high, "rating_step": step})
    options = {"refused": tmp_path / "refused.ndjson"}
    summary = load(real, Path(DATA or "") / name, **options)
    assert summary.ratings == {"created": num_ratings, "refused": 0}
    assert load(real, Path(DATA or "") / name, **options).ratings == {"unchanged": num_ratings, "refused": 0}
    ratings, items = exported(real, "ratings", tmp_path), exported(real, "items", tmp_path)
    on_database(real, empty)
    load(real, tmp_path / "ratings.out.ndjson", items=tmp_path / "items.out.ndjson", **options)
    assert exported(real, "ratings", tmp_path) == ratings
    assert exported(real, "items", tmp_path) == items


def fill_up(path: Path) -> None:
    """Write a file until there is no room."""
    with whole_file(path) as file:
        file.write(b"half of")
        raise OSError(ENOSPC, "No space left on device")


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "ratings.ndjson"
    path.write_text("the former one")
    with pytest.raises(TransferProblem, match=r"ratings\.ndjson cannot be written: no space left"):
        fill_up(path)
    assert [each.name for each in tmp_path.iterdir()] == ["ratings.ndjson"]
    assert path.read_text() == "the former one"
    with pytest.raises(TransferProblem, match="no such file"), whole_file(tmp_path / "nowhere" / "x"):
        pass
