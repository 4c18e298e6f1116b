"""Every query about requests that are carried out once."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.orm import Session

from app.tables import IdempotentCall, UtcTime

ADD = text(
    "INSERT INTO idempotent_calls (hash, fingerprint, made_at) VALUES (:hash, :fingerprint, :now)"
    " ON CONFLICT (hash) DO NOTHING RETURNING hash"
).bindparams(bindparam("now", type_=UtcTime()))


def add(session: Session, digest: str, fingerprint: str, now: datetime) -> bool:
    """Note a call, waiting for a transaction that notes the same; return whether it is new."""
    values = {"hash": digest, "fingerprint": fingerprint, "now": now}
    return session.execute(ADD, values).scalar() is not None


def find(session: Session, digest: str, since: datetime) -> IdempotentCall | None:
    """Read a call that is kept."""
    return session.scalar(select(IdempotentCall).where(IdempotentCall.hash == digest, IdempotentCall.made_at >= since))


def is_any_older(session: Session, moment: datetime) -> bool:
    """Return whether a call was made before a moment."""
    return session.scalar(select(IdempotentCall.hash).where(IdempotentCall.made_at < moment).limit(1)) is not None


def remove_older(session: Session, moment: datetime, digest: str | None = None) -> None:
    """Remove the calls made before a moment, or one of them."""
    old = delete(IdempotentCall).where(IdempotentCall.made_at < moment)
    session.execute(old if digest is None else old.where(IdempotentCall.hash == digest))
