"""Files that could be read as something else than they say: they are read right, refused, or it is noted."""

import io
import json
import os
import threading
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.transfer.cleaning.items import ItemCleaner
from app.transfer.problems import TransferProblem
from tests.app.transfer.layouts.test_kinds import HEADER, rows, values
from tests.app.transfer.layouts.test_layouts import clean, read, rows_of

pytestmark = pytest.mark.unit
RATING = {"user_id": "u", "item_id": "a", "rating": 4}


def notes(path: Path, content: str | bytes, **options: Any) -> list[str]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = read(path, **options)["ratings"]
    list(clean(source, **options))
    return [note.removeprefix(f"{path}: ") for note in source.notes]


def test_a_quote_that_takes_in_lines_up_to_the_next_one_stops_the_import(tmp_path: Path) -> None:
    lines = [f"u{n},x{n},4,\n" for n in range(100)]
    lines[9], lines[19] = 'u,"Heroes,4,\n', 'u,"Low,5,\n'
    with pytest.raises(TransferProblem, match="line 11: a quoted cell does not end where it should"):
        rows(tmp_path / "a.csv", HEADER + "".join(lines))


def test_quotes_between_tabs_may_be_plain(tmp_path: Path) -> None:
    content = 'user\titem\trating\nu\t"Heroes\t4\nv\tx\t3\nw\t"Low" (live)\t5\n'
    assert [row[1] for row in rows(tmp_path / "a.tsv", content)] == ['"Heroes', "x", '"Low" (live)']
    assert notes(tmp_path / "a.tsv", content) == ["quotes are taken as part of the cells"]
    assert rows(tmp_path / "b.tsv", 'user\titem\trating\nu\t"a\tb"\t4\n') == [("u", "a\tb", 4, None)]


@pytest.mark.parametrize(
    "content",
    [
        '{"ratings":[ROW]}\n{"ratings":[ROW]}\n',
        "[ROW]\n[ROW]\n",
        "[ROW][ROW]",
        '{"a":[ROW],"meta":{"b":[ROW]}}',
        "[ROW]\nROW\n",
    ],
)
def test_no_list_of_json_is_left_out(tmp_path: Path, content: str) -> None:
    with pytest.raises(TransferProblem, match=r"it holds more (than one list|lists than the first: meta\.b)"):
        rows(tmp_path / "a.json", content.replace("ROW", json.dumps(RATING)))


