"""Group commit: the rows that wait while a transaction runs share the next one (docs/decisions/0004)."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

from sqlalchemy.orm import Session

from app.database.engine import Database
from app.kit.batching import Batcher
from app.kit.errors import DatabaseBusy, DatabaseSilent, DatabaseUnavailable
from app.kit.times import now_us

HOPELESS = (DatabaseBusy, DatabaseSilent)
MAX_ROWS = 2_000  # of one shared transaction

Row = TypeVar("Row")
Written = TypeVar("Written")


class GroupCommit(Batcher[Sequence[Row], Written]):
    """Stores the rows of this process's requests, many requests in one transaction.

    `submit` returns when a request's rows are committed; it raises `DatabaseUnavailable` if the database does not
    answer.

    Args:
        database: where to.
        store: writes rows, and returns what became of them.
        part: picks out of that what belongs to some of the rows.
    """

    def __init__(
        self,
        database: Database,
        store: Callable[[Session, Sequence[Row], int], Written],
        part: Callable[[Written, slice], Written],
    ) -> None:
        super().__init__(self._write, max_size=MAX_ROWS, size=len, fatal=DatabaseUnavailable, hopeless=HOPELESS)
        self._database, self._store, self._part = database, store, part

    async def _write(self, requests: Sequence[Sequence[Row]]) -> list[Written]:
        written = await self._database.write(self._store, [row for rows in requests for row in rows], now_us())
        ends = accumulate(map(len, requests))
        return [self._part(written, slice(end - len(rows), end)) for rows, end in zip(requests, ends, strict=True)]
