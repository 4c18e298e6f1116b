"""Group commit: the rows that wait while a transaction runs share the next one (docs/decisions/0004)."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy.orm import Session

from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable
from app.kit.times import now_us

MAX_ROWS = 2_000  # of one shared transaction

Row = TypeVar("Row")
Written = TypeVar("Written")


class Waiting(NamedTuple, Generic[Row, Written]):
    """A request's rows, and where its answer is awaited."""

    rows: Sequence[Row]
    answer: asyncio.Future[Written]


class GroupCommit(Generic[Row, Written]):
    """Stores the rows of this process's requests, many requests in one transaction.

    ``store`` writes rows and says what became of them; ``part`` gives what of that belongs to some of the rows.
    """

    def __init__(
        self,
        database: Database,
        store: Callable[[Session, Sequence[Row], int], Written],
        part: Callable[[Written, slice], Written],
    ) -> None:
        self._database = database
        self._store, self._part = store, part
        self._waiting: deque[Waiting[Row, Written]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def submit(self, rows: Sequence[Row]) -> Written:
        """Store one request's rows; they are committed when this returns.

        Raises:
            DatabaseUnavailable: if the database does not answer.
        """
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(rows, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def close(self) -> None:
        """Wait until everything submitted is stored."""
        if self._writing:
            await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write_together(self._take())
        finally:
            self._writing = None

    def _take(self) -> list[Waiting[Row, Written]]:
        taken = [self._waiting.popleft()]
        num_rows = len(taken[0].rows)
        while self._waiting and num_rows + len(self._waiting[0].rows) <= MAX_ROWS:
            taken.append(self._waiting.popleft())
            num_rows += len(taken[-1].rows)
        return taken

    async def _write_together(self, group: list[Waiting[Row, Written]]) -> None:
        rows = [row for waiting in group for row in waiting.rows]
        try:
            written = await self._database.write(self._store, rows, now_us())
        except Exception as error:
            if len(group) == 1 or isinstance(error, DatabaseUnavailable):
                fail(group, error)
            else:
                for waiting in group:
                    await self._write_together([waiting])
            return
        start = 0
        for waiting in group:
            end = start + len(waiting.rows)
            if not waiting.answer.done():
                waiting.answer.set_result(self._part(written, slice(start, end)))
            start = end


def fail(group: list[Waiting[Row, Written]], error: Exception) -> None:
    """Tell every request of a group that nothing was stored."""
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
