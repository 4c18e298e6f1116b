"""Every query about whole batches of ratings, as columns of numbers: COPY on PostgreSQL, long INSERTs on SQLite."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.database import counters
from app.database.postgresql.copying import Numbers, copy_in, copy_out
from app.database.sql_rows import insert_rows, select_columns
from app.ratings.repository import WRITE_SQLITE, add_users, set_user_revisions

NO_TIME = np.iinfo(np.int64).min  # no date, or no such rating

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

FOUND = ("q.n - 1", "r.value", "r.rated_at_us")
FIND_SQLITE = "SELECT {columns} FROM {rows} JOIN ratings r ON r.user_id = q.user_id AND r.item_id = q.item_id"
WANTED = """
    CREATE TEMP TABLE IF NOT EXISTS wanted_pairs (n bigint, user_id bigint, item_id bigint) ON COMMIT DELETE ROWS
"""
FIND_POSTGRESQL = """
    SELECT q.n, coalesce(r.value, 'NaN'), r.rated_at_us FROM wanted_pairs q
    JOIN ratings r ON r.user_id = q.user_id AND r.item_id = q.item_id
"""
UPDATE_RATINGS = """
    UPDATE ratings AS r SET value = q.value, rated_at_us = q.rated_at_us, revision = q.revision
    FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::bigint[], $5::bigint[])
        AS q(user_id, item_id, value, rated_at_us, revision)
    WHERE r.user_id = q.user_id AND r.item_id = q.item_id
"""


@dataclass(frozen=True)
class Stored:
    """What is stored of each row's pair (E,).

    Attributes:
        values: float64 (E,), NaN where there is no rating or it was removed.
        rated_at_us: int64 (E,), NO_TIME where the pair was never rated.
    """

    values: NDArray[np.float64]
    rated_at_us: Whole


@dataclass(frozen=True)
class BatchUsers:
    """The users that a batch names (U), each once: ids, numbers, and which are still to be added."""

    ids: list[str]
    numbers: Whole
    is_new: Flags


@dataclass(frozen=True)
class Changes:
    """Ratings to write (E), no pair twice.

    Attributes:
        user_places: int64 (E,), indices into the batch's users.
        users: int64 (E,), their numbers.
        items: int64 (E,), numbers.
        values: float64 (E,), on the scale.
        rated_at_us: int64 (E,).
        is_new: bool (E,), never rated before.
        order: int64 (E,), the places of the ratings as their key sorts them: neighbours are written one after another.
    """

    user_places: Whole
    users: Whole
    items: Whole
    values: NDArray[np.float64]
    rated_at_us: Whole
    is_new: Flags
    order: NDArray[np.intp]


def find_stored(session: Session, users: Whole, items: Whole, wanted: Flags) -> Stored:
    """Look up what is stored of the wanted rows' pairs; the others count as never rated."""
    stored = Stored(np.full(len(users), np.nan), np.full(len(users), NO_TIME))
    rows = np.flatnonzero(wanted)
    if len(rows):
        is_postgresql = session.connection().dialect.name == "postgresql"
        find = find_postgresql if is_postgresql else find_sqlite
        n, values, times = find(session, users[rows], items[rows])
        stored.values[rows[n]] = values
        stored.rated_at_us[rows[n]] = times
    return stored


def find_postgresql(session: Session, users: Whole, items: Whole) -> list[Numbers]:
    """Look pairs up through a temporary table: (place, value, date) of each that is there."""
    connection = session.connection()
    connection.exec_driver_sql(WANTED)
    for plan in ("hashjoin", "mergejoin"):  # both would read all ratings; the planner knows nothing of the new rows yet
        connection.exec_driver_sql(f"SET LOCAL enable_{plan} = off")
    copy_in(session, "wanted_pairs", {"n": np.arange(len(users)), "user_id": users, "item_id": items})
    return copy_out(session, FIND_POSTGRESQL, "ifi")


def find_sqlite(session: Session, users: Whole, items: Whole) -> list[Numbers]:
    """Look pairs up: (place, value, date) of each that is there; a rating that was removed has no value."""
    pairs = [users.tolist(), items.tolist()]
    n, values, times = select_columns(
        session, FIND_SQLITE, FOUND, names_and_types="user_id bigint, item_id bigint", given=pairs
    )
    return [np.array(n, np.int64), np.array(values, np.float64), np.array(times, np.int64)]


def write_changes(session: Session, changes: Changes, users: BatchUsers, *, revision: int, now_us: int) -> None:
    """Write history, ratings and their users, and move the counter on."""
    if not len(changes.users):
        return
    revisions = np.arange(revision + 1, revision + 1 + len(changes.users))
    if session.connection().dialect.name == "postgresql":
        write_postgresql(session, changes, revisions, now_us)
    else:
        write_sqlite(session, changes, revisions, now_us)
    last = np.zeros(len(users.ids), np.int64)
    last[changes.user_places] = revisions  # they grow, and the last one stays
    write_users(session, users, last, now_us)
    counters.move(session, "ratings", int(revisions[-1]))


def write_users(session: Session, users: BatchUsers, last: Whole, now_us: int) -> None:
    """Add the new users with their ``last`` revision (U,), and note it of the others; 0 is none."""
    new, old = np.flatnonzero(users.is_new & (last > 0)), np.flatnonzero(~users.is_new & (last > 0))
    new_ids = [users.ids[place] for place in new.tolist()]
    add_users(session, users.numbers[new].tolist(), new_ids, revisions=last[new].tolist(), now_us=now_us)
    set_user_revisions(session, users.numbers[old].tolist(), last[old].tolist())


def write_sqlite(session: Session, changes: Changes, revisions: Whole, now_us: int) -> None:
    """Insert the history; insert or replace the ratings."""
    columns = [changes.users, changes.items, changes.values, changes.rated_at_us, revisions]
    history = [*(column.tolist() for column in columns), [now_us] * len(revisions)]
    insert_rows(session, WRITE_SQLITE["history"], history)
    insert_rows(session, WRITE_SQLITE["ratings"], [column[changes.order].tolist() for column in columns])


def write_postgresql(session: Session, changes: Changes, revisions: Whole, now_us: int) -> None:
    """Copy the history and the new pairs in; update the others."""
    columns: dict[str, Numbers] = {
        "user_id": changes.users,
        "item_id": changes.items,
        "value": changes.values,
        "rated_at_us": changes.rated_at_us,
        "revision": revisions,
    }
    copy_in(session, "rating_changes", columns | {"recorded_at_us": np.full(len(revisions), now_us)})
    is_new = changes.is_new[changes.order]
    new, old = changes.order[is_new], changes.order[~is_new]
    copy_in(session, "ratings", {name: column[new] for name, column in columns.items()})
    if len(old):
        values = tuple(column[old].tolist() for column in columns.values())
        session.connection().exec_driver_sql(UPDATE_RATINGS, values)
