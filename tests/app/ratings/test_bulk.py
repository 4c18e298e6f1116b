"""Batches of columns store what the rule for single ratings stores, on both databases."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database, open_database
from app.ratings.bulk import ItemNumbers, RatingColumns, set_columns
from app.ratings.bulk_repository import NO_TIME
from app.ratings.conflict import RatingRow, Status
from app.ratings.removal import remove_item
from app.ratings.service import set_ratings
from app.settings import Settings
from tests.app.ratings.test_service import empty, history, row, state

Run = Callable[[Callable[[Database], Awaitable[object]]], Any]
NOW = 1_000_000


def columns(rows: Sequence[RatingRow]) -> RatingColumns:
    users, items = list(dict.fromkeys(r.user_id for r in rows)), list(dict.fromkeys(r.item_id for r in rows))
    return RatingColumns(
        users,
        items,
        np.array([users.index(r.user_id) for r in rows]),
        np.array([items.index(r.item_id) for r in rows]),
        np.array([r.value for r in rows], np.float64),
        np.array([NO_TIME if r.rated_at_us is None else r.rated_at_us for r in rows]),
    )


def tables(session: Session) -> list[list[tuple[Any, ...]]]:
    """Return everything that a batch writes, without the numbers of users and items."""
    queries = (
        "SELECT external_id, revision FROM users ORDER BY external_id",
        "SELECT external_id, deleted_at IS NULL FROM items ORDER BY external_id",
        "SELECT u.external_id, i.external_id, c.value, c.rated_at_us, c.revision, c.recorded_at_us"
        " FROM rating_changes c JOIN users u ON u.id = c.user_id JOIN items i ON i.id = c.item_id ORDER BY c.revision",
    )
    found = [[tuple(row) for row in session.execute(text(query))] for query in queries]
    return [*found, state(session), [(counters.read(session, "ratings"), counters.read(session, "catalogue"))]]


def batch(start: int, num_rows: int, rated_at_us: int) -> list[RatingRow]:
    """Name a new user every other row, and a new item every third."""
    rows = range(start, start + num_rows)
    return [RatingRow(f"u{n // 2}", f"i{n // 3}-{n % 2}", n % 9 / 2 + 1, rated_at_us) for n in rows]


@pytest.mark.parametrize("num_rows", [1, 99, 100, 101, 250])
def test_batches_of_any_length_store_what_single_ratings_store(run_on_database: Run, num_rows: int) -> None:
    batches = [
        batch(0, num_rows, 10),
        batch(num_rows // 2, num_rows, 20),  # half of it is known
        batch(0, num_rows, 15),  # now partly stale
        [row(4, None, item="i0-0"), *batch(num_rows, num_rows, 10)],
    ]

    async def check(database: Database) -> None:
        expected = []
        for rows in batches:
            written = await database.write(set_ratings, rows, NOW)
            expected.append(Counter(outcome.status for outcome in written.outcomes))
        one_by_one = await database.read(tables)
        await database.write(empty)
        known = ItemNumbers()
        for rows, counts in zip(batches, expected, strict=True):
            assert +await database.write(set_columns, columns(rows), known, NOW) == counts
            known.settle()
        assert await database.read(tables) == one_by_one

    run_on_database(check)


def test_items_of_a_batch_that_was_rolled_back_are_looked_up_again(run_on_database: Run) -> None:
    known = ItemNumbers()

    def fail(session: Session) -> None:
        set_columns(session, columns([row(4, 10, item="alien")]), known, NOW)
        raise ZeroDivisionError

    async def check(database: Database) -> None:
        with pytest.raises(ZeroDivisionError):
            await database.write(fail)
        await database.write(
            set_ratings, [row(3, 10, item="brazil")], NOW
        )  # the counters now stand as the batch had them
        await database.write(set_columns, columns([row(4, 11, item="alien")]), known, NOW)
        assert [found[:3] for found in await database.read(state)] == [("ada", "alien", 4.0), ("ada", "brazil", 3.0)]

    run_on_database(check)


def test_an_item_deleted_between_two_batches_stays_deleted_for_older_ratings(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        known = ItemNumbers()
        await database.write(set_columns, columns([row(4, 10), row(2, 10, item="brazil")]), known, NOW)
        known.settle()
        await remove_item(database, "alien", NOW)
        again = columns([row(5, 11), row(3, 11, item="brazil")])
        assert +await database.write(set_columns, again, known, NOW) == {Status.STALE: 1, Status.UPDATED: 1}
        assert [found[2] for found in await database.read(state)] == [None, 3.0]

    run_on_database(check)


def test_batches_and_posts_that_create_the_same_users_and_items_concurrently_lose_nothing(
    settings: Settings, run_on_database: Run
) -> None:
    async def load(first: int) -> None:
        database, known = open_database(settings.database_url), ItemNumbers()
        for start in range(first, 400, 40):
            await database.write(set_columns, columns(batch(start, 40, 10)), known, NOW)
            known.settle()
        await database.close()

    async def post(database: Database) -> None:
        for start in range(0, 400, 20):
            await database.write(set_ratings, batch(start, 20, 10), NOW)

    async def check(database: Database) -> None:
        await asyncio.gather(load(0), load(20), post(database))
        assert len(await database.read(state)) == 420
        assert await database.read(history) == list(range(1, 421))

    run_on_database(check)
