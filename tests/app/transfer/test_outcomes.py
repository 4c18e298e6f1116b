"""What an import says at the end: over HTTP as in the command, nothing fails silently."""

import gzip
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings
from tests.app.transfer.test_router import CSV, NDJSON, counts, export, imported, listening, send

HEADER = "user_id,item_id,rating,timestamp\n"
LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n"


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    with listening(settings) as client:
        yield client


@pytest.fixture
def run(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run `palate import` of a content, and return the exit code and what it says."""
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.chdir(tmp_path)

    def run(content: str, *options: str) -> tuple[int, str]:
        (tmp_path / "a.csv").write_text(content)
        result = CliRunner().invoke(app, ["import", "a.csv", *options])
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize(
    ("content", "options", "code", "said"),
    [
        (f"{HEADER}u,i,4,\n", (), 0, "1 created"),
        (f"{HEADER}u,i,4,\nu,j,4.7,\n", (), 3, "1 of 2 ratings are refused, more than --max-refused 0.01"),
        (f"{HEADER}u,i,4,\nu,j,4.7,\n", ("--max-refused", "0.5"), 0, "1 created, 1 refused"),
        (f"{HEADER}u,i,0,\n", ("--unrated", "0"), 3, "Nothing was taken"),
        (HEADER, (), 3, "Nothing was taken"),
        (f"{HEADER}u,i,up,\nu,j,down,\n", (), 2, "--map down=NUMBER,up=NUMBER"),
        (f"{HEADER}u,i,4,\n", ("--dry-run",), 0, "Nothing is stored"),
        (f"{HEADER}u,i,4,\n", ("--refused", "nowhere/x.ndjson"), 2, "cannot be written to"),
        (f"{LETTERBOXD}2021-03-04,X,1971,https://boxd.it/a,4.5\n", ("--user", "ada"), 0, "Letterboxd"),
    ],
)  # fmt: skip
def test_the_exit_code_says_whether_it_was_a_success(
    run: Callable[..., tuple[int, str]], content: str, options: tuple[str, ...], code: int, said: str
) -> None:
    found, output = run(content, *options)
    assert (found, said in output) == (code, True), output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_refused_rows_never_replace_earlier_ones(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    for user in ("", " "):
        assert run(f"{HEADER}{user},i,1.5e300,\nu,j,4,\n")[0] == 3
    names = ["refused.ndjson", "refused-2.ndjson"]
    refused = [json.loads((tmp_path / name).read_text())["row"]["user_id"] for name in names]
    assert refused == ["", " "]


@pytest.mark.parametrize(
    ("media", "body", "options", "status", "detail"),
    [
        (CSV, f"{HEADER}u,i,4,\nu,j,4.7,\n", {}, 422, "1 of 2 ratings are refused, more than max_refused=0.01"),
        (CSV, f"{HEADER}u,i,4.7,\n", {"max_refused": 1}, 422, "not on this instance's scale"),
        (CSV, f"{HEADER}u,i,0,\n", {"unrated": "0"}, 422, "Nothing was taken"),
        (CSV, f"{HEADER}u,i,up,\nu,j,down,\n", {}, 422, "map=down=NUMBER,up=NUMBER"),
        (CSV, LETTERBOXD, {}, 422, "user=NAME"),
        (NDJSON, '{"user_id":1.5,"item_id":1,"value":4}\n', {}, 422, "1 are refused"),
    ],
)
def test_a_body_of_which_too_little_is_taken_is_a_problem(
    client: httpx2.Client, media: str, body: str, options: dict[str, Any], status: int, detail: str
) -> None:
    answer = send(client, body.encode(), media=media, **options)
    assert (answer.status_code, detail in answer.json()["detail"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("media", "body", "options"),
    [
        ("application/json", b'[{"user_id":7,"item_id":"i","rating":4}]', {}),
        (CSV, b"user_id;item_id;rating\n7.0;i;4,0\n", {}),
        (CSV, gzip.compress(b"user_id,item_id,rating\n7,i,4\n", mtime=0), {}),
        (NDJSON, lzma.compress(b'{"user_id":"7","item_id":"i","value":4}\n'), {}),
        ("text/plain", "sep=;\nuser_id;item_id;rating\n7;i;4\n".encode("utf-16"), {}),
        ("text/plain", b"7::i::4::0\n", {}),
        (CSV, b"i,7,up\n", {"header": False, "columns": "2,1,3", "map": "up=4"}),
        (CSV, b'user_id,item_id,rating\n7,i,"so, so"\n', {"map": '{"so, so": 4}'}),
        (CSV, b"Date,Name,Year,Letterboxd URI,Rating\n2021-03-04,X,1971,i,4\n", {"user": "7"}),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_is_read_as_the_command_reads_a_file(
    client: httpx2.Client, media: str, body: bytes, options: dict[str, Any]
) -> None:
    assert imported(client, body, media=media, **options) == ([], counts(created=1))
    row = json.loads(export(client, "ratings"))
    assert (row["user_id"], row["item_id"], row["value"]) == ("7", "i", 4)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_dry_run_shows_what_would_be_stored(client: httpx2.Client) -> None:
    answer = send(client, f"{HEADER}u,i,4,2021-03-04\n".encode(), media=CSV, dry_run=True)
    told = json.loads(answer.text)
    assert (told["status"], told["counts"]["taken"]) == ("dry-run", 1)
    assert told["rows"][0] | {"rated_at": None} == {"user_id": "u", "item_id": "i", "value": 4.0, "rated_at": None}
    assert told["columns"]["value"] == "rating"
    assert any("UTC: timezone=NAME" in note for note in told["notes"])
    assert export(client, "ratings") == b""


def test_a_whole_number_is_one_user_on_every_route(client: httpx2.Client) -> None:
    ids: list[Any] = [7, 7.0, "7", "7.0", " 7 "]
    for n, user in enumerate(ids):
        rating = {"user_id": user, "item_id": n, "value": 4}
        answer = client.post("/v1/ratings", json=rating)
        assert answer.status_code == 200, answer.text
    imported(client, b"user_id,item_id,value\n7.0,9,5\n", media=CSV)
    rows = [json.loads(line) for line in export(client, "ratings").splitlines()]
    assert [(row["user_id"], row["item_id"]) for row in rows] == [("7", str(n)) for n in (0, 1, 2, 3, 4, 9)]
    assert client.get("/v1/users/7.0/ratings").json() == client.get("/v1/users/7/ratings").json()
