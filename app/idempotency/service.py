"""Carry out a request once: sent again under the same `Idempotency-Key`, it gets the answer of the first time.

The note stands in the transaction that creates something, so neither is there without the other. Two at once take
turns on its key. Neither the caller's key nor the request is stored, only hashes.
"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from app.database.engine import Database
from app.idempotency import repository
from app.kit.errors import IdempotencyKeyReused
from app.tables import IdempotentCall

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Once:
    """A request under a key, as hashes: the fingerprint's key is the caller's own, which is not stored."""

    hash: str
    fingerprint: str

    @staticmethod
    def of(caller: str, key: str, request: bytes) -> "Once":
        """Describe what a caller, known by their API key, sends under a key of their choice."""
        return OnceStreamed(caller, key, request).once()


class OnceStreamed:
    """A request under a key, whose body is known when it has been read."""

    def __init__(self, caller: str, key: str, request: bytes) -> None:
        self.hash = sha256(f"{sha256(caller.encode()).hexdigest()} {key}".encode()).hexdigest()
        self._fingerprint = hmac.new(key.encode(), request, "sha256")

    def read(self, body: Iterator[bytes]) -> Iterator[bytes]:
        """Return a body, and note what it is."""
        for data in body:
            self._fingerprint.update(data)
            yield data

    def once(self) -> Once:
        """Return the request, after its body."""
        return Once(self.hash, self._fingerprint.hexdigest())


@dataclass(frozen=True)
class Answer:
    """An answer: the body is JSON, or lines of it. The subject is what a call that goes in steps created first."""

    status: int | None
    body: str | None
    location: str | None = None
    subject: str | None = None
    is_replayed: bool = False


def find(session: Session, once: Once | None) -> Answer | None:
    """Return the answer that a request got before; without a body, if it is not complete.

    Raises:
        IdempotencyKeyReused: if another request came under its key.
    """
    found = repository.find(session, once.hash, datetime.now(UTC) - KEPT) if once else None
    return None if found is None or once is None else answer_of(found, once)


def is_known(session: Session, digest: str) -> bool:
    """Return whether a request came under a key before."""
    return repository.find(session, digest, datetime.now(UTC) - KEPT) is not None


def answer_of(found: IdempotentCall, once: Once) -> Answer:
    """Return the answer that is noted."""
    if found.fingerprint != once.fingerprint:
        raise IdempotencyKeyReused
    return Answer(found.status, found.body, found.location, found.subject, is_replayed=True)


def begin(session: Session, once: Once | None) -> Answer | None:
    """Note a request that comes for the first time, or return the answer that it got before, as `find`."""
    if once is None:
        return None
    now = datetime.now(UTC)
    repository.remove_older(session, now - KEPT, once.hash)
    return None if repository.add(session, once.hash, once.fingerprint, now) else find(session, once)


def complete(session: Session, once: Once | None, answer: Answer) -> Answer:
    """Note the answer to a request that was begun, and return it; one that is noted already stays."""
    call = repository.find(session, once.hash, datetime.now(UTC) - KEPT) if once else None
    if call is None or once is None:
        return answer
    if call.body is not None:
        return answer_of(call, once)
    call.status, call.body, call.location, call.subject = answer.status, answer.body, answer.location, answer.subject
    return answer


def carry_out(session: Session, once: Once | None, work: Callable[[Session], Answer]) -> Answer:
    """Do something in one transaction with the note of it, unless that was done before."""
    return begin(session, once) or complete(session, once, work(session))


async def forget_old(database: Database) -> None:
    """Remove what is not kept any more."""
    moment = datetime.now(UTC) - KEPT
    if await database.read(repository.is_any_older, moment):
        await database.write(repository.remove_older, moment)
