"""Every query about events."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database.sql_rows import select_with
from app.feedback.parse import EventRow
from app.tables import Event, User

COLUMNS = (
    "answered_at_us bigint, answer bigint, item_id bigint, type text, user_id bigint, list text, version text, "
    "source text, position bigint, experiment bigint, value float8, occurred_at_us bigint, recorded_at_us bigint"
)
NAMES = ", ".join(column.split()[0] for column in COLUMNS.split(", "))
RECORD = f"""
    INSERT INTO events ({NAMES}) SELECT {NAMES} FROM {{rows}} WHERE true ON CONFLICT DO NOTHING
    RETURNING answered_at_us, answer, item_id, type
"""  # noqa: S608 - names of our own
MAX_ROWS_PER_DELETE = 10_000
EventKey = tuple[int, int, int, str]


def add_events(session: Session, rows: Sequence[EventRow], recorded_at_us: int) -> set[EventKey]:
    """Add the events that are new; return their keys."""
    if not rows:  # the impression of an answer without items
        return set()
    columns = [list(column) for column in zip(*rows, strict=True)]
    found = select_with(session, RECORD, COLUMNS, [*columns, [recorded_at_us] * len(rows)])
    return {(moment, answer, item, kind) for moment, answer, item, kind in found}


def lock_users(session: Session, numbers: Sequence[int]) -> set[int]:
    """Return which users exist, and lock them so that none is erased before this transaction ends."""
    query = select(User.id).where(User.id.in_(numbers)).order_by(User.id)
    return set(session.scalars(query.with_for_update(read=True, key_share=True)))


def remove_before(session: Session, answered_at_us: int) -> int:
    """Delete some thousand events of the oldest answers before a moment; return their number, 0 when none is left."""
    old = select(Event.answered_at_us).where(Event.answered_at_us < answered_at_us).order_by(Event.answered_at_us)
    last = session.scalar(old.offset(MAX_ROWS_PER_DELETE).limit(1))
    until = answered_at_us if last is None else last + 1
    result = session.execute(delete(Event).where(Event.answered_at_us < until))
    assert isinstance(result, CursorResult)  # noqa: S101 - tells mypy the result of a DELETE
    return result.rowcount
