"""Kinds of files that cases from the field stand for: encodings, compression, numbers, dates, ids, classes."""

import bz2
import gzip
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.transfer.cleaning.items import ItemCleaner
from app.transfer.options import Options
from app.transfer.problems import TransferProblem
from app.transfer.reading.sources import find_sources
from tests.app.transfer.layouts.files import DAY
from tests.app.transfer.layouts.test_layouts import clean, read, rows_of

pytestmark = pytest.mark.unit
HEADER = "user_id,item_id,rating,timestamp\n"
PLAIN = "user_id;item_id;rating\n1;Ärzte;4\n".encode()
Pack = Callable[[bytes], bytes]


def compress_zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True))


def values(path: Path, content: str, **options: Any) -> list[float]:
    return [row[2] for row in rows(path, content, **options)]


def rows(path: Path, content: str | bytes, **options: Any) -> list[tuple[Any, ...]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = read(path, **options)["ratings"]
    return [row for cleaned in clean(source, **options) for row in rows_of(cleaned)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        b"\n\r\n" + PLAIN,
        b"sep=;\r\n" + PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.decode().encode("utf-16"),
        b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"),
        PLAIN.decode().encode("utf-16-le"),
        PLAIN.decode().encode("latin-1"),
        gzip.compress(PLAIN, mtime=0) + gzip.compress(b"", mtime=0),
        bz2.compress(PLAIN),
        lzma.compress(PLAIN),
        compress_zstd(PLAIN),
        gzip.compress(PLAIN.decode().encode("utf-16"), mtime=0),
        PLAIN.replace(b";", b"\t"),
        json.dumps([{"user_id": 1, "item_id": "Ärzte", "rating": 4}]).encode(),
        json.dumps({"ratings": [{"user_id": 1.0, "item_id": "Ärzte", "rating": 4}], "total": 1}, indent=1).encode(),
        json.dumps({"data": [{"user_id": "1", "item_id": "Ärzte", "rating": 4}]}).encode(),
        json.dumps({"user_id": "1", "item_id": "Ärzte", "rating": 4}, indent=2).encode(),
        b"# ratings of 2021, exported by Ada\n\n" + PLAIN,
        gzip.compress(b"Ratings\n" + PLAIN, mtime=0),
    ],
)
def test_the_same_rows_are_read_however_they_are_written(tmp_path: Path, content: bytes) -> None:
    assert rows(tmp_path / "a.csv", content) == [("1", "Ärzte", 4, None)]


def test_objects_of_json_may_share_a_line_or_go_over_several(tmp_path: Path) -> None:
    objects = [{"user_id": "u", "item_id": item, "rating": 4, "more": {"a": [1, {}]}} for item in "abc"]
    for written in (
        "".join(map(json.dumps, objects)),
        ", ".join(map(json.dumps, objects)),
        "\n".join(json.dumps(each, indent=1) for each in objects),
        "".join(json.dumps(each).replace(", ", ",\n", 1) for each in objects),
    ):
        assert [row[1] for row in rows(tmp_path / "a.json", written)] == ["a", "b", "c"], written


def test_a_first_line_of_json_that_is_cut_off_is_refused_alone(tmp_path: Path) -> None:
    whole = '{"user_id": "u", "item_id": "a", "rating": 4}\n'
    for cut in (whole[:17], whole[:20], whole[:-3]):
        assert [row[1] for row in rows(tmp_path / "a.json", f"{cut}\n{whole * 2}")] == ["a", "a"], cut


def test_numbers_may_be_the_names_of_columns(tmp_path: Path) -> None:
    row = json.dumps({"0": "u", "1": "a", "2": 4})
    columns = ["user_id=0", "item_id=1", "value=2"]
    assert rows(tmp_path / "a.json", row, column=columns) == [("u", "a", 4, None)]


def test_objects_inside_of_objects_are_said_to_be_none(tmp_path: Path) -> None:
    nested = {"user_id": "u", "data": {"ratings": [{"item_id": "a", "rating": 4}]}}
    with pytest.raises(TransferProblem, match=r"lists of objects in data.ratings: .* with item_id and value in it"):
        rows(tmp_path / "a.json", json.dumps(nested))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, compress_zstd])
def test_what_is_cut_off_or_damaged_is_said_so(tmp_path: Path, pack: Pack) -> None:
    packed = pack(PLAIN * 100)
    with pytest.raises(TransferProblem, match=r"ends before its|is not valid"):
        rows(tmp_path / "a.csv", packed[:-6])


