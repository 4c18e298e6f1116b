"""A person's own export is about films that the catalogue has under other ids: they are found by title and year."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings
from app.transfer.cleaning.matching import Titles
from tests.app.transfer.test_router import CSV, export, imported, listening, send

Run = Callable[..., str]
LETTERBOXD = (
    "Date,Name,Year,Letterboxd URI,Rating\n"
    "2021-03-04,The Matrix,1999,https://boxd.it/a,4.5\n"
    "2021-03-04,Amelie,2001,https://boxd.it/b,4\n"
    "2021-03-04,Heat,1986,https://boxd.it/c,2\n"
)
FILMS = 'movieId,title,genres\n1,"Matrix, The (1999)",Action\n2,Amélie (2001),Comedy\n3,Heat (1995),Crime\n'


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    with listening(settings) as client:
        yield client


@pytest.fixture
def run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `palate import` of a content."""
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.chdir(tmp_path)

    def run(content: str, *options: str) -> str:
        (tmp_path / "file.csv").write_text(content)
        return CliRunner().invoke(app, ["import", "file.csv", *options]).output

    return run


@pytest.mark.parametrize(
    ("title", "year", "item"),
    [
        ("The Matrix", 1999, "1"),
        ("the matrix", "1999.0", "1"),
        ("Matrix, The (1999)", None, "1"),
        ("The Matrix", None, "1"),
        ("The Matrix", 2000, "1"),  # a premiere in another country
        ("The Matrix", 2003, None),
        ("Cité des enfants perdus (The City of Lost Children)", 1995, "2"),
        ("Heat", 1995, "3"),
        ("Heat", 1986, "4"),
        ("Heat", None, None),  # which one?
        ("Solaris", 1972, None),  # there are two
        ("...", None, None),
        ("東京物語", 1953, "7"),
    ],
)
@pytest.mark.unit
def test_a_title_is_found_however_it_is_written(title: str, year: Any, item: str | None) -> None:
    known: list[tuple[str, str | None, dict[str, Any]]] = [
        ("1", "Matrix, The", {"year": 1999}),
        ("2", "Cite des enfants perdus", {"year": 1995}),
        ("3", "Heat", {"year": 1995}),
        ("4", "Heat", {"year": "1986"}),
        ("5", "Solaris", {"year": 1972}),
        ("6", "SOLARIS", {"year": 1972}),
        ("7", "東京物語", {"year": 1953}),
        ("8", None, {}),
    ]
    assert Titles(known).find(title, year) == item


def test_an_own_export_rates_the_items_that_the_catalogue_has(run: Run, client: httpx2.Client) -> None:
    assert "items: 3 created" in run(FILMS)
    dry = run(LETTERBOXD, "--user", "ada", "--match-titles", "--dry-run")
    assert "by title, 2 of 3 rows are of items in the catalogue" in dry
    assert "items: 1 created" in run(LETTERBOXD, "--user", "ada", "--match-titles")
    rated = {row["item_id"]: row["value"] for row in map(json.loads, export(client, "ratings").splitlines())}
    assert rated == {"1": 4.5, "2": 4.0, "https://boxd.it/c": 2.0}
    assert len(export(client, "items").splitlines()) == 4


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_is_matched_as_well(client: httpx2.Client) -> None:
    imported(client, FILMS.encode(), "items", media=CSV)
    answer = send(client, LETTERBOXD.encode(), media=CSV, user="ada", match_titles=True)
    assert any("2 of 3 rows" in note for note in json.loads(answer.text)["notes"])
    rated = {json.loads(row)["item_id"] for row in export(client, "ratings").splitlines()}
    assert rated == {"1", "2", "https://boxd.it/c"}
