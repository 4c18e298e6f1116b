"""Every query about ratings and users, but those of whole batches."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import orjson
from sqlalchemy import func, inspect, select, tuple_, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.catalogue import repository as catalogue
from app.database import counters
from app.database.sql_rows import execute, insert_rows, select_with
from app.kit.times import database_time, from_us
from app.ratings.conflict import Pair
from app.tables import Event, Item, Rating, User

Key = tuple[str, str]

FIND_PAIRS = """
    SELECT u.id, i.id, CASE WHEN m.item_id IS NULL THEN r.value END, r.rated_at_us, i.deleted_at IS NOT NULL FROM {rows}
    LEFT JOIN users u ON u.external_id = q.user_id
    LEFT JOIN items i ON i.external_id = q.item_id
    LEFT JOIN ratings r ON r.user_id = u.id AND r.item_id = i.id
    LEFT JOIN item_removals m ON m.item_id = i.id AND m.revision >= r.revision
    ORDER BY q.n
"""  # what goes with a deleted item counts as gone already
RECALL = """
    SELECT q.n, c.value, c.rated_at_us FROM {rows}
    JOIN rating_changes c ON c.user_id = q.user_id AND c.item_id = q.item_id AND c.rated_at_us = q.rated_at_us
"""
RATINGS_AT = """
    SELECT c.user_id, c.item_id, c.value FROM {rows}
    JOIN rating_changes c ON c.user_id = q.user_id AND c.revision <= q.revision
    ORDER BY c.user_id, c.revision
"""
FIND_USERS = "SELECT u.external_id, u.id FROM {rows} JOIN users u ON u.external_id = q.external_id"
LAST_USER = """
    SELECT coalesce(max(n), 0)
    FROM (SELECT max(id) AS n FROM users UNION ALL SELECT max(user_number) FROM erasures) AS given
"""  # the number of an erased user still names them in model versions
ADD_USERS = {
    "postgresql": """
        INSERT INTO users (id, external_id, revision, created_at) SELECT id, external_id, revision, $4
        FROM ROWS FROM (unnest($1::bigint[]), json_array_elements_text($2::json), unnest($3::bigint[]))
        AS q(id, external_id, revision)
    """,
    "sqlite": "INSERT INTO users (id, external_id, revision, created_at) VALUES (?, ?, ?, ?)",
}
MOVE_USERS = {
    "postgresql": """
        UPDATE users SET revision = q.revision FROM unnest($1::bigint[], $2::bigint[]) AS q(revision, id)
        WHERE users.id = q.id
    """,
    "sqlite": "UPDATE users SET revision = ? WHERE id = ?",
}
WRITE_POSTGRESQL = """
    WITH q AS (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::bigint[], $5::bigint[], $6::bool[])
        AS q(user_id, item_id, value, rated_at_us, revision, latest)
    ), history AS (
        INSERT INTO rating_changes (revision, user_id, item_id, value, rated_at_us, recorded_at_us)
        SELECT revision, user_id, item_id, value, rated_at_us, $7::bigint FROM q
    ), now_rated AS (
        INSERT INTO ratings (user_id, item_id, value, rated_at_us, revision)
        SELECT user_id, item_id, value, rated_at_us, revision FROM q WHERE latest
        ON CONFLICT (user_id, item_id) DO UPDATE
        SET value = excluded.value, rated_at_us = excluded.rated_at_us, revision = excluded.revision
    )
    UPDATE users SET revision = last.revision
    FROM (SELECT user_id, max(revision) AS revision FROM q GROUP BY user_id) AS last WHERE users.id = last.user_id
"""
WRITE_SQLITE = {
    "history": "INSERT INTO rating_changes (user_id, item_id, value, rated_at_us, revision, recorded_at_us)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "ratings": "INSERT OR REPLACE INTO ratings (user_id, item_id, value, rated_at_us, revision) VALUES (?, ?, ?, ?, ?)",
}


class Change(NamedTuple):
    """One change of a rating. ``latest``: no later change of the same rating is in the batch."""

    user: int
    item: int
    value: float | None
    rated_at_us: int
    revision: int
    latest: bool


class StoredUser(NamedTuple):
    """What is known about a user."""

    id: int
    external_id: str
    revision: int
    created_at: datetime
    num_ratings: int


class RatingPage(NamedTuple):
    """Some of a user's ratings: (item id, title, value, rated_at_us, revision) each, and whether more follow."""

    revision: int
    ratings: Sequence[Any]
    more: bool


def find_pairs(session: Session, keys: Sequence[Key]) -> dict[Key, Pair]:
    """Look up users, items and what is stored of their ratings."""
    found = select_with(session, FIND_PAIRS, "user_id text, item_id text", list(zip(*keys, strict=True)))
    return {
        key: Pair(user, item, value, rated_at_us, item_deleted=bool(deleted))
        for key, (user, item, value, rated_at_us, deleted) in zip(keys, found, strict=True)
    }


def load_history(session: Session, pairs: Sequence[Pair]) -> None:
    """Note in each pair the values that its history holds for the moment stored."""
    if not pairs:
        return
    columns = [[p.user for p in pairs], [p.item for p in pairs], [p.rated_at_us for p in pairs]]
    names = "user_id bigint, item_id bigint, rated_at_us bigint"
    for n, value, rated_at_us in select_with(session, RECALL, names, columns):
        pairs[n - 1].recorded.add((value, rated_at_us))


