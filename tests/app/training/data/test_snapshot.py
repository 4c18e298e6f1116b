from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.database.postgresql import copying
from app.settings import Settings
from app.tables import Counter, Item, Rating, User
from app.training.data import snapshot as data
from app.training.data.snapshot import Snapshot, load_interactions

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]


def store(session: Session, ratings: dict[tuple[str, str], float | None]) -> None:
    """Store ratings under keys with gaps, an inactive item, and a user and an item that nobody rated."""
    now = datetime.now(UTC)
    item = {"categories": [], "attributes": {}, "created_at": now, "updated_at": now, "revision": 0}
    keys = {"a": 7, "b": 2, "c": 90, "never": 3}
    users = {"zoe": 5, "ada": 40, "silent": 6}
    session.execute(insert(Item), [{"id": k, "external_id": i, "active": i != "c", **item} for i, k in keys.items()])
    session.execute(insert(User), [{"id": k, "external_id": u, "created_at": now} for u, k in users.items()])
    rows = [
        {"user_id": users[u], "item_id": keys[i], "value": v, "rated_at_us": 1, "revision": n}
        for n, ((u, i), v) in enumerate(ratings.items(), 1)
    ]
    session.execute(insert(Rating), rows)
    session.execute(update(Counter).where(Counter.name == "ratings").values(value=len(rows)))


def triples(snapshot: Snapshot) -> dict[tuple[str, str], float]:
    rows, items = snapshot.interactions.rows, snapshot.interactions.item_ids
    cells = zip(rows.row_of_entry, rows.columns, rows.values, strict=True)
    return {(snapshot.user_ids[u], items[i]): float(value) for u, i, value in cells}


@pytest.fixture
def load(settings: Settings, run_on_database: OnDatabase) -> Callable[[], Snapshot]:
    return lambda: run_on_database(lambda database: database.scan(load_interactions, settings))


def test_ratings_are_read_without_tombstones_and_with_inactive_items(
    load: Callable[[], Snapshot], run_on_database: OnDatabase
) -> None:
    ratings = {("zoe", "a"): 4.5, ("zoe", "c"): 1.0, ("ada", "b"): 3.0, ("ada", "a"): None, ("silent", "b"): None}
    run_on_database(lambda database: database.write(store, ratings))

    snapshot = load()

    assert triples(snapshot) == {pair: value for pair, value in ratings.items() if value is not None}
    assert snapshot.watermark == 5
    assert sorted(snapshot.user_ids) == ["ada", "zoe"]
    assert sorted(snapshot.interactions.item_ids) == ["a", "b", "c"]
    assert snapshot.interactions.scale.like_threshold == 4.0


def test_without_ratings_the_snapshot_is_empty(load: Callable[[], Snapshot]) -> None:
    snapshot = load()
    assert (snapshot.interactions.num_users, snapshot.interactions.num_items, snapshot.watermark) == (0, 0, 0)


def test_reading_in_blocks_gives_every_rating_once(
    load: Callable[[], Snapshot], run_on_database: OnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "BLOCK", 7)
    monkeypatch.setattr(copying, "BLOCK_ROWS", 7)
    cells = np.random.default_rng(0).permutation(40 * 25)[:503]
    pairs = [(int(cell) // 25 + 1, int(cell) % 25 + 1) for cell in cells]
    run_on_database(lambda database: database.write(store_many, pairs))

    found = triples(load())

    assert found == {(f"u{user}", f"i{item}"): 1 + item % 5 for user, item in pairs}


def store_many(session: Session, pairs: list[tuple[int, int]]) -> None:
    now = datetime.now(UTC)
    item = {"categories": [], "attributes": {}, "active": True, "created_at": now, "updated_at": now, "revision": 0}
    session.execute(insert(Item), [{"id": i, "external_id": f"i{i}", **item} for i in range(1, 26)])
    session.execute(insert(User), [{"id": u, "external_id": f"u{u}", "created_at": now} for u in range(1, 41)])
    rows = [{"user_id": u, "item_id": i, "value": 1 + i % 5, "rated_at_us": 1, "revision": 1} for u, i in pairs]
    session.execute(insert(Rating), rows)