def test_a_decimal_comma_is_one_if_no_number_of_the_file_has_a_point(tmp_path: Path) -> None:
    assert values(tmp_path / "a.csv", "user;item;rating\n1;a;4\n1;b;3,5\n1;c;4,50\n") == [4, 3.5, 4.5]
    mixed = "user;item;rating\n" + "1;a;3.5\n1;b;3,5\n1;c;4,5\n"
    with pytest.raises(TransferProblem, match=r"such as 3,5 and 4,5\) are no numbers"):
        rows(tmp_path / "b.csv", mixed)
    assert rows(tmp_path / "c.csv", "user;item;rating\n1;a;1,000\n1;b;2\n") == [
        ("1", "b", 2, None)
    ]  # one or a thousand?


@pytest.mark.parametrize("value", ["1_0", "nan", "inf", "0x4", "4d", "٤", "1e", ""])
def test_a_number_is_written_as_in_json(tmp_path: Path, value: str) -> None:
    assert values(tmp_path / "a.csv", f"{HEADER}u,i,{value},\nu,j,4,\nu,k, 5e0 ,\n") == [4, 5]


@pytest.mark.parametrize(
    ("date", "options"),
    [
        ("2021-03-04", {}),
        ("2021/03/04", {}),
        ("2021/3/4", {}),
        ("04.03.2021", {}),
        ("20210304", {}),
        ("2021-03-04 00:00:00", {}),
        ("2021-03-04T01:00:00+01:00", {}),
        ("2021-03-04 01:00", {"timezone": "Europe/Berlin"}),
        ("Thu Mar 04 00:00:00 +0000 2021", {}),
        ("4 Mar 2021", {}),
        ("4-Mar-21", {}),
        ('"March 4, 2021 12:00 AM"', {}),
        ("03/04/2021", {"date_order": "mdy"}),
        ("03/04/21", {"date_order": "mdy"}),
        ("4-3-21 00:00", {"date_order": "dmy"}),
        ("21/03/04", {"date_order": "ymd"}),
        ("04.03.21", {}),
        ("2021-03-04 02:00", {"timezone": "+02:00"}),
        ("Mar 3 2021 7:00 PM", {"timezone": "-0500"}),
        ("04/03/2021 00:00", {"date_order": "dmy"}),
        ("1614816000", {}),
        ("1614816000000", {}),
        ("1614816000000000", {}),
        ("1614816000000000000", {}),
        ("1614816000.0", {}),
        ("1.614816e9", {}),
    ],
)
def test_a_date_is_read_as_people_write_it(tmp_path: Path, date: str, options: dict[str, Any]) -> None:
    assert rows(tmp_path / "a.csv", f"{HEADER}u,i,4,{date}\n", **options) == [("u", "i", 4, DAY)]


def test_day_and_month_are_told_apart_by_the_other_dates_or_not_at_all(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.csv", f"{HEADER}u,i,4,04/03/2021\nu,j,4,13/03/2021\n")[0][3] == DAY
    with pytest.raises(TransferProblem, match=r"03/04/2021 do not say .* --date-order dmy"):
        rows(tmp_path / "b.csv", f"{HEADER}u,i,4,03/04/2021\n")


def test_a_year_of_two_digits_may_stand_anywhere(tmp_path: Path) -> None:
    with pytest.raises(TransferProblem, match=r"25/12/21 do not say which part is the year: say --date-order"):
        rows(tmp_path / "a.csv", f"{HEADER}u,i,4,25/12/21\n")
    found = rows(tmp_path / "a.csv", f"{HEADER}u,i,4,25/12/21\nu,j,4,1/2/03\nu,k,4,1/2/70\n", date_order="dmy")
    days = [datetime.fromtimestamp(row[3], UTC).date().isoformat() for row in found]
    assert days == ["2021-12-25", "2003-02-01", "1970-02-01"]


def test_an_hour_that_a_zone_skips_is_the_end_of_the_gap(tmp_path: Path) -> None:
    [row] = rows(tmp_path / "a.csv", f"{HEADER}u,i,4,2021-03-28 02:30:00\n", timezone="Europe/Berlin")
    assert row[3] == datetime(2021, 3, 28, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("date", ["yesterday", "Mar 2021", "12:00", "4 Mar 2021 10:00 PST", "2021-13-01"])
def test_a_date_that_is_not_all_there_is_not_made_up(tmp_path: Path, date: str) -> None:
    assert rows(tmp_path / "a.csv", f"{HEADER}u,i,4,{date}\nu,j,4,\n") == [("u", "j", 4, None)]


def test_what_is_assumed_about_dates_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}u,i,4,2021-03-04\n")
    source = read(tmp_path / "a.csv")["ratings"]
    assert len(list(clean(source))) == 1
    assert [note.split()[3:5] for note in source.notes] == [["time", "zone"], ["time", "of"]]


def test_dates_that_are_none_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}u,i,4,1\nu,j,4,99\n")
    source = read(tmp_path / "a.csv")["ratings"]
    assert len(list(clean(source))) == 1
    assert source.notes == ["all dates lie in 1970, as numbers that are no dates do"]


