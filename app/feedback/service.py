"""The rules of recording events: each once, and of a user only as long as they exist."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.feedback import repository
from app.feedback.parse import EventRow

MAX_USERS_PER_QUERY = 1_000


def record(session: Session, rows: Sequence[EventRow], now_us: int) -> list[bool]:
    """Record events; return whether each row is new. Events of a user who is gone are stored without a user."""
    numbers = sorted({row.user for row in rows if row.user is not None})
    there: set[int] = set()
    for start in range(0, len(numbers), MAX_USERS_PER_QUERY):
        there |= repository.lock_users(session, numbers[start : start + MAX_USERS_PER_QUERY])
    first = {row[:4]: row if row.user in there else row._replace(user=None) for row in reversed(rows)}
    new = repository.add_events(session, [first[key] for key in sorted(first)], now_us)
    is_new = []
    for row in rows:
        is_new.append(row[:4] in new)
        new.discard(row[:4])  # the same again is not
    return is_new
