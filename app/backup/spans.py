"""Spans of time that a restore has undone: what was handed out in one of them names what may be something else now."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.tables import Restore


class UndoneSpan(NamedTuple):
    """From a backup to its restore, in microseconds since 1970."""

    taken_at_us: int
    restored_at_us: int


def find_undone(session: Session) -> list[UndoneSpan]:
    """Find the spans that restores of this database have undone."""
    rows = session.execute(select(Restore.taken_at_us, Restore.restored_at_us))
    return [UndoneSpan(*row) for row in rows]


def is_undone(spans: Sequence[UndoneSpan], moment_us: int) -> bool:
    """Return whether a restore has undone what happened at a moment."""
    return any(span.taken_at_us < moment_us <= span.restored_at_us for span in spans)


def last_restore(spans: Sequence[UndoneSpan]) -> int:
    """Return when the database was last restored, 0 if it never was."""
    return max((span.restored_at_us for span in spans), default=0)