def test_ids_that_mean_none_elsewhere_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}nan,i,4,\nnan,NULL,4,\nNancy,nano,4,\n")
    source = read(tmp_path / "a.csv")["ratings"]
    [cleaned] = clean(source)
    assert [row[:2] for row in rows_of(cleaned)] == [("nan", "i"), ("nan", "NULL"), ("Nancy", "nano")]
    assert [note.split(": ")[1].split()[:3] for note in source.notes] == [
        ["user_id", "is", "nan"],
        ["item_id", "is", "NULL"],
    ]


def test_a_whole_number_is_one_user_however_it_is_written(tmp_path: Path) -> None:
    written = ["7", "7.0", " 7 ", '"7"', "7.00"]
    assert {row[0] for row in rows(tmp_path / "a.csv", HEADER + "".join(f"{user},i,4,\n" for user in written))} == {"7"}
    numbers: list[Any] = [7, 7.0, "7", "7.0"]
    lines = "".join(json.dumps({"user_id": user, "item_id": 1, "value": 4}) + "\n" for user in numbers)
    assert {row[0] for row in rows(tmp_path / "a.ndjson", lines)} == {"7"}
    others = ["07", "7.5", "7a", "-7", "7e0", "+7"]
    assert [row[0] for row in rows(tmp_path / "b.csv", HEADER + "".join(f"{user},i,4,\n" for user in others))] == others


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["up", "down", "up"], "--map down=NUMBER,up=NUMBER"),
        (["57%", "100%", "4%"], "--rescale 0:100"),
        (["4", "3.75", "4.25", "5"], r"such as 3.75 and 4.25\) are not on this instance's scale"),
        (["0", "0", "4"], "If 0 means not rated: --unrated 0"),
        (["-1", "-1", *["4"] * 50], "If -1 means not rated: --unrated -1"),
        (["0.5", "0.5", "4"], r"in steps of 0.5; .* biased. Set PALATE_RATING_MIN"),  # a rating of another scale
        (["", "", "4"], "--unrated ''"),
        (['"so, so"', "a=b"], """--map '{"a=b": NUMBER, "so, so": NUMBER}'"""),
    ],
)
def test_a_class_of_values_that_is_refused_stops_the_import(tmp_path: Path, values: list[str], sentence: str) -> None:
    content = HEADER + "".join(f"u,i{n},{value},\n" for n, value in enumerate(values))
    with pytest.raises(TransferProblem, match=sentence):
        rows(tmp_path / "a.csv", content)


def test_a_decimal_comma_without_quotes_stops_the_import(tmp_path: Path) -> None:
    with pytest.raises(TransferProblem, match=r"of another number of columns; .* in quotes"):
        rows(tmp_path / "a.csv", "user,item,rating\n1,a,4\n1,b,3,5\n1,c,4,5\n")


def test_the_options_that_are_proposed_work(tmp_path: Path) -> None:
    assert values(tmp_path / "a.csv", f"{HEADER}u,i,up,\nu,j,down,\n", words=["up=5,down=1"]) == [
        5,
        1,
    ]
    assert values(tmp_path / "a.csv", f'{HEADER}u,i,"so, so",\nu,j,a=b,\n', words=['{"a=b": 5, "so, so": 3}']) == [3, 5]
    assert values(tmp_path / "a.csv", f"{HEADER}u,i,100%,\nu,j,0%,\n", rescale="0:100") == [5, 1]
    assert values(tmp_path / "a.csv", f"{HEADER}u,i,0,\nu,j,0.0,\nu,k,4,\n", unrated="0") == [4]
    booleans = '{"user_id":"u","item_id":"i","liked":true}\n{"user_id":"u","item_id":"j","liked":false}\n'
    options = {"column": ["value=liked"], "words": ["true=5,false=1"]}
    assert values(tmp_path / "a.ndjson", booleans, **options) == [5, 1]
    assert rows(tmp_path / "a.csv", "1::2::4\n", has_header=False, columns="1,2,3") == [("1", "2", 4, None)]
    assert rows(tmp_path / "a.csv", "x 1 2\ny 3 4\n", has_header=False, columns="2,1,3") == [
        ("1", "x", 2, None),
        ("3", "y", 4, None),
    ]


