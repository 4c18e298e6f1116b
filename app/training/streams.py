"""The streams of run events of one process: how many are open, and what they read together."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from weakref import WeakValueDictionary

from app.database.engine import Database
from app.kit.errors import StreamsFull
from app.kit.refreshing import Refreshing
from app.training import service
from app.training.service import Progress


class Streams:
    """Counts the streams, and reads a run once for all who follow it.

    Args:
        interval: between two reads of a run.
        max_streams: open at a time.
    """

    def __init__(self, database: Database, interval: timedelta, max_streams: int) -> None:
        self._database, self._interval, self._max_streams = database, interval, max_streams
        self._num_open = 0
        self._progress: WeakValueDictionary[int, Refreshing[[], Progress]] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold the place of one stream.

        Raises:
            StreamsFull: if there is none.
        """
        if self._num_open >= self._max_streams:
            raise StreamsFull
        self._num_open += 1
        try:
            yield
        finally:
            self._num_open -= 1

    def progress_of(self, run_id: int) -> Refreshing[[], Progress]:
        """Return what reads how far a run has come, from its first epoch; kept as long as a stream follows the run."""
        if (progress := self._progress.get(run_id)) is None:

            def read() -> Awaitable[Progress]:
                return self._database.read(service.get_progress, run_id)

            progress = Refreshing(read, min_age_s=self._interval.total_seconds())
            self._progress[run_id] = progress
        return progress
