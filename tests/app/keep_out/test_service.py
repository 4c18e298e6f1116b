"""What was erased or deleted stays out: by every door, on request only, and known by hashes alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.keep_out.service import OFF, KeepOut, Kind
from app.kit.errors import KeepOutDisabled
from app.settings import Settings
from app.tables import KeptOut
from app.transfer.options import Options
from app.transfer.run_import import dry_run_path, import_path
from tests.app.building import build_app

SECRET = "a secret of some length"
RATINGS = [
    {"user_id": "ada", "item_id": "alien", "value": 5},
    {"user_id": "ada", "item_id": "brazil", "value": 4},
    {"user_id": "bob", "item_id": "alien", "value": 3},
    {"user_id": "bob", "item_id": "brazil", "value": 2},
]
CSV = "user_id,item_id,rating\nada,brazil,4\nbob,alien,3\nbob,brazil,2\ncleo,brazil,5\ncleo,brazil,5\n"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an instance that keeps out what was removed."""
    return settings.model_copy(update={"keep_out": SECRET})


@pytest.fixture
def removed(settings: Settings) -> Iterator[TestClient]:
    """A client of an instance where the user `ada` was erased and the item `alien` deleted."""
    with TestClient(build_app(settings), base_url="http://localhost") as client:
        assert client.post("/v1/ratings", json=RATINGS).status_code == 200
        assert "keep-out lift user" in client.delete("/v1/users/ada").json()["later"]
        assert "keep-out lift item" in client.delete("/v1/items/alien").json()["later"]
        yield client


def nothing_came_back(client: TestClient) -> bool:
    return client.get("/v1/users/ada").status_code == client.get("/v1/items/alien").status_code == 404


def test_ratings_are_refused_row_by_row(removed: TestClient) -> None:
    answer = removed.post("/v1/ratings", json=RATINGS)
    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [row["status"] for row in rows] == ["refused", "refused", "refused", "unchanged"]
    assert [error["field"] for row in rows[:3] for error in row["errors"]] == ["/0/user_id", "/1/user_id", "/2/item_id"]
    assert "palate keep-out lift user ID" in rows[0]["errors"][0]["detail"]
    assert answer.json()["counts"]["refused"] == 3
    assert removed.post("/v1/ratings", json=RATINGS[:3]).status_code == 422
    single = removed.put("/v1/users/ada/ratings/brazil", json={"value": 4})
    assert (single.status_code, single.json()["type"]) == (409, "/problems/kept-out")
    assert nothing_came_back(removed)


def test_items_are_refused_row_by_row(removed: TestClient) -> None:
    answer = removed.post("/v1/items", json=[{"item_id": "alien"}, {"item_id": "clueless"}]).json()
    assert [row["status"] for row in answer["results"]] == ["refused", "created"]
    assert answer["results"][0]["errors"][0]["field"] == "/0/item_id"
    assert removed.post("/v1/items", json={"item_id": "alien"}).status_code == 422
    assert removed.put("/v1/items/alien", json={"title": "Alien"}).status_code == 409
    assert nothing_came_back(removed)


def test_merges_are_refused_from_and_into_an_erased_user(removed: TestClient) -> None:
    for user, body in (
        ("ada", {"from_user_id": "bob"}),
        ("bob", {"from_user_id": "ada"}),
    ):
        assert removed.post(f"/v1/users/{user}/merge", json=body).status_code == 409
    posted = [{"item_id": "brazil", "value": 4}, {"item_id": "alien", "value": 4}]
    assert removed.post("/v1/users/ada/merge", json={"ratings": posted}).status_code == 422
    rows = removed.post("/v1/users/bob/merge", json={"ratings": posted}).json()["results"]
    assert [row["status"] for row in rows] == ["updated", "refused"]
    assert nothing_came_back(removed)


def test_imports_are_refused_row_by_row_over_http(removed: TestClient) -> None:
    def post(kind: str, content: str) -> list[str]:
        parameters: dict[str, str | int] = {"kind": kind, "max_refused": 1}
        answer = removed.post("/v1/imports", content=content, headers={"Content-Type": "text/csv"}, params=parameters)
        return answer.text.splitlines()

    user, item, told = post("ratings", CSV)
    assert ['"line":2' in user, "/user_id" in user] == [True, True]
    assert ['"line":3' in item, "/item_id" in item] == [True, True]
    assert '"refused":2' in told
    refused, told = post("items", "item_id,title\nclueless,C\nalien,A\n")
    assert '"line":3' in refused
    assert '"created":1' in told
    assert nothing_came_back(removed)


