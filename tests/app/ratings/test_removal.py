"""An item's ratings are removed in steps: each is consistent, and whatever stops half way is finished."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.database.step_size import StepSize
from app.kit.errors import ItemNotFound
from app.kit.times import from_us
from app.ratings import removal, removal_repository
from app.ratings.bulk import ItemNumbers, set_columns
from app.ratings.conflict import RatingRow, Status
from app.ratings.removal import Removed, remove_item
from app.ratings.service import set_ratings
from tests.app.ratings.test_bulk import columns

NOW = 1_700_000_000_000_000
Run = Callable[[Callable[[Database], Awaitable[object]]], object]
USERS = [f"user-{number}" for number in range(5)]


def rate(user: str, value: float = 4, rated_at_us: int | None = None) -> RatingRow:
    return RatingRow(user, "alien", value, rated_at_us)


async def begin(database: Database, num_removed: int = 2) -> int:
    """Delete an item with five ratings, and stop after some of them."""
    await database.write(set_ratings, [rate(user, rated_at_us=10) for user in USERS], NOW)
    item = await database.write(removal.begin, "alien", from_us(NOW))
    users = await database.scan(removal_repository.users_left, item)
    await database.write(removal.remove_some, item, users[:num_removed], NOW, size=StepSize(), is_last=False)
    return item


def standing(session: Session) -> list[str]:
    """Name the users who rate anything."""
    query = "SELECT u.external_id FROM ratings r JOIN users u ON u.id = r.user_id WHERE r.value IS NOT NULL ORDER BY 1"
    return list(session.scalars(text(query)))


def revisions(session: Session) -> list[int]:
    return list(session.scalars(text("SELECT revision FROM rating_changes ORDER BY revision")))


def test_another_delete_finishes_what_stopped_half_way_and_counts_all_of_it(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await begin(database)
        assert await remove_item(database, "alien", NOW) == Removed(5, 10)
        assert (await database.read(standing), await database.read(revisions)) == ([], list(range(1, 11)))
        with pytest.raises(ItemNotFound):
            await remove_item(database, "alien", NOW)

    run_on_database(check)


def test_a_server_finishes_what_another_left(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await begin(database)
        await removal.finish_all(database)
        assert await database.read(standing) == []
        assert await database.read(removal_repository.unfinished) == []

    run_on_database(check)


def test_a_rating_of_meanwhile_stays_and_brings_the_item_back(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        item = await begin(database)
        again = await database.write(set_ratings, [rate(USERS[0], 3), rate(USERS[4], 4)], NOW + 9)
        assert [outcome.status for outcome in again.outcomes] == [Status.CREATED, Status.CREATED]
        assert (await removal.finish(database, item, NOW)).num_ratings == 4  # the fifth had become another rating
        assert await database.read(standing) == [USERS[0], USERS[4]]

    run_on_database(check)


def test_a_rating_that_is_to_go_is_gone_for_whoever_posts_or_imports_it_again(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        item = await begin(database, num_removed=0)
        old = [rate(USERS[2], rated_at_us=10), rate(USERS[2], rated_at_us=9)]
        assert [each.status for each in (await database.write(set_ratings, old, NOW)).outcomes] == [Status.STALE] * 2
        await database.write(set_ratings, [rate("another", 2)], NOW)  # the item is back
        imported = columns([rate(USERS[3], rated_at_us=10), rate(USERS[1], rated_at_us=11)])
        counts = await database.write(set_columns, imported, ItemNumbers(), NOW)
        assert +counts == {Status.STALE: 1, Status.CREATED: 1}
        await removal.finish(database, item, NOW)
        assert await database.read(standing) == ["another", USERS[1]]

    run_on_database(check)
