"""The keys as one server process knows them: in memory, read anew every poll_interval."""

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta

import structlog

from app.database.engine import Database
from app.keys import service
from app.keys.scopes import allows, hash_key, is_loopback, required_scope
from app.keys.service import KnownKeys
from app.kit.errors import DatabaseUnavailable, KeyExpired, KeyMissing, KeyRefused, PalateError, ScopeMissing

log = structlog.get_logger(__name__)
MIN_SECONDS_BETWEEN_READS = 0.1  # for keys that are refused: wrong ones must not keep the database busy
SECONDS_BETWEEN_NOTES = 60.0  # of the last use of a key


class KeyRing:
    """Decides about every request. Until the keys were read once, only the open paths answer."""

    def __init__(self, database: Database, host: str, poll_interval: timedelta) -> None:
        self._database = database
        self._poll_seconds = poll_interval.total_seconds()
        self._loopback = is_loopback(host)
        self._known: KnownKeys | None = None
        self._asked_at = 0.0
        self._used: set[int] = set()  # keys, since their last use was stored
        self._noted: dict[int, float] = {}  # when it was, by the monotonic clock

    @property
    def known(self) -> bool:
        """Whether the keys were read, at least once."""
        return self._known is not None

    @property
    def is_open(self) -> bool:
        """Whether whoever reaches this server may call it: only this machine can, and there is no key."""
        return self._loopback and self._known is not None and not self._known.any_made

    def allow(self, method: str, path: str, key: bytes | None) -> PalateError | None:
        """Return the reason why a call is refused, or None if it may go on."""
        scope = required_scope(method, path)
        if scope is None:
            return None
        if self._known is None:
            return DatabaseUnavailable()
        if self.is_open:
            return None
        if key is None:
            return KeyMissing()
        known = self._known.by_hash.get(hash_key(key))
        if known is None:
            return KeyRefused()
        if known.expires_at and known.expires_at <= datetime.now(UTC):
            return KeyExpired(f"The key expired at {known.expires_at.isoformat(' ', 'seconds')}.")
        if not allows(known.scopes, scope):
            return ScopeMissing(f"This call needs a key with the scope `{scope}`.")
        self._used.add(known.id)
        return None

    async def allow_now(self, method: str, path: str, key: bytes | None) -> PalateError | None:
        """Decide again with the keys as they are now, so that a key works at once after it was made."""
        if time.monotonic() - self._asked_at > MIN_SECONDS_BETWEEN_READS:
            self._asked_at = time.monotonic()
            await self.refresh()
        return self.allow(method, path, key)

    async def refresh(self) -> None:
        """Read the keys; if the database does not answer, the last known ones stay."""
        try:
            self._known = await self._database.read(service.known_keys)
        except PalateError as error:
            log.warning("keys could not be read", error=str(error))

    async def note_use(self) -> None:
        """Store when keys were last used: once a minute for each, beside the requests, which it never fails."""
        now = time.monotonic()
        due = {key for key in self._used if now - self._noted.get(key, -math.inf) >= SECONDS_BETWEEN_NOTES}
        self._used -= due
        if not due:
            return
        self._noted.update(dict.fromkeys(due, now))
        try:
            await self._database.write(service.note_use, due)
        except PalateError as error:
            log.warning("the last use of keys could not be stored", error=str(error))

    async def keep_fresh(self) -> None:
        """Read the keys every poll_interval, and store their last use, until cancelled."""
        while True:
            await self.refresh()
            await self.note_use()
            await asyncio.sleep(self._poll_seconds)
