"""Every statement about keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

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


class KnownKey(NamedTuple):
    """What a key that is not revoked allows, and until when."""

    id: int
    scopes: frozenset[str]
    expires_at: datetime | None


def unrevoked_keys(session: Session) -> dict[str, KnownKey]:
    """Return every key that is not revoked, expired ones too, by its hash."""
    rows = session.execute(
        select(ApiKey.hash, ApiKey.id, ApiKey.scopes, ApiKey.expires_at).where(ApiKey.revoked_at.is_(None))
    )
    return {row.hash: KnownKey(row.id, frozenset(row.scopes), row.expires_at) for row in rows}


def note_use(session: Session, ids: Iterable[int], now: datetime) -> None:
    """Store when keys were last used."""
    session.execute(update(ApiKey).where(ApiKey.id.in_(ids)).values(last_used_at=now))


def find_working(session: Session, key_id: int, now: datetime) -> ApiKey | None:
    """Find a key that is neither revoked nor expired."""
    key = session.get(ApiKey, key_id)
    is_working = key and not key.revoked_at and (key.expires_at is None or key.expires_at > now)
    return key if is_working else None


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
