"""The data a serving benchmark runs on: a catalogue, users who rated, and a trained model."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyarrow import csv
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.database import migrate
from app.database.engine import Database
from app.registry.service import publish
from app.settings import Settings
from app.tables import Counter, Item, Rating, RatingChange, User
from app.training.auto import AUTO, FITTED, members
from app.training.data.snapshot import Snapshot, load_interactions
from models import checkpoint
from models.core.interactions import Interactions
from models.fit import Fit, FitOptions

RATINGS_EACH = 100
NUM_READERS = 1_000
BLOCK = 50_000
NUM_CATEGORIES = 8


@dataclass(frozen=True)
class Ratings:
    """Ratings as triples: rows of users, columns of items, values."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    values: NDArray[np.float64]
    num_items: int

    @property
    def num_users(self) -> int:
        """Count the users."""
        return int(self.users.max()) + 1


def movielens(folder: Path) -> Ratings:
    """Read the ratings of a MovieLens folder."""
    table = csv.read_csv(folder / "ratings.csv")
    _, users = np.unique(table["userId"].to_numpy(), return_inverse=True)
    names, items = np.unique(table["movieId"].to_numpy(), return_inverse=True)
    return Ratings(users, items, table["rating"].to_numpy(), len(names))


def synthetic(num_users: int, num_items: int, num_ratings: int, seed: int = 0) -> Ratings:
    """Make ratings of a given shape: items of a few tastes, popularity falling as in real catalogues."""
    generator = np.random.default_rng(seed)
    chances = 1 / np.arange(1, num_items + 1) ** 0.8
    user_taste = generator.integers(8, size=num_users)
    users = np.sort(generator.integers(num_users, size=num_ratings))
    items = generator.choice(num_items, size=num_ratings, p=chances / chances.sum())
    _, kept = np.unique(users * num_items + items, return_index=True)
    users, items = users[kept], items[kept]
    liked = (items % 8 == user_taste[users]).astype(np.float64)
    values = np.clip(np.round(2 * (3 + 1.5 * liked + generator.normal(0, 0.7, len(items)))) / 2, 0.5, 5)
    return Ratings(users, items, values, num_items)


def readers(rated: Ratings, seed: int = 1) -> Ratings:
    """Make the users that the benchmark asks for: 100 ratings each, of items drawn by popularity."""
    generator = np.random.default_rng(seed)
    chances = np.bincount(rated.items, minlength=rated.num_items) + 1.0
    chances /= chances.sum()
    items = np.concatenate(
        [generator.choice(rated.num_items, RATINGS_EACH, replace=False, p=chances) for _ in range(NUM_READERS)]
    )
    users = np.repeat(np.arange(NUM_READERS) + rated.num_users, RATINGS_EACH)
    return Ratings(users, items, generator.integers(1, 11, len(users)) / 2, rated.num_items)


def fill(session: Session, ratings: Ratings) -> None:
    """Store a catalogue and ratings."""
    now = datetime.now(UTC)
    now_us = int(now.timestamp() * 1e6)
    add(
        session,
        Item,
        (
            {
                "id": i + 1,
                "external_id": f"i{i}",
                "title": f"Item {i}",
                "categories": [f"c{i % NUM_CATEGORIES}"],
                "attributes": {"year": 1950 + i % 75},
                "active": True,
                "created_at": now,
                "updated_at": now,
                "revision": 1,
            }
            for i in range(ratings.num_items)
        ),
    )
    last = np.zeros(ratings.num_users, np.int64)
    # A user's revision is that of their latest change.
    np.maximum.at(last, ratings.users, np.arange(1, len(ratings.users) + 1))
    add(
        session,
        User,
        (
            {"id": u + 1, "external_id": f"u{u}", "revision": revision, "created_at": now}
            for u, revision in enumerate(last.tolist())
        ),
    )
    triples = list(
        zip((ratings.users + 1).tolist(), (ratings.items + 1).tolist(), ratings.values.tolist(), strict=True)
    )
    add(
        session,
        Rating,
        (
            {"user_id": u, "item_id": i, "value": v, "rated_at_us": now_us, "revision": n}
            for n, (u, i, v) in enumerate(triples, 1)
        ),
    )
    add(
        session,
        RatingChange,
        (
            {"user_id": u, "item_id": i, "value": v, "rated_at_us": now_us, "revision": n, "recorded_at_us": now_us}
            for n, (u, i, v) in enumerate(triples, 1)
        ),
    )
    session.execute(update(Counter).where(Counter.name == "ratings").values(value=len(triples)))
    session.execute(update(Counter).where(Counter.name == "catalogue").values(value=1))


def add(session: Session, table: type, rows: Iterator[dict[str, object]]) -> None:
    """Insert rows block by block."""
    block: list[dict[str, object]] = []
    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            session.execute(insert(table), block)
            block = []
    if block:
        session.execute(insert(table), block)


async def build(database: Database, settings: Settings, rated: Ratings, kind: str, epochs: int) -> str:
    """Store the ratings, train a model on them, publish it, and add the users to ask for. Returns its kind."""
    await database.write(migrate.upgrade)
    asked = readers(rated)
    joined = [
        np.concatenate(pair)
        for pair in zip((rated.users, rated.items, rated.values), (asked.users, asked.items, asked.values), strict=True)
    ]
    await database.write(fill, Ratings(joined[0], joined[1], joined[2], rated.num_items))
    if database.dialect == "postgresql":
        await database.write(analyse)
    snapshot = await database.scan(load_interactions, settings)
    config = {}
    if kind == AUTO:
        kind, config = FITTED, {"members": members(snapshot.interactions.num_items, settings.linear_max_items)}
    model_folder(settings, kind, config, snapshot, rated.num_users, epochs)
    await database.write(store_version, kind, snapshot)
    return kind


def store_version(session: Session, kind: str, snapshot: Snapshot) -> None:
    """Make the version live."""
    train = snapshot.interactions
    publish(
        session,
        activate=True,
        now=datetime.now(UTC),
        version=f"bench-{kind}",
        kind=kind,
        run_id=None,
        watermark=snapshot.watermark,
        num_users=train.num_users,
        num_items=train.num_items,
        num_ratings=train.rows.num_ratings,
        num_bytes=0,
        metrics={},
        gate={},
    )


def analyse(session: Session) -> None:
    """Let the planner know the tables, as autovacuum would have by then."""
    for table in ("users", "items", "ratings", "rating_changes"):
        session.connection().exec_driver_sql(f"ANALYZE {table}")


def model_folder(
    settings: Settings, kind: str, config: dict[str, Any], snapshot: Snapshot, num_trained: int, epochs: int
) -> None:
    """Train on the given users alone and save.

    How well it ranks is not measured here; a blend gives all its members the same share, and needs all of them.
    """
    train = snapshot.interactions.take(np.arange(min(num_trained, snapshot.interactions.num_users)))
    nobody = Interactions(train.rows.take(np.arange(0)), train.item_ids, train.scale)
    fit = Fit(kind, train, nobody, FitOptions(epochs=epochs, device="cpu"), config=config)
    for report in fit:
        print(f"epoch {report.epoch}: {report.seconds:.1f} s", flush=True)
    checkpoint.save(settings.model_store / f"bench-{kind}", fit.best, train.item_ids, {})
