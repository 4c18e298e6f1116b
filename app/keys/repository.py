"""Every statement about keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.tables import ApiKey


def add(session: Session, key: ApiKey) -> ApiKey:
    """Store a new key, which gets its id."""
    session.add(key)
    session.flush()
    return key


def list_keys(session: Session) -> Sequence[ApiKey]:
    """List all keys, revoked ones too, oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def valid_scopes(session: Session) -> dict[str, frozenset[str]]:
    """Return the scopes of every key that is not revoked, by its hash."""
    rows = session.execute(select(ApiKey.hash, ApiKey.scopes).where(ApiKey.revoked_at.is_(None)))
    return {row.hash: frozenset(row.scopes) for row in rows}


def has_any(session: Session) -> bool:
    """Return whether a key was ever made: revoking the last one closes the server, it does not open it."""
    return bool(session.scalar(select(exists().select_from(ApiKey))))


def find_key(session: Session, key_hash: str) -> ApiKey | None:
    """Find a key by its hash."""
    return session.scalar(select(ApiKey).where(ApiKey.hash == key_hash))


def revoke(session: Session, key_id: int, now: datetime) -> bool:
    """Mark a key as revoked; False if there is no such key that still works."""
    statement = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    return session.execute(statement.returning(ApiKey.id)).first() is not None
