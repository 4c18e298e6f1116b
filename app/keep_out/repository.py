"""Every query about ids that are kept out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database.sql_rows import select_with
from app.tables import KeptOut

FIND = "SELECT k.hash FROM {rows} JOIN kept_out k ON k.hash = q.hash"


def find(session: Session, hashes: Sequence[str]) -> set[str]:
    """Return which of these are there."""
    return {row[0] for row in select_with(session, FIND, "hash text", [hashes])}


def add(session: Session, kind: str, digest: str, secret_id: str, *, now: datetime) -> bool:
    """Add one; return whether it is new."""
    if session.get(KeptOut, digest) is not None:
        return False
    session.add(KeptOut(hash=digest, kind=kind, secret_id=secret_id, kept_at=now))
    session.flush()
    return True


def remove(session: Session, digest: str) -> bool:
    """Remove one; return whether it was there."""
    result = session.execute(delete(KeptOut).where(KeptOut.hash == digest))
    assert isinstance(result, CursorResult)  # noqa: S101 - tells mypy the result of a DELETE
    return result.rowcount > 0


def list_all(session: Session) -> Sequence[KeptOut]:
    """Return all, the latest first."""
    return session.scalars(select(KeptOut).order_by(KeptOut.kept_at.desc(), KeptOut.hash)).all()


def count_by_secret(session: Session) -> dict[str, int]:
    """Count them by the secret under which they were hashed."""
    rows = session.execute(select(KeptOut.secret_id, func.count()).group_by(KeptOut.secret_id))
    return {row[0]: row[1] for row in rows}
