"""Keys: made, listed, revoked, and looked up by every request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.keys import repository
from app.keys.repository import KnownKey
from app.keys.scopes import Scope, hash_key, new_key
from app.tables import ApiKey


@dataclass(frozen=True)
class NewKey:
    """A key just made; ``secret`` is shown once and kept nowhere."""

    id: int
    secret: str


@dataclass(frozen=True)
class KnownKeys:
    """What the database says about keys at one moment."""

    any_made: bool
    by_hash: Mapping[str, KnownKey]


def create(session: Session, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None) -> NewKey:
    """Make a key, store its hash, return the key itself."""
    secret = new_key()
    key = ApiKey(
        name=name,
        hash=hash_key(secret.encode()),
        scopes=sorted({scope.value for scope in scopes}),
        created_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    return NewKey(repository.add(session, key).id, secret)


def create_first(
    session: Session, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
) -> NewKey | None:
    """Make a key unless one was made before."""
    return None if repository.has_any(session) else create(session, name, scopes, expires_at)


def rotate(session: Session, key_id: int, grace: timedelta, expires_at: datetime | None = None) -> NewKey | None:
    """Make a key with the name and scopes of another, which expires after ``grace``; None if that works no more."""
    now = datetime.now(UTC)
    old = repository.find_working(session, key_id, now)
    if old is None:
        return None
    old.expires_at = min(now + grace, old.expires_at or datetime.max.replace(tzinfo=UTC))
    return create(session, old.name, map(Scope, old.scopes), expires_at)


def note_use(session: Session, ids: Iterable[int]) -> None:
    """Store that keys were used just now."""
    repository.note_use(session, ids, datetime.now(UTC))


def revoke(session: Session, key_id: int) -> bool:
    """Revoke a key; False if there is no such key that still works."""
    return repository.revoke(session, key_id, datetime.now(UTC))


def name_of(session: Session, secret: str | None) -> str | None:
    """Return whose key a caller sent, e.g. ``key 3 (ops)``; None if they sent none that is known."""
    key = repository.find_key(session, hash_key(secret.encode("latin-1"))) if secret else None
    return f"key {key.id} ({key.name})" if key else None


def known_keys(session: Session) -> KnownKeys:
    """Read all that a server must know about keys."""
    return KnownKeys(repository.has_any(session), repository.unrevoked_keys(session))
