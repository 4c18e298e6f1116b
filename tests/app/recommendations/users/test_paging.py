"""Twenty pages over HTTP while everything changes: no item twice, none passed over."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.registry import store
from app.registry.service import publish, remove_old
from app.settings import Settings
from models import checkpoint
from models.core.interactions import Interactions
from tests.app.recommendations.helpers import (
    SCALE,
    Publish,
    Serve,
    add_items,
    ids,
    rate,
    recommend,
    row_values,
    train,
    wait_for_version,
)
from tests.processes import server, wait_until

NUM_ITEMS, NUM_KNOWN, PAGE = 480, 340, 20
CATALOGUE = [f"{'even' if i % 2 == 0 else 'odd'} {i}" for i in range(NUM_ITEMS)]
RATED = {"even 0": 5.0, "even 2": 4.5, "odd 1": 1.0, "odd 33": 2.0, "even 44": 5.0}
Client = Any  # of another process or of this one
OPTIONS: list[dict[str, Any]] = [
    {},
    {"include_rated": True, "exclude_category": ["nothing"]},
    {"boost": [{"factor": 3, "item_id": ["odd 101", "even 202"]}], "pin": [{"item_id": "odd 7"}]},
    {"diversity": 0.4, "exploration": 0.1},
]


def publish_wide(settings: Settings, version: str, seed: int) -> Callable[[Session], None]:
    """Train a model of the first items and give what makes it live."""
    generator = np.random.default_rng(seed)
    users, items = np.nonzero(generator.random((80, NUM_KNOWN)) < 0.15)
    values = np.clip(np.round(2 * (3 + (users % 2 == items % 2) + generator.normal(0, 1, len(users)))) / 2, 1, 5)
    data = Interactions.from_arrays(users, items, values, CATALOGUE[:NUM_KNOWN], SCALE, 80)
    counts = np.bincount(items, minlength=NUM_KNOWN)
    statistics = {"counts": counts.tolist(), "sums": np.bincount(items, values, NUM_KNOWN).tolist()}
    folder, manifest = settings.model_store / version, {"item_statistics": statistics}
    checkpoint.save(folder, train("linear", data, seed), data.item_ids, manifest)

    def store_row(session: Session) -> None:
        publish(session, activate=True, now=datetime.now(UTC), **row_values(version))

    return store_row


class World:
    """Two API processes, and what happens between pages."""

    def __init__(self, settings: Settings, clients: list[Client], run: Callable[..., Any]) -> None:
        self.settings, self.clients, self._run = settings, clients, run
        self.switched_off: set[str] = set()

    def publish(self, version: str, seed: int) -> None:
        """Make a version live and wait until every process answers from it."""
        work = publish_wide(self.settings, version, seed)

        async def add(database: Database) -> None:
            await database.write(work)

        self._run(add)
        for client in self.clients:
            wait_until(lambda: client.get("/health/ready").json()["model_version"] == version, f"{version} serves")  # noqa: B023

    def change(self, number: int, seen: list[str], whole: list[str]) -> None:
        """Let ratings arrive, items come and go, and at the tenth page a new model."""
        client = self.clients[number % 2]
        rest = [item for item in whole if item not in seen and item not in self.switched_off]
        gone = {seen[-1], rest[len(rest) // 2], rest[0]}
        for item in gone:
            fields: dict[str, Any] = {"active": False}
            assert client.patch(f"/v1/items/{item}", json=fields).status_code == 200
        self.switched_off |= gone
        rows: list[dict[str, Any]] = [{"item_id": f"even new {number} {place}"} for place in range(7)]
        rows += [{"item_id": rest[-1], "title": f"Renamed {number}", "categories": ["renamed"]}]
        assert client.post("/v1/items", json=rows).status_code == 200
        rate(client, "ada", {rest[1]: 5.0, rest[2]: 1.0, seen[0]: 1.0, f"even new {number} 0": 5.0})
        rate(client, "bob", {rest[3]: 5.0})
        if number == 10:
            self.publish("v2", seed=2)


@pytest.fixture
def world(settings: Settings, tmp_path: Path, run_on_database: Callable[..., Any]) -> Iterator[World]:
    """Two processes that serve a model of some of the items to a user with ratings."""
    with ExitStack() as stack:
        clients: list[Client] = [
            stack.enter_context(server(settings, tmp_path / f"{name}.log")) for name in ("one", "two")
        ]
        add_items(clients[0], CATALOGUE)
        rate(clients[0], "ada", RATED)
        world = World(settings, clients, run_on_database)
        world.publish("v1", seed=1)
        yield world


class Reader:
    """Somebody who follows one list page by page, asking the processes by turns."""

    def __init__(self, clients: list[Client], guest: bool, options: dict[str, Any]) -> None:
        self.clients, self.guest, self.options = clients, guest, options
        self.seen: list[str] = []
        self.expected: list[str] = []
        self.whole = ids(self.ask(0, None, 1000))
        self.answer: dict[str, Any] = {"next_cursor": None}

    def ask(self, number: int, cursor: str | None, limit: int = PAGE) -> dict[str, Any]:
        """Ask one process for a page."""
        client, said = (
            self.clients[number % 2],
            self.options | {"limit": limit} | ({"cursor": cursor} if cursor else {}),
        )
        if not self.guest:
            return good(client.get("/v1/users/ada/recommendations", params={n: texts(v) for n, v in said.items()}))
        ratings = [{"item_id": item_id, "value": value} for item_id, value in RATED.items()]
        return good(client.post("/v1/recommendations", json={"ratings": ratings, **said}))

    def turn(self, number: int, gone: set[str]) -> None:
        """Read the next page: what is left of the list as it was."""
        self.answer = self.ask(number, self.answer["next_cursor"])
        self.seen += ids(self.answer)
        self.expected += [item for item in self.whole if item not in self.expected and item not in gone][:PAGE]
        assert self.answer["model_version"] == "v1"
        assert len(self.seen) == len(set(self.seen)) == len(self.expected)
        if "diversity" not in self.options:  # there an item's place depends on those before it, which may be gone
            assert self.seen == self.expected

    def finish(self, gone: set[str]) -> None:
        """Read on to the end: all of the list was shown, but for what was switched off before its turn."""
        while cursor := self.answer["next_cursor"]:
            self.answer = self.ask(0, cursor)
            self.seen += ids(self.answer)
        assert len(self.seen) == len(set(self.seen))
        assert set(self.seen) <= set(self.whole)
        assert set(self.whole) - set(self.seen) <= gone


def texts(value: Any) -> Any:
    """Write what is an object in a body as a query does."""
    return (
        [json.dumps(each) if isinstance(each, dict) else each for each in value] if isinstance(value, list) else value
    )


def good(response: Any) -> dict[str, Any]:
    """Return a body that was answered well."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_twenty_pages_hold_the_list_as_it_was_at_the_start(world: World) -> None:
    readers = [Reader(world.clients, guest, options) for guest in (False, True) for options in OPTIONS]
    for number in range(1, 21):
        for reader in readers:
            reader.turn(number, world.switched_off)
        world.change(number, readers[0].seen, readers[0].whole)
    for reader in readers:
        assert len(reader.seen) == 20 * PAGE
        reader.finish(world.switched_off)
        assert reader.ask(0, None)["model_version"] == "v2"
    assert len({reader.answer["revision"] for reader in readers if not reader.guest}) == 1


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app that serves a small model to a user with ratings."""
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
    return client


def follow(client: TestClient, user_id: str, limit: int, **options: Any) -> list[dict[str, Any]]:
    """Read a list to its end."""
    pages = [recommend(client, user_id, limit=limit, **options)]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(recommend(client, user_id, limit=limit, cursor=cursor, **options))
    return pages


@pytest.mark.parametrize("user_id", ["ada", "nobody"])
@pytest.mark.parametrize(
    "options", [{}, {"diversity": 0.5}, {"exploration": 0.3}, {"include_rated": True, "pin": "odd 5"}]
)
def test_a_list_ends_with_its_last_item(trained: TestClient, user_id: str, options: dict[str, Any]) -> None:
    whole = recommend(trained, user_id, limit=1000, **options)
    assert whole["next_cursor"] is None
    for limit in (1, 3, 5, 10, 12):
        pages = follow(trained, user_id, limit, **options)
        assert [item for page in pages for item in page["items"]] == whole["items"]
        assert all(len(page["items"]) == limit for page in pages[:-1])
        assert {page["reason"] for page in pages} == {whole["reason"]}


def test_the_ratings_are_those_of_the_first_page(trained: TestClient) -> None:
    whole, first = recommend(trained, "ada", limit=1000), recommend(trained, "ada", limit=2)
    assert trained.delete("/v1/users/ada/ratings/even%200").status_code == 200
    rate(trained, "ada", {"odd 1": 5.0, "odd 3": 5.0})
    second = recommend(trained, "ada", limit=1000, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole["items"]
    assert second["revision"] == first["revision"] < recommend(trained, "ada")["revision"]


def test_the_list_of_somebody_unknown_goes_on_as_such_after_he_has_rated(trained: TestClient) -> None:
    whole, first = recommend(trained, "bob", limit=1000), recommend(trained, "bob", limit=2)
    rate(trained, "bob", {ids(whole)[4]: 5.0})
    second = recommend(trained, "bob", limit=1000, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole["items"]
    assert (second["reason"], second["revision"]) == ("unknown_user", None)


def test_a_list_without_a_model_goes_on_without_one(client: TestClient, publish_version: Publish) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5.0})
    whole, first = recommend(client, "ada", limit=1000), recommend(client, "ada", limit=2)
    wait_for_version(client, publish_version())
    second = recommend(client, "ada", limit=1000, cursor=first["next_cursor"])
    assert ids(first) + ids(second) == ids(whole)
    assert (second["model_version"], second["reason"]) == (None, "no_model")


def test_every_process_can_go_on_with_a_model_it_never_served(
    trained: TestClient, serve: Serve, publish_version: Publish
) -> None:
    whole, first = recommend(trained, "ada", limit=1000), recommend(trained, "ada", limit=2)
    wait_for_version(trained, publish_version("v2", seed=1))
    with serve() as other:
        wait_for_version(other, "v2")
        second = recommend(other, "ada", limit=1000, cursor=first["next_cursor"])
        assert recommend(other, "ada")["model_version"] == "v2"
    assert (second["model_version"], first["items"] + second["items"]) == ("v1", whole["items"])


def test_a_version_that_is_kept_no_more_is_gone_in_words(
    trained: TestClient, serve: Serve, publish_version: Publish, settings: Settings, run_on_database: Callable[..., Any]
) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    for seed, version in enumerate(("v2", "v3"), 1):
        wait_for_version(trained, publish_version(version, seed=seed))

    async def clear(database: Database) -> None:
        for version in await database.write(remove_old, 1, datetime.now(UTC)):
            store.delete(settings.model_store, version)

    run_on_database(clear)
    assert recommend(trained, "ada", cursor=cursor)["model_version"] == "v1", "it is in this process's memory still"
    with serve() as other:
        wait_for_version(other, "v3")
        response = other.get("/v1/users/ada/recommendations", params={"cursor": cursor})
    assert (response.status_code, response.json()["type"]) == (410, "/problems/cursor-expired")
    assert "without `cursor`" in response.json()["detail"]


def test_a_version_whose_files_are_damaged_is_gone_too(
    trained: TestClient, serve: Serve, publish_version: Publish, settings: Settings
) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    wait_for_version(trained, publish_version("v2", seed=1))
    (settings.model_store / "v1" / checkpoint.MANIFEST).unlink()
    with serve() as other:
        wait_for_version(other, "v2")
        assert other.get("/v1/users/ada/recommendations", params={"cursor": cursor}).status_code == 410


def test_a_cursor_of_another_list_is_refused(trained: TestClient) -> None:
    rate(trained, "bob", {"even 0": 5.0, "odd 1": 1.0})
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    ratings = [{"item_id": "even 0", "value": 5.0}]
    guest = trained.post("/v1/recommendations", json={"ratings": ratings, "limit": 2}).json()["next_cursor"]
    wrong = [
        trained.get("/v1/users/bob/recommendations", params={"cursor": cursor}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": cursor, "category": "even"}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": guest}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": ""}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": "nonsense"}),
    ]
    for response in wrong:
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["cursor"]
    for body in ({"ratings": ratings, "cursor": cursor}, {"ratings": [], "cursor": guest}):
        response = trained.post("/v1/recommendations", json=body)
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["/cursor"]


def test_the_pages_of_a_batch_are_those_of_its_users(trained: TestClient) -> None:
    users = ["ada", "nobody"]
    answers = trained.post("/v1/recommendations/batch", json={"users": users, "limit": 2}).json()["answers"]
    for user, first in zip(users, answers, strict=True):
        second = recommend(trained, user, limit=1000, cursor=first["next_cursor"])
        assert ids(first) + ids(second) == ids(recommend(trained, user, limit=1000))


def test_the_list_of_a_deleted_user_is_gone_even_if_he_comes_back(trained: TestClient) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    assert trained.delete("/v1/users/ada").status_code == 200
    for _ in range(2):
        response = trained.get("/v1/users/ada/recommendations", params={"cursor": cursor})
        assert (response.status_code, response.json()["type"]) == (410, "/problems/cursor-expired")
        rate(trained, "ada", {"even 2": 5.0})


def test_items_that_come_in_between_do_not_crowd_out_the_list(trained: TestClient) -> None:
    whole, first = recommend(trained, "nobody", limit=1000), recommend(trained, "nobody", limit=2)
    add_items(trained, [f"even later {number}" for number in range(200)])
    rest = recommend(trained, "nobody", limit=5, cursor=first["next_cursor"])
    assert ids(first) + ids(rest) == ids(whole)[:7]
    assert rest["next_cursor"]