def test_what_else_an_object_with_a_list_says_is_let_pass(tmp_path: Path) -> None:
    content = {"ratings": [RATING] * 3, "next": None, "meta": {"pages": [1, 2], "text": "[{"}}
    assert len(rows(tmp_path / "a.json", json.dumps(content))) == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"1001":{"id":1,"rating":4},"1002":{"id":2,"rating":3}}', "an object of objects"),
        ("a.csv", "'user_id','item_id','rating'\n'u','x',4\n", "in single quotes"),
        ("a.xml", "<d><users><u/><u/></users><ratings><r a='1'/><r a='2'/></ratings></d>", "are inside of"),
        ("a.orc", "ORC and so on", "an ORC file: save it as Parquet or CSV"),
        ("a.sql", "-- MySQL dump 10.13\nINSERT INTO ratings VALUES (1);\n", "a dump of SQL"),
    ],
)
def test_what_cannot_be_read_is_called_what_it_is(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(TransferProblem, match=said):
        rows(tmp_path / name, content)


def test_a_pipe_is_read_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = "user,item,rating\n" + "".join(f"u{n},i{n},4\n" for n in range(100_000))
    writing = threading.Thread(target=pipe.write_text, args=(content,))
    writing.start()
    source = read(pipe)["ratings"]
    assert sum(cleaned.num_taken for cleaned in clean(source)) == 100_000
    writing.join()


@pytest.mark.parametrize("header", ["userId,movieId,rating,rated_at", "user_id,anime_id,rating,updated_at"])
def test_a_date_that_a_known_file_does_not_have_is_used(tmp_path: Path, header: str) -> None:
    [row] = rows(tmp_path / "a.csv", f"{header}\nu,1,4,2021-03-04\n")
    assert datetime.fromtimestamp(row[3], UTC).date().isoformat() == "2021-03-04"


@pytest.mark.parametrize(
    "content",
    [
        "user_id, item_id, rating\nu0, x, 4\n",
        " user_id | item_id | rating \n---------+---------+--------\n u0      | x       |      4\n",
        "+---+\n| user_id | item_id | rating |\n| u0 | x | 4 |\n",
    ],
)
def test_padding_is_no_part_of_an_id(tmp_path: Path, content: str) -> None:
    assert rows(tmp_path / "a.txt", content) == [("u0", "x", 4, None)]
    assert "spaces around the cells are left out" in notes(tmp_path / "a.txt", content)[-1]


def test_a_line_of_another_encoding_changes_no_other(tmp_path: Path) -> None:
    content = "user,item,rating\nJosé,a,4\n".encode() + b"Ren\xe9,b,4\n"
    assert [row[0] for row in rows(tmp_path / "a.csv", content)] == ["José", "René"]
    assert "lines that are not in UTF-8, from line 3 on" in notes(tmp_path / "a.csv", content)[0]


@pytest.mark.parametrize(
    ("date", "utc"),
    [
        ("Thu Mar 04 2021 10:11:12 GMT+0100 (Central European Standard Time)", "2021-03-04T09:11:12"),
        ("4 Mar 2021 10:11 GMT-5", "2021-03-04T15:11:00"),
        ("4 Mar 2021 10:11 UTC+01:00", "2021-03-04T09:11:00"),
        ("20210304.0", "2021-03-04T00:00:00"),
    ],
)
def test_a_date_is_that_moment(tmp_path: Path, date: str, utc: str) -> None:
    [row] = rows(tmp_path / "a.csv", f"{HEADER}u,i,4,{date}\n")
    assert datetime.fromtimestamp(row[3], UTC).isoformat() == f"{utc}+00:00"


@pytest.mark.parametrize("date", ["44259", "2021", "637504638720000000"])
def test_numbers_that_are_no_unix_times_are_refused_whatever_zeros_are_among_them(tmp_path: Path, date: str) -> None:
    with pytest.raises(TransferProblem, match="dated in a way that cannot be read"):
        rows(tmp_path / "a.csv", f"{HEADER}u,i,4,{date}\nu,j,4,0\nu,k,4,{date}\n")


@pytest.mark.parametrize("written", ["9,78E+12", "1.2345678901234568e+17", "1e+05"])
def test_an_id_that_a_program_has_shortened_is_refused(tmp_path: Path, written: str) -> None:
    assert rows(tmp_path / "a.csv", f'{HEADER}"{written}",i,4,\nu,i,4,\n') == [("u", "i", 4, None)]


def test_ratings_between_colons_need_no_dates(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.dat", "1::a::4\n2::b::3\n") == [("1", "a", 4, None), ("2", "b", 3, None)]
    assert rows(tmp_path / "b.dat", "user::item::rating\n1::a::4\n") == [("1", "a", 4, None)]


def test_likes_that_are_written_as_the_lowest_rating_are_noticed(tmp_path: Path) -> None:
    content = HEADER + "".join(f"u{n},i,1,\n" for n in range(10))
    assert notes(tmp_path / "a.csv", content)[-1].endswith("if it stands for a like, --map 1=5")
    assert values(tmp_path / "a.csv", content, words=["1=5"]) == [5] * 10


@pytest.mark.parametrize("dislike", ["-1", "0"])
def test_likes_and_dislikes_are_not_taken_for_ratings(tmp_path: Path, dislike: str) -> None:
    content = f"{HEADER}u,i,1,\nu,j,{dislike},\nu,k,{dislike}.0,\n"
    with pytest.raises(TransferProblem, match=rf"If 1 is a like and {dislike} a dislike: --map 1=5,{dislike}=1\. If"):
        rows(tmp_path / "a.csv", content)
    assert values(tmp_path / "a.csv", content, words=[f"1=5,{dislike}=1"]) == [5, 1, 1]
    lines = "".join(json.dumps({**RATING, "rating": number}) + "\n" for number in (1, int(dislike)))
    assert values(tmp_path / "a.ndjson", lines, words=[f"1=5,{dislike}=1"]) == [5, 1]


def test_all_that_means_not_rated_is_proposed_at_once(tmp_path: Path) -> None:
    content = HEADER + "u,i,4,\n" + "u,j,0,\nu,k,NA,\nu,l,,\n" * 2
    with pytest.raises(TransferProblem, match=r"If 0 means not rated: --unrated ,NA,0\. "):
        rows(tmp_path / "a.csv", content)
    assert values(tmp_path / "a.csv", content, unrated=",NA,0") == [4]


def test_files_beside_the_one_that_is_read_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for folder in ("a", "b"):
            archive.writestr(f"{folder}/ratings.csv", "user,item,rating\nu,i,4\n")
    source = read(tmp_path / "a.zip")["ratings"]
    assert source.notes == [f"{tmp_path}/a.zip/a/ratings.csv is not read: name it itself"]


def test_a_damaged_member_of_a_zip_is_named(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("ratings.csv", "user,item,rating\nu,i,4\n")
    (tmp_path / "a.zip").write_bytes(data.getvalue().replace(b"u,i,4", b"u,i,5", 1))
    with pytest.raises(TransferProblem, match=r"cannot be read .* unpack it, and name the file"):
        read(tmp_path / "a.zip")


def table(**columns: Any) -> pa.Table:
    """Return a table of two ratings, some columns of which are given."""
    plain = {"user_id": pa.array(["u", "v"]), "item_id": pa.array(["x", "y"]), "value": pa.array([4.0, 3.0])}
    return pa.table(plain | columns)


NANOSECONDS = pa.array([1, 1_614_816_000_000_000_001], pa.timestamp("ns"))


@pytest.mark.parametrize(
    "columns",
    [
        {"user_id": pa.array([b"u", b"v"])},
        {"user_id": pa.array(["u", "v"]).dictionary_encode(), "value": pa.array([Decimal("4.0"), Decimal("3.0")])},
        {"item_id": pa.array(["x", "y"], pa.string_view())},
        {"loaded_at": NANOSECONDS, "valid_to": pa.array([2**62, 0], pa.timestamp("us"))},
        {"value": pa.array([4, 3], pa.uint64())},
    ],
)
def test_parquet_of_any_type_is_read(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    parquet.write_table(table(**columns), tmp_path / "a.parquet")
    [cleaned] = clean(read(tmp_path / "a.parquet")["ratings"])
    assert [row[:3] for row in rows_of(cleaned)] == [("u", "x", 4), ("v", "y", 3)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"user_id": pa.array([b"\xff", b"v"])}, "the column for user_id holds binary that cannot be read"),
        ({"rated_at": pa.array([1, 2], pa.duration("s"))}, "holds duration.*, which is no rated_at"),
        ({"item_id": pa.array([{"id": 1}, {"id": 2}])}, "holds struct.*, which is no item_id"),
        ({"value": pa.array([True, False])}, "--map false=NUMBER,true=NUMBER"),
    ],
)
def test_parquet_that_holds_none_of_it_is_refused(tmp_path: Path, columns: dict[str, pa.Array], said: str) -> None:
    parquet.write_table(table(**columns), tmp_path / "a.parquet")
    with pytest.raises(TransferProblem, match=said):
        list(clean(read(tmp_path / "a.parquet")["ratings"]))


def test_numbers_that_parquet_has_rounded_are_no_ids(tmp_path: Path) -> None:
    parquet.write_table(table(user_id=pa.array([7.0, 2.0**53])), tmp_path / "a.parquet")
    [cleaned] = clean(read(tmp_path / "a.parquet")["ratings"])
    assert [row[0] for row in rows_of(cleaned)] == ["7"]


def test_categories_as_postgresql_and_python_write_them(tmp_path: Path) -> None:
    cells = [
        '"{Drama,""Sci Fi""}"',
        "\"('Drama', 'War')\"",
        "\"{'Drama'}\"",
        "\\N",
        "('Drama')",
        "['Drama'}",
        '"{a\nb}"',
    ]
    lines = "".join(f"i{n},T,{cell}\n" for n, cell in enumerate(cells))
    (tmp_path / "a.csv").write_text(f"item_id,title,genres\n{lines}i9,\\N,\"['Drama' 'War']\"\n")
    [(_, cleaned)] = ItemCleaner(read(tmp_path / "a.csv")["items"]).batches()
    found = [change.fields.get("categories") for change in cleaned.changes]
    assert found == [["Drama", "Sci Fi"], ["Drama", "War"], ["Drama"], None, ["Drama"], ["Drama"], ["a\nb"]]
    assert [row.errors[0][:28] for row in cleaned.refused] == ["categories: not a JSON list:"]
