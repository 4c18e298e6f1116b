"""Twenty pages while everything changes: no item twice, none left out."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.registry.service import publish
from app.settings import Settings
from models import checkpoint
from models.core.interactions import Interactions
from tests.app.recommendations.helpers import SCALE, add_items, ids, rate, row_values, train
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
    data = Interactions.from_arrays(users, items, values, CATALOGUE[:NUM_KNOWN], scale=SCALE, num_users=80)
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
    """A client that follows one list page by page, asking the processes in turn."""

    def __init__(self, clients: list[Client], guest: bool, options: dict[str, Any]) -> None:
        self.clients, self.guest, self.options = clients, guest, options
        self.seen: list[str] = []
        self.expected: list[str] = []
        self.whole = ids(self.ask(0, None, 1000))
        self.answer: dict[str, Any] = {"next_cursor": None}

    def ask(self, number: int, cursor: str | None, limit: int = PAGE) -> dict[str, Any]:
        """Ask one process for a page."""
        client, asked = (
            self.clients[number % 2],
            self.options | {"limit": limit} | ({"cursor": cursor} if cursor else {}),
        )
        if not self.guest:
            return good(client.get("/v1/users/ada/recommendations", params={n: texts(v) for n, v in asked.items()}))
        ratings = [{"item_id": item_id, "value": value} for item_id, value in RATED.items()]
        return good(client.post("/v1/recommendations", json={"ratings": ratings, **asked}))

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
