"""`palate recommend` writes what the API would answer."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app import cli
from app.kit.errors import InvalidRequest
from app.offline import run
from app.offline.run import recommend_to_file
from app.offline.table import SCHEMA
from app.recommendations.tokens.recommendation_id import decode
from app.settings import Settings
from tests import processes
from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import serve as serve
from tests.app.recommendations.helpers import ITEMS, Publish, Serve, add_items, rate, recommend, wait_for_version

USERS = {f"u{number}": {ITEMS[number]: 5.0, ITEMS[number + 1]: 1.5, "unlearned": 4.0} for number in range(9)}
USERS |= {"everything": dict.fromkeys(ITEMS, 4.0), "ü/1": {"odd 1": 5.0}}
FORMATS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".parquet": lambda path: parquet.read_table(path).to_pylist(),
    ".ndjson": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    ".csv": lambda path: csv.read_csv(
        path, convert_options=csv.ConvertOptions(column_types=SCHEMA, strings_can_be_null=True)
    ).to_pylist(),
}


@pytest.fixture(params=["linear", "denoising", None])
def client(request: pytest.FixtureRequest, serve: Serve, publish_version: Publish) -> Any:
    """A running app with users, one of whom has no ratings left, and a model of each kind or none."""
    with serve() as client:
        add_items(client)
        if request.param:
            wait_for_version(client, publish_version("v1", request.param))
        for user, ratings in USERS.items():
            rate(client, user, ratings)
        client.post("/v1/users/ü%2F1/merge", json={"from_user_id": "u8"})
        yield client


def rows(client: TestClient, users: list[str], **options: Any) -> list[dict[str, Any]]:
    """Return the rows of the users' GETs."""
    answers = [recommend(client, user.replace("/", "%2F"), **options) for user in users]
    return [
        {
            "user_id": answer["user_id"],
            "rank": rank,
            "item_id": item["item_id"],
            "score": None if item["score"] is None else pytest.approx(item["score"], abs=1e-5),
            "predicted_rating": item["predicted_rating"],
            "source": item["source"],
            "model_version": answer["model_version"],
            "named": [item["source"] for item in answer["items"]],
        }
        for answer in answers
        for rank, item in enumerate(answer["items"], 1)
    ]


def with_names(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put what an id names in its place: ids of two answers differ by the moment."""
    for row in found:
        row["named"] = [str(source) for source in decode(row.pop("recommendation_id"), "id").sources]
    return found


@pytest.mark.parametrize("suffix", FORMATS)
def test_all_users_get_what_each_gets_from_the_api(
    client: TestClient, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(run, "USERS_PER_STEP", 4)
    path = tmp_path / f"recs{suffix}"
    assert recommend_to_file(settings, None, [], path) == len(USERS)
    assert with_names(FORMATS[suffix](path)) == rows(client, list(USERS))
    if suffix == ".parquet":
        assert parquet.read_schema(path).equals(SCHEMA)


def test_options_are_those_of_the_api(client: TestClient, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "recs.parquet"
    asked = [("limit", "3"), ("category", "odd"), ("include_rated", "true"), ("block", "odd 3")]
    recommend_to_file(settings, None, asked, path)
    options = {"limit": 3, "category": "odd", "include_rated": True, "block": "odd 3"}
    found = with_names(parquet.read_table(path).to_pylist())
    assert found == rows(client, list(USERS), **options)
    assert {row["item_id"].split()[0] for row in found} == {"odd"}


def test_one_user_gets_what_the_api_gives(client: TestClient, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "recs.ndjson"
    assert recommend_to_file(settings, "u3", [], path) == 1
    assert with_names(FORMATS[".ndjson"](path)) == rows(client, ["u3"])


def palate(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `palate recommend` as a process of its own."""
    return processes.run(settings, "recommend", *arguments)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_shows_one_user_and_writes_all(
    serve: Serve, publish_version: Publish, settings: Settings, tmp_path: Path
) -> None:
    with serve() as client:
        add_items(client)
        wait_for_version(client, publish_version())
        rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
        best = recommend(client, "ada", limit=1)["items"][0]["item_id"]
    shown = palate(settings, "ada", "--limit", "1")
    assert (shown.returncode, best in shown.stdout, shown.stderr) == (0, True, "")
    assert "popular and new items" in palate(settings, "unknown").stderr
    path = tmp_path / "recs.csv"
    written = palate(settings, "--all", "--output", str(path), "--option", "block=" + best)
    assert (written.returncode, "1 users written" in written.stderr) == (0, True)
    assert path.read_text().splitlines()[0] == ",".join(f'"{name}"' for name in SCHEMA.names)
    assert best not in path.read_text()
    lines = palate(settings, "ada", "--output", "-").stdout.splitlines()
    assert [json.loads(line)["rank"] for line in lines] == list(range(1, 11))
    wrong = palate(settings, "ada", "--limit", "0")
    assert (wrong.returncode, wrong.stderr.startswith("palate: limit: ")) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [(), ("ada", "--all"), ("--all",), ("ada", "--option", "limit")],
)
def test_an_invalid_command_says_so(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(cli.app, ["recommend", *arguments]).exit_code == 2


@pytest.mark.parametrize(
    ("asked", "name", "field"),
    [
        ([("limit", "0")], "recs.csv", "limit"),
        ([("attribute", "year")], "recs.csv", "attribute"),
        ([("surprise", "1")], "recs.csv", "surprise"),
        ([], "recs.xlsx", "output"),
    ],
)
def test_invalid_parameters_are_named_and_nothing_is_written(
    settings: Settings, tmp_path: Path, asked: list[tuple[str, str]], name: str, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        recommend_to_file(settings, None, asked, tmp_path / name)
    assert [wrong["field"] for wrong in refused.value.fields] == [field]
    assert not list(tmp_path.glob("recs*"))


def test_a_file_appears_only_when_it_is_complete(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recs.parquet"
    path.write_text("the one before")

    def fail(*_: object) -> int:
        raise RuntimeError("on the way")

    monkeypatch.setattr(run, "count_users", fail)
    with pytest.raises(RuntimeError, match="on the way"):
        recommend_to_file(settings, None, [], path)
    assert path.read_text() == "the one before"
    assert [each.name for each in tmp_path.glob("recs*")] == ["recs.parquet"]


def test_no_users_make_an_empty_table(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "recs.parquet"
    assert recommend_to_file(settings, None, [], path) == 0
    assert parquet.read_table(path).equals(pa.table({name: [] for name in SCHEMA.names}, SCHEMA))
