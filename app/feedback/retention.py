"""Retention: deletes the events of answers older than `keep_events_days`."""

from time import monotonic

import structlog

from app.database.engine import Database
from app.feedback import repository
from app.kit.times import DAY_US, now_us
from app.settings import Settings

EVERY_S = 3_600.0

log = structlog.get_logger()


class Retention:
    """Deletes once an hour, some thousand rows per transaction, so that no other transaction waits long."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._kept_us = settings.keep_events_days * DAY_US
        self._due = 0.0

    async def poll(self) -> int:
        """Delete what is too old, if it is time; return the number of rows."""
        if monotonic() < self._due:
            return 0
        self._due = monotonic() + EVERY_S
        oldest_us, num_removed = now_us() - self._kept_us, 0
        while num_rows := await self._database.write(repository.remove_before, oldest_us):
            num_removed += num_rows
        if num_removed:
            log.info("old_events_removed", rows=num_removed)
        return num_removed
