"""Keys: made, listed, revoked, and looked up by every request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.keys import repository
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
    scopes: Mapping[str, frozenset[str]]


def create(session: Session, name: str, scopes: Iterable[Scope]) -> NewKey:
    """Make a key, store its hash, return the key itself."""
    secret = new_key()
    names = sorted({scope.value for scope in scopes})
    key = ApiKey(name=name, hash=hash_key(secret.encode()), scopes=names, created_at=datetime.now(UTC), revoked_at=None)
    return NewKey(repository.add(session, key).id, secret)


def create_first(session: Session, name: str, scopes: Iterable[Scope]) -> NewKey | None:
    """Make a key unless one was made before."""
    return None if repository.has_any(session) else create(session, name, scopes)


def revoke(session: Session, key_id: int) -> bool:
    """Revoke a key; False if there is no such key that still works."""
    return repository.revoke(session, key_id, datetime.now(UTC))


def name_of(session: Session, secret: str | None) -> str | None:
    """Return whose key a caller sent, e.g. ``key 3 (ops)``; None if they sent none that is known."""
    key = repository.find_key(session, hash_key(secret.encode("latin-1"))) if secret else None
    return f"key {key.id} ({key.name})" if key else None


def known_keys(session: Session) -> KnownKeys:
    """Read all that a server must know about keys."""
    return KnownKeys(repository.has_any(session), repository.valid_scopes(session))
