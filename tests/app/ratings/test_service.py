"""The rule of a rating, on both databases."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.kit.errors import RatingNotFound, UserNotFound
from app.ratings import service
from app.ratings.conflict import RatingRow, Status
from app.ratings.removal import remove_item
from app.ratings.service import RatingWriter, set_ratings

Run = Callable[[Callable[[Database], Awaitable[object]]], Any]
NOW = 1_000_000
LAW = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def row(value: float | None, rated_at_us: int | None, user: str = "ada", item: str = "alien") -> RatingRow:
    return RatingRow(user, item, value, rated_at_us)


def empty(session: Session) -> None:
    for table in ("ratings", "rating_changes", "users", "items"):
        session.execute(text(f"DELETE FROM {table}"))
    session.execute(text("UPDATE counters SET value = 0"))


def state(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(
        text(
            "SELECT u.external_id, i.external_id, r.value, r.rated_at_us, r.revision FROM ratings r"
            " JOIN users u ON u.id = r.user_id JOIN items i ON i.id = r.item_id ORDER BY 1, 2"
        )
    )
    return [tuple(found) for found in rows]


def history(session: Session) -> list[int]:
    return [found[0] for found in session.execute(text("SELECT revision FROM rating_changes ORDER BY revision"))]


def statuses(session: Session, rows: Sequence[RatingRow], now_us: int = NOW) -> list[Status]:
    return [outcome.status for outcome in set_ratings(session, rows, now_us).outcomes]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (row(4, 10), Status.UNCHANGED),
        (row(4, 9), Status.STALE),
        (row(3, 9), Status.STALE),
        (row(4, 11), Status.UPDATED),
        (row(3, 10), Status.UPDATED),
        (row(4, None), Status.UNCHANGED),
        (row(3, None), Status.UPDATED),
    ],
)
def test_a_second_rating_of_4_at_10_ends_as(run_on_database: Run, second: RatingRow, expected: Status) -> None:
    async def check(database: Database) -> None:
        assert await database.write(statuses, [row(4, 10), second]) == [Status.CREATED, expected]

    run_on_database(check)


def test_a_rating_without_a_date_wins_over_one_dated_later_than_now(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await database.write(set_ratings, [row(4, NOW + 60)], NOW)
        await database.write(set_ratings, [row(2, None)], NOW)
        assert [found[2:4] for found in await database.read(state)] == [(2.0, NOW + 61)]

    run_on_database(check)


def test_two_values_of_one_moment_posted_again_leave_the_later_one(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        rows = [row(4, 10), row(3, 10)]
        await database.write(set_ratings, rows, NOW)
        assert await database.write(statuses, rows) == [Status.STALE, Status.UNCHANGED]
        assert await database.write(statuses, rows[:1]) == [Status.STALE]

    run_on_database(check)


def test_a_removed_rating_stays_removed_when_older_ones_are_posted_again(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await database.write(set_ratings, [row(4, 10)], NOW)
        assert await database.write(statuses, [RatingRow("ada", "alien", None, None)]) == [Status.REMOVED]
        assert await database.write(statuses, [row(4, 10)]) == [Status.STALE]
        with pytest.raises(RatingNotFound):
            await RatingWriter(database).remove("ada", "alien")
        assert await database.write(statuses, [row(5, NOW + 5)]) == [Status.CREATED]

    run_on_database(check)


def test_removing_what_was_never_rated_creates_no_user_and_no_item(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        with pytest.raises(RatingNotFound):
            await RatingWriter(database).remove("ada", "alien")
        with pytest.raises(UserNotFound):
            await database.read(service.get_user, "ada")

    run_on_database(check)


def test_an_item_removed_takes_its_ratings_and_comes_back_empty_with_a_new_one(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await database.write(set_ratings, [row(4, 10), row(5, 10, "bob"), row(3, 10, "bob", "brazil")], NOW)
        removed = await remove_item(database, "alien", NOW)
        assert (removed.num_ratings, removed.revision) == (2, 5)
        assert [found[2] for found in await database.read(state)] == [None, None, 3.0]
        assert await database.write(statuses, [row(4, 10)]) == [Status.STALE]
        assert await database.read(is_deleted, "alien")
        assert await database.write(statuses, [row(4, NOW + 9)]) == [Status.CREATED]
        assert not await database.read(is_deleted, "alien")
        assert await database.read(history) == list(range(1, 7))

    run_on_database(check)


def is_deleted(session: Session, item_id: str) -> bool:
    found = session.execute(text("SELECT deleted_at FROM items WHERE external_id = :id"), {"id": item_id})
    return found.scalar_one() is not None


COARSE = st.builds(
    row,
    st.sampled_from([1.0, 2.0, 3.0]),
    st.integers(1, 4),
    st.sampled_from(["ada", "bob"]),
    st.sampled_from(["alien", "brazil"]),
)
REMOVAL = st.builds(row, st.none(), st.none(), st.sampled_from(["ada", "bob"]), st.sampled_from(["alien", "brazil"]))


@LAW
@given(rows=st.lists(st.one_of(COARSE, COARSE, REMOVAL), min_size=1, max_size=12), now_us=st.integers(1, 5))
def test_posting_everything_again_changes_nothing(run_on_database: Run, rows: list[RatingRow], now_us: int) -> None:
    async def check(database: Database) -> None:
        await database.write(empty)
        await database.write(set_ratings, rows, now_us)
        before = await database.read(state)
        again = [posted for posted in rows if posted.value is not None]
        if again:
            assert set(await database.write(statuses, again, now_us)) <= {Status.STALE, Status.UNCHANGED}
        assert await database.read(state) == before

    run_on_database(check)


@LAW
@given(data=st.data(), num_rows=st.integers(1, 8))
def test_the_order_of_ratings_with_different_dates_does_not_matter(
    run_on_database: Run, data: st.DataObject, num_rows: int
) -> None:
    values = data.draw(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=num_rows, max_size=num_rows))
    rows = [row(value, rated_at_us) for rated_at_us, value in enumerate(values, 1)]
    shuffled = data.draw(st.permutations(rows))

    async def check(database: Database) -> None:
        await database.write(empty)
        await database.write(set_ratings, shuffled, NOW)
        assert [found[2:4] for found in await database.read(state)] == [(values[-1], num_rows)]

    run_on_database(check)


@LAW
@given(rows=st.lists(st.one_of(COARSE, REMOVAL), min_size=1, max_size=12))
def test_a_batch_equals_its_rows_posted_one_by_one(run_on_database: Run, rows: list[RatingRow]) -> None:
    async def check(database: Database) -> None:
        await database.write(empty)
        singly = [(await database.write(set_ratings, [one], NOW)).outcomes[0] for one in rows]
        one_by_one, changes = await database.read(state), await database.read(history)
        await database.write(empty)
        assert (await database.write(set_ratings, rows, NOW)).outcomes == singly
        assert (await database.read(state), await database.read(history)) == (one_by_one, changes)
        assert changes == list(range(1, len(changes) + 1))

    run_on_database(check)


def test_ratings_are_listed_newest_change_first_and_never_twice_while_they_change(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        await database.write(set_ratings, [row(3, 10, item=f"i{n}") for n in range(10)], NOW)
        seen: list[str] = []
        before = None
        while True:
            page = await database.read(service.list_ratings, "ada", 3, before)
            seen += [rating[0] for rating in page.ratings]
            if not page.more:
                break
            before = page.ratings[-1][4]
            await database.write(set_ratings, [row(4, 20, item=seen[0]), row(1, 30, item=f"new{len(seen)}")], NOW)
        assert seen == [f"i{n}" for n in reversed(range(10))]

    run_on_database(check)