def test_an_option_never_replaces_what_the_file_says(tmp_path: Path) -> None:
    for options in ({"user": "ada"}, {"value": "5"}):
        with pytest.raises(TransferProblem, match=r"leave out --"):
            rows(tmp_path / "a.csv", f"{HEADER}u,i,4,\n", **options)


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,rating,mood,weather\nu,i,4,good,rain\n")
    assert read(tmp_path / "a.csv")["ratings"].notes == [f"{tmp_path}/a.csv: columns not used: mood, weather"]


def test_a_column_that_may_be_meant_instead_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,artist,track,rating\nu,Abba,Waterloo,4\n")
    source = read(tmp_path / "a.csv")["ratings"]
    assert [rows_of(cleaned) for cleaned in clean(source)] == [[("u", "Waterloo", 4, None)]]
    assert source.notes[1].endswith("item_id is taken from track; if artist is meant: --column item_id=artist")


@pytest.mark.parametrize(
    ("cells", "categories", "note"),
    [
        (["Action|Drama", '"War, Peace"'], [["Action", "Drama"], ["War, Peace"]], None),
        (['"Action, Drama"', "War"], [["Action", "Drama"], ["War"]], "', '"),
        (['"Action,Drama"', '"War"'], [["Action", "Drama"], ["War"]], "','"),
        (["Action; Drama", ""], [["Action", "Drama"], []], "'; '"),
        (['"Food, Drink"', *["Toys"] * 9], [["Food, Drink"], *[["Toys"]] * 9], None),
        (["\"['Action', 'Drama']\"", '"[""War""]"'], [["Action", "Drama"], ["War"]], None),
    ],
)
def test_categories_are_separated_as_the_file_does(
    tmp_path: Path, cells: list[str], categories: list[list[str]], note: str | None
) -> None:
    lines = "".join(f"i{n},T,{cell}\n" for n, cell in enumerate(cells))
    (tmp_path / "a.csv").write_text(f"item_id,title,genres\n{lines}")
    source = read(tmp_path / "a.csv")["items"]
    [(_, cleaned)] = ItemCleaner(source).batches()
    assert [change.fields["categories"] for change in cleaned.changes] == categories
    assert source.notes == ([f"categories are taken as separated by {note}"] if note else [])


@pytest.mark.parametrize(
    ("name", "pack"), [("Ratings.csv", bytes), ("ratings.csv.gz", gzip.compress), ("RATINGS.CSV.bz2", bz2.compress)]
)
def test_a_folder_or_zip_is_read_whatever_its_names_case_and_compression(tmp_path: Path, name: str, pack: Pack) -> None:
    packed = pack(PLAIN)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(packed)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr(name, packed)
        archive.writestr(f"__MACOSX/._{name}", b"\0\5\x16\7")
    for path in (tmp_path / "folder", tmp_path / "export.zip"):
        [cleaned] = clean(read(path)["ratings"])
        assert rows_of(cleaned) == [("1", "Ärzte", 4, None)]


@pytest.mark.parametrize("members", [["ratings.csv", "deleted/ratings.csv", "watched.csv"], ["dump/whatever.txt"]])
def test_a_zip_is_read_by_its_highest_file_of_ratings_or_its_only_one(tmp_path: Path, members: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for member in members:
            archive.writestr(member, PLAIN if member == members[0] else "Date,Name\n")
    [cleaned] = clean(read(tmp_path / "export.zip")["ratings"])
    assert rows_of(cleaned) == [("1", "Ärzte", 4, None)]


def test_an_archive_that_is_not_read_is_called_what_it_is(tmp_path: Path) -> None:
    workbook, archive, table = tmp_path / "a.xlsx", tmp_path / "a.tar.gz", tmp_path / "a.csv"
    twice, nested = tmp_path / "a.gz", tmp_path / "a.zip"
    twice.write_bytes(gzip.compress(gzip.compress(PLAIN)))
    with zipfile.ZipFile(nested, "w") as outer:
        outer.writestr("inner.zip", b"PK\x03\x04 and so on")
    with zipfile.ZipFile(workbook, "w") as office:
        office.writestr("[Content_Types].xml", "<Types/>")
    table.write_text(HEADER + "u,i,4,\n")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(table, "a.csv")
    named = {
        workbook: "an Excel workbook",
        archive: "a tar archive",
        twice: "compressed twice",
        nested: "a zip archive",
    }
    for path, name in named.items():
        with pytest.raises(TransferProblem, match=f"is {name}"):
            find_sources(path, None, Options())