def create_missing(session: Session, pairs: dict[Key, Pair], now_us: int) -> None:
    """Create the users and items that are not there yet; items that were deleted come back with a rating."""
    users = list(dict.fromkeys(user for (user, _), pair in pairs.items() if pair.user is None))
    items = list(dict.fromkeys(item for (_, item), p in pairs.items() if p.item is None or p.item_deleted))
    user_numbers = create_users(session, users, now_us) if users else {}
    item_numbers = catalogue.ensure_items(session, items, from_us(now_us)) if items else {}
    for (user, item), pair in pairs.items():
        pair.user = pair.user or user_numbers[user]
        pair.item = pair.item or item_numbers[item]


def next_user(session: Session) -> int:
    """Return the number of the next user to create. The ratings' lock is held."""
    return int(session.connection().exec_driver_sql(LAST_USER).scalar_one()) + 1


def create_users(session: Session, external_ids: Sequence[str], now_us: int) -> dict[str, int]:
    """Create users who are not there; return their numbers. The ratings' lock is held."""
    numbers = dict(zip(external_ids, count(next_user(session)), strict=False))
    add_users(session, list(numbers.values()), external_ids, revisions=[0] * len(numbers), now_us=now_us)
    return numbers


def add_users(
    session: Session, numbers: list[int], external_ids: Sequence[str], *, revisions: list[int], now_us: int
) -> None:
    """Add users whose numbers are chosen."""
    if not numbers:
        return
    connection = session.connection()
    moment = database_time(from_us(now_us), connection.dialect.name)
    if connection.dialect.name == "postgresql":
        columns = (numbers, orjson.dumps(external_ids).decode(), revisions, moment)
        connection.exec_driver_sql(ADD_USERS["postgresql"], columns)
    else:
        insert_rows(session, ADD_USERS["sqlite"], [numbers, external_ids, revisions, [moment] * len(numbers)])


def set_user_revisions(session: Session, numbers: list[int], revisions: list[int]) -> None:
    """Store the latest revision of users, given by number."""
    if numbers:
        execute(session, MOVE_USERS, [revisions, numbers])


def find_users(session: Session, external_ids: Sequence[str]) -> dict[str, int]:
    """Return the numbers of the users that are there."""
    return dict(tuple(row) for row in select_with(session, FIND_USERS, "external_id text", [external_ids]))


def write_changes(session: Session, changes: Sequence[Change], now_us: int) -> None:
    """Append to the history, bring the ratings and their users' revisions up to date."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        columns = tuple(map(list, zip(*changes, strict=True)))
        connection.exec_driver_sql(WRITE_POSTGRESQL, (*columns, now_us))
        return
    connection.exec_driver_sql(WRITE_SQLITE["history"], [(*change[:5], now_us) for change in changes])
    connection.exec_driver_sql(WRITE_SQLITE["ratings"], [change[:5] for change in changes if change.latest])
    last = {change.user: change.revision for change in changes}
    set_user_revisions(session, list(last), list(last.values()))


def get_user(session: Session, user_id: str) -> StoredUser | None:
    """Find a user by the caller's id."""
    rated = (
        select(func.count())
        .select_from(Rating)
        .where(Rating.user_id == User.id, Rating.value.is_not(None))
        .scalar_subquery()
    )
    query = select(User.id, User.external_id, User.revision, User.created_at, rated).where(User.external_id == user_id)
    row = session.execute(query).one_or_none()
    return None if row is None else StoredUser(*row)


def list_ratings(session: Session, user: StoredUser, limit: int, before: int | None) -> RatingPage:
    """Return a user's ratings, newest change first."""
    query = (
        select(Item.external_id, Item.title, Rating.value, Rating.rated_at_us, Rating.revision)
        .join(Item, Item.id == Rating.item_id)
        .where(Rating.user_id == user.id, Rating.value.is_not(None))
        .order_by(Rating.revision.desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(Rating.revision < before)
    rows = session.execute(query).all()
    return RatingPage(counters.read(session, "ratings"), rows[:limit], len(rows) > limit)


def all_ratings(session: Session, user: StoredUser) -> Sequence[Any]:
    """Return every rating of a user, oldest first: (item id, value, rated_at_us) each."""
    query = (
        select(Item.external_id, Rating.value, Rating.rated_at_us)
        .join(Item, Item.id == Rating.item_id)
        .where(Rating.user_id == user.id, Rating.value.is_not(None))
    )
    return session.execute(query.order_by(Rating.rated_at_us, Rating.item_id)).all()


def ratings_at(session: Session, users: Sequence[int], revision: int) -> dict[int, dict[int, float]]:
    """Look up in the history what users, given by number, had rated at a revision: values by the items' numbers.

    Users without a history up to then are left out: they rated nothing yet, or were deleted since.
    """
    changes = select_with(session, RATINGS_AT, "user_id bigint, revision bigint", [users, [revision] * len(users)])
    latest: dict[int, dict[int, float | None]] = {}
    for user, item, value in changes:
        latest.setdefault(user, {})[item] = value
    return {
        user: {item: value for item, value in ratings.items() if value is not None} for user, ratings in latest.items()
    }


def has_events(session: Session, user: StoredUser) -> bool:
    """Return whether there are events of a user."""
    return session.scalar(select(Event.user_id).where(Event.user_id == user.id).limit(1)) is not None


def move_events(session: Session, user_id: str, from_user_id: str, limit: int) -> bool:
    """Move some of the events of one user to another, if both are there; return whether there were as many."""
    target = session.scalar(select(User.id).where(User.external_id == user_id))
    source = session.scalar(select(User.id).where(User.external_id == from_user_id))
    if target is None or source is None:
        return False
    key = tuple_(*inspect(Event).primary_key)
    some = select(*inspect(Event).primary_key).where(Event.user_id == source).limit(limit)
    moved = session.execute(update(Event).where(Event.user_id == source, key.in_(some)).values(user_id=target))
    assert isinstance(moved, CursorResult)  # noqa: S101 - tells mypy the result of an UPDATE
    return moved.rowcount == limit
