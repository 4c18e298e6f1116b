"""Export: ratings or items, streamed in one snapshot, in the same order on both databases."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database.sql_rows import select_columns
from app.kit.times import from_us
from app.tables import Item, Rating, User
from app.transfer.writing.lines import Rows, Writer

USERS_A_STEP = 100
ITEMS_A_STEP = 1_000
RATED = ("q.n", "i.external_id", "r.value", "r.rated_at_us")
RATINGS = """
    SELECT {columns} FROM {rows}
    JOIN ratings r ON r.user_id = q.id JOIN items i ON i.id = r.item_id WHERE r.value IS NOT NULL
"""
Progress = Callable[[int, int], None]  # rows written, rows in all


def export_ratings(session: Session, writer: Writer, progress: Progress) -> int:
    """Write every rating, ordered by the ids of user and item; return their number."""
    total = session.scalar(select(func.count()).select_from(Rating).where(Rating.value.is_not(None))) or 0
    num_rows = 0
    for users in user_steps(session):
        rows = ratings_of(session, users)
        writer.write(rows)
        num_rows += len(rows)
        progress(num_rows, total)
    return num_rows


def user_steps(session: Session) -> Iterator[Sequence[Any]]:
    """Return the users in the order of their ids' code points, some at a time."""
    query = select(User.id, User.external_id).order_by(by_code_point(session, User.external_id))
    yield from session.execute(query.execution_options(yield_per=USERS_A_STEP)).partitions()


def by_code_point(session: Session, column: Any) -> Any:
    """Order text as SQLite does, whatever the locale of a PostgreSQL."""
    return column.collate("C") if session.connection().dialect.name == "postgresql" else column


def ratings_of(session: Session, users: Sequence[Any]) -> Rows:
    """Return the ratings of some users."""
    found = select_columns(session, RATINGS, RATED, names_and_types="id bigint", given=[[user.id for user in users]])
    return [
        {"user_id": users[n - 1].external_id, "item_id": item_id, "value": value, "rated_at": from_us(rated_at_us)}
        for n, item_id, value, rated_at_us in sorted(zip(*found, strict=True))
    ]


def export_items(session: Session, writer: Writer, progress: Progress) -> int:
    """Write every item that is not deleted, ordered by id; return their number."""
    standing = Item.deleted_at.is_(None)
    total = session.scalar(select(func.count()).select_from(Item).where(standing)) or 0
    named = (Item.title, Item.categories, Item.active, Item.attributes, Item.available_from, Item.available_until)
    query = (
        select(Item.external_id.label("item_id"), *named)
        .where(standing)
        .order_by(by_code_point(session, Item.external_id))
    )
    num_rows = 0
    for step in session.execute(query.execution_options(yield_per=ITEMS_A_STEP)).mappings().partitions():
        writer.write([dict(row) for row in step])
        num_rows += len(step)
        progress(num_rows, total)
    return num_rows
