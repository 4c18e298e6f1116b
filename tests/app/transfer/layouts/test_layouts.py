"""Each layout is known by its columns or its shape, and read as docs/how-to/import.md says."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from app.ratings.scale import Scale
from app.transfer.cleaning.items import ItemCleaner
from app.transfer.cleaning.ratings import Cleaned, RatingCleaner
from app.transfer.layouts.headers import HEADERS
from app.transfer.layouts.shapes import SHAPES
from app.transfer.options import parse_options
from app.transfer.problems import TransferProblem
from app.transfer.reading.sources import find_sources, sources_of
from app.transfer.reading.tables import File, Source
from tests.app.transfer.layouts.files import EXAMPLES, Example

pytestmark = pytest.mark.unit
SCALE = Scale(1, 5, 0.5)


def read(path: Path, **options: Any) -> dict[str, Source]:
    return {source.kind: source for source in find_sources(path, None, parse_options(**options))}


def clean(source: Source, **options: Any) -> Iterator[Cleaned]:
    yield from (cleaned for _, cleaned in RatingCleaner(source, SCALE, parse_options(**options)).batches())


def rows_of(cleaned: Cleaned) -> list[tuple[Any, ...]]:
    rows = [cleaned.ratings.row(place) for place in range(cleaned.num_taken)]
    return [(r.user_id, r.item_id, r.value, r.rated_at_us and r.rated_at_us / 1_000_000) for r in rows]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.layout or each.name)
def test_a_layout_is_known_and_read(tmp_path: Path, example: Example) -> None:
    path = tmp_path / example.name
    path.write_text(example.content)
    source = read(path, **example.options)[example.kind]
    assert (source.notes[0].split(": ", 1)[1].split(";")[0] if example.layout else None) == example.layout
    if example.kind == "items":
        changes = [change for _, cleaned in ItemCleaner(source).batches() for change in cleaned.changes]
        assert [(change.item_id, change.fields["title"]) for change in changes] == example.rows
        return
    [cleaned] = clean(source, **example.options)
    assert (cleaned.refused, cleaned.num_unrated) == ([], example.num_unrated)
    assert rows_of(cleaned) == example.rows


def test_each_layout_has_an_example() -> None:
    known = {layout.name for layout in (*HEADERS, *SHAPES) if not layout.advice}
    assert known - {example.layout for example in EXAMPLES} == {"Trakt ratings of shows"}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("diary.csv", "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n", "import ratings.csv of"),
        ("users.jsonl", '{"UserId":"u","Labels":null,"Comment":""}\n', "there is nothing to import in it"),
        ("ratings.csv", "Date,Name,Year,Letterboxd URI,Rating\n", "Letterboxd ratings, for one user: .* --user NAME"),
        ("u.dat", "userID\tartistID\tweight\n2\t51\t1\n", "counts, not ratings: --value NUMBER"),
        ("reviews.json", "{'user_id': u'a', 'item_id': 'b'}\n", "no column for value .* --value NUMBER"),
        ("list.xml", "<?xml version='1.0'?>\n<myanimelist>\n", "is XML that cannot be read .*: export it again"),
        ("feed.xml", "<rss><channel>Films</channel></rss>", "without a list of records: export it as CSV"),
        ("page.html", "<html><body><p>Films</p></body></html>", "is a web page: download the file itself"),
        ("who.csv", "who,what,how\na,b,c\n", r"no column for user_id, item_id and value \(it has who, what, how\)"),
        ("films.csv", "Name;Artikel;Bewertung;Datum\nada;x;4;2021\n", "no column for user_id, item_id and value"),
        ("history.csv", "Title,Date\nAlien,2021-03-04\n", "no column for user_id, item_id and value"),
        ("seen.csv", "movieId,timestamp\n10,1614816000\n", "no column for user_id and value"),
        ("who.csv", "1,2,3.5\n2,3,4\n", "--no-header --columns 1,2,3,4 if there is no header"),
        ("x.json", '{"item_id":"x","title":"T","stars":3.5}\n', "--kind items if its rows are items"),
        ("x.csv", "user_id,item_id,timestamp\nu,i,1600000000\n", "--value NUMBER if each row stands for"),
        ("filmtrust.txt", "1 1 2\n1 2 4\n", "names 1 twice: .*; or --no-header --columns 1,2,3,4"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_as_it_is_names_a_way_out(
    tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TransferProblem, match=sentence):
        read(tmp_path / name)


def test_lines_of_dicts_keep_their_numbers_from_block_to_block(tmp_path: Path) -> None:
    row = f"{{'user_id': 'u', 'item_id': 'i', 'rating': 4, 'text': '{'x' * 1_000_000}'}}\n"
    (tmp_path / "r.json").write_text(3 * row + "no dict\n")
    cleaned = list(clean(read(tmp_path / "r.json")["ratings"], max_refused=1))
    assert len(cleaned) > 1
    assert [refused.line for each in cleaned for refused in each.refused] == [4]


def test_a_line_that_is_no_dict_is_refused_alone(tmp_path: Path) -> None:
    deep = "[" * 300 + "]" * 300
    (tmp_path / "r.json").write_text(
        f"{{'user_id': 'u', 'item_id': 'i', 'rating': 4}}\n{{'user_id': f()}}\n{{'item_id': {deep}}}\n"
    )
    [cleaned] = clean(read(tmp_path / "r.json")["ratings"])
    assert [row.line for row in cleaned.refused] == [2, 3]
    assert rows_of(cleaned) == [("u", "i", 4, None)]


@pytest.mark.parametrize("content", [b"{'user_id': 'u', 'item_id': 'i', 'rating': 4}\n", b"<list><row a='1'/></list>"])
def test_a_body_is_no_python_and_no_xml(content: bytes) -> None:
    with pytest.raises(TransferProblem, match="send JSON, or use the command"):
        sources_of(File("the body", 0, lambda: BytesIO(content), is_strict=True), parse_options(), "ratings")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("open.csv", 'user,item,rating,text\nu,a,4,x\nu,i,4,"open\nu,k,5,x\n', "line 3: a quoted cell does not end"),
        ("early.csv", 'user,item,rating,text\nu,b,2,"bad\nu,c,5,"fine"\nu,d,5,x\n', "line 2: a quoted cell does not"),
        ("two.json", '{"items":[{"item_id":"a"}],"ratings":[{"user_id":"u"}]}', "more lists than the first: ratings"),
        ("serial.csv", "user,item,rating,date\nu,a,4,44259\nu,b,4,44260\n", "dated in a way that cannot be read"),
        ("year.csv", "user,item,rating,date\nu,a,4,2021\nu,b,4,2022\n", "dated in a way that cannot be read"),
        ("none.csv", "user,item,rating\nu,a,N/A\nu,b,N/A\nu,c,3\n", "If N/A means not rated: --unrated N/A"),
        ("zero.csv", "user,item,rating\na,x,0\na,y,0\na,z,9\nb,x,10\n", "If 0 means not rated: --unrated 0"),
    ],
)
def test_a_file_is_not_misread_in_silence(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TransferProblem, match=sentence):
        read_all(tmp_path / name)


def read_all(path: Path) -> None:
    """Read a file to its end."""
    for source in read(path).values():
        list(clean(source) if source.kind == "ratings" else source.batches())


def test_a_quote_inside_of_a_cell_is_one(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text('user,item,rating\nu,12" single,4\n')
    [cleaned] = clean(read(tmp_path / "r.csv")["ratings"])
    assert rows_of(cleaned) == [("u", '12" single', 4, None)]
    (tmp_path / "r.csv").write_text('user,item,rating\nu,a\u2028"b,4\n')  # a line to str.splitlines, not in CSV
    [cleaned] = clean(read(tmp_path / "r.csv")["ratings"])
    assert rows_of(cleaned) == [("u", 'a\u2028"b', 4, None)]


def test_an_id_that_a_spreadsheet_has_shortened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,isbn,rating\nu,9.78E+12,4\nu,9780441172719,4\n")
    [cleaned] = clean(read(tmp_path / "r.csv")["ratings"])
    assert "shortened, 9.78E+12" in cleaned.refused[0].errors[0]
    assert rows_of(cleaned) == [("u", "9780441172719", 4, None)]


def test_what_is_not_used_is_named_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating,title,active,premiere_date\nu,x,4,Alien,false,2021-03-04\n")
    unused, hint = read(tmp_path / "r.csv")["ratings"].notes
    assert unused.endswith("columns not used: title, active, premiere_date")
    assert "--column rated_at=premiere_date" in hint
    (tmp_path / "s.csv").write_text("user,item,rating,runtime,year\nu,x,4,90,1979\n")
    assert len(read(tmp_path / "s.csv")["ratings"].notes) == 1