def test_the_same_file_is_refused_by_the_command(removed: TestClient, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(CSV)
    summary = import_path(settings, tmp_path / "ratings.csv", refused=tmp_path / "refused.ndjson")
    assert +summary.ratings == {"refused": 2, "unchanged": 2, "created": 1}
    refused = (tmp_path / "refused.ndjson").read_text().splitlines()
    assert ["user_id was erased" in refused[0], "item_id was deleted" in refused[1]] == [True, True]
    assert nothing_came_back(removed)


@pytest.mark.parametrize(("kind", "content"), [("ratings", CSV), ("items", "item_id,title\nclueless,C\nalien,A\n")])
def test_a_dry_run_refuses_the_same_rows(
    removed: TestClient, settings: Settings, tmp_path: Path, kind: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "some.csv").write_text(content)
    told = dry_run_path(settings, tmp_path / "some.csv", options=Options(kind=kind)).counts(kind)
    parameters: dict[str, str | int] = {"kind": kind, "max_refused": 1, "dry_run": True}
    answer = removed.post("/v1/imports", content=content, headers={"Content-Type": "text/csv"}, params=parameters)
    counts = json.loads(answer.text.splitlines()[-1])["counts"]
    summary = import_path(settings, tmp_path / "some.csv", options=Options(kind=kind), refused=tmp_path / "refused")
    stored = summary.counts(kind)
    assert told["refused"] == counts["refused"] == stored["refused"] > 0
    assert told["taken"] == counts["taken"] == stored.total() - stored["refused"]
    assert "was deleted and is kept out" in capsys.readouterr().err
    assert nothing_came_back(removed)


def test_a_dry_run_needs_no_database(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/none.db", keep_out=SECRET)
    (tmp_path / "some.csv").write_text(CSV)
    assert dry_run_path(settings, tmp_path / "some.csv", options=Options()).ratings["refused"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["some.csv"]


def test_what_is_lifted_may_come_back(removed: TestClient, run_on_database: Callable[..., Any]) -> None:
    keep_out = KeepOut(SECRET)

    async def lift(database: Database) -> list[bool]:
        ids = [(Kind.USER, "ada"), (Kind.ITEM, "alien"), (Kind.USER, "ada"), (Kind.ITEM, "ada")]
        return [await database.write(keep_out.lift, *each) for each in ids]

    assert run_on_database(lift) == [True, True, False, False]
    statuses = [row["status"] for row in removed.post("/v1/ratings", json=RATINGS).json()["results"]]
    assert statuses == ["created", "created", "created", "unchanged"]


def test_only_keyed_hashes_are_stored(removed: TestClient, run_on_database: Callable[..., Any]) -> None:
    def read(session: Session) -> list[tuple[str, str]]:
        return [(row.kind, row.hash) for row in session.scalars(select(KeptOut).order_by(KeptOut.kind))]

    rows = run_on_database(lambda database: database.read(read))
    assert [kind for kind, _ in rows] == ["item", "user"]
    assert all(len(digest) == 64 for _, digest in rows)
    ours, others = KeepOut(SECRET), KeepOut(SECRET + "x")
    assert run_on_database(lambda database: database.read(ours.find, ["ada"], ["alien"])).users == {"ada"}
    assert not run_on_database(lambda database: database.read(others.find, ["ada"], ["alien"])).users


def test_unset_nothing_is_kept_out_and_the_answers_say_what_comes_back(
    settings: Settings, run_on_database: Callable[..., Any]
) -> None:
    with TestClient(build_app(settings.model_copy(update={"keep_out": None})), base_url="http://localhost") as client:
        client.post("/v1/ratings", json=RATINGS)
        assert "new user" in client.delete("/v1/users/ada").json()["later"]
        assert "PALATE_KEEP_OUT" in client.delete("/v1/items/alien").json()["later"]
        assert "counts again" in client.delete("/v1/users/bob/ratings/brazil").json()["later"]
        counts = client.post("/v1/ratings", json=RATINGS[:3]).json()["counts"]
        assert (counts["created"], counts["refused"]) == (3, 0)
    assert run_on_database(lambda database: database.read(lambda session: session.scalars(select(KeptOut)).all())) == []


def test_without_a_secret_nothing_can_be_added(settings: Settings, run_on_database: Callable[..., Any]) -> None:
    with pytest.raises(KeepOutDisabled, match="PALATE_KEEP_OUT"):
        run_on_database(lambda database: database.write(OFF.lift, Kind.USER, "ada"))
