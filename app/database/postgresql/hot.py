"""The hot read, one statement on the driver's own connections, and whether the database answers it at all.

All that each request goes through on PostgreSQL is in this file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.database import db_errors
from app.database.db_errors import is_disconnect
from app.database.engine import Database
from app.database.postgresql.connecting import Connector
from app.kit.errors import DatabaseBusy, DatabaseSilent, DatabaseUnavailable, OutcomeUnknown

HOT_TIMEOUT_S = 2
MAX_ATTEMPTS = 3
TICK_S = 0.25
ENDING_S = 0.05  # for a call to end by itself once its connection is gone
SILENT = "the database answers nothing"
# The last one comes where the server has said that the connection ends, and not closed it yet.
ENDED = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)


@dataclass
class Call:
    """A call under way."""

    is_write: bool
    is_committing: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether it may be stored, should its connection be lost now."""
        return self.is_write and self.is_committing


class Pulse:
    """Watches the calls under way, and asks the database whether it lives when one of them waits.

    Args:
        ask: gets any answer at all from the database, on a connection of its own; forgets that connection if cancelled.
        silence_s: without an answer, after which all calls end, and new ones do not begin until there is one.
        cut: ends every connection.
    """

    def __init__(self, ask: Callable[[], Awaitable[None]], silence_s: float, cut: Callable[[], None]) -> None:
        self._ask, self._silence_s, self._cut = ask, silence_s, cut
        self._calls: dict[asyncio.Timeout, float] = {}
        self._watching: asyncio.Task[None] | None = None
        self.is_silent = False

    @contextmanager
    def watch(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Watch a call; ``limit`` is how it is ended."""
        self._calls[limit] = asyncio.get_running_loop().time()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            del self._calls[limit]

    async def _watch(self) -> None:
        try:
            while self._calls:
                await asyncio.sleep(TICK_S)
                if self._is_any_late() and not await self._answers():
                    await self._wait_for_answer()
        finally:
            self._watching, self.is_silent = None, False

    def _is_any_late(self) -> bool:
        oldest = next(iter(self._calls.values()), None)
        return oldest is not None and asyncio.get_running_loop().time() - oldest >= TICK_S

    async def _answers(self) -> bool:
        """Ask, and wait in short steps: one that this process slept through counts once, however long it was."""
        asking = asyncio.ensure_future(self._ask())
        try:
            for _ in range(max(1, round(self._silence_s / TICK_S))):
                await asyncio.wait({asking}, timeout=TICK_S)
                if asking.done():
                    return not isinstance(asking.exception(), TimeoutError)  # an error is an answer too
            return False
        finally:  # a watch that ends while it asks leaves no connection behind
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _wait_for_answer(self) -> None:
        self.is_silent = True
        self._cut()
        end = asyncio.get_running_loop().time() + ENDING_S
        for limit in self._calls:
            if not limit.expired():
                limit.reschedule(end)
        while True:
            try:
                await self._ask()
                break
            except TimeoutError:
                continue
            except Exception:
                break
        self.is_silent = False

    async def close(self) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching


class HotConnections:
    """Connections of the driver itself, for single reading statements.

    Such a statement leaves nothing behind, so a connection goes from one request to the next without a pool's ROLLBACK
    and bookkeeping: a third of the processor time (docs/decisions/0009).
    """

    def __init__(self, connector: Connector, max_connections: int) -> None:
        self._connector = connector
        self._free: list[asyncpg.Connection] = []
        self._places = asyncio.Semaphore(max_connections)
        self.num_used = 0

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        """Fetch one row; a connection on which anything went wrong is not used again."""
        async with self._places:
            self.num_used += 1
            try:
                return await self._fetch_row(sql, *args)
            finally:
                self.num_used -= 1

    async def _fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        connection = self._free.pop() if self._free else await self._connector.connect()
        try:
            row: Sequence[Any] | None = await connection.fetchrow(sql, *args, timeout=HOT_TIMEOUT_S)
        except (OSError, *ENDED):
            self._drop(connection)
            raise
        except BaseException:
            connection.terminate()
            raise
        self._free.append(connection)
        return row

    def _drop(self, connection: asyncpg.Connection) -> None:
        """Drop a lost connection, and the idle ones, which the same restart has closed."""
        connection.terminate()
        while self._free:
            self._free.pop().terminate()

    async def close(self) -> None:
        """Close every connection."""
        while self._free:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._free.pop().close(timeout=1)


class HotReads(Database):
    """A database whose calls are watched, and whose hot reads take the driver's own connections."""

    _pulse: Pulse
    _hot: HotConnections

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        """Fetch one row, on a new connection if the server has closed the one that was kept."""
        with self._translating(Call(is_write=False)):
            async with asyncio.timeout(None) as limit:
                with self._pulse.watch(limit):
                    return await self._fetch_row(sql, *args)

    async def _fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._hot.fetch_row(sql, *args)
            except (OSError, asyncpg.PostgresError, *ENDED) as error:
                if attempt == MAX_ATTEMPTS or isinstance(error, TimeoutError) or not self._is_worth_another(error):
                    raise translate_error(error) from error
        raise AssertionError("unreachable")

    @contextmanager
    def _translating(self, call: Call) -> Iterator[None]:
        """Turn the loss of the database into our own error, counted and logged; any other error stays what it is."""
        try:
            if self._pulse.is_silent:
                raise DatabaseSilent(cause=SILENT)
            yield
        except DatabaseUnavailable as error:
            is_cut = self._pulse.is_silent and type(error) is DatabaseUnavailable  # by ourselves
            lost = DatabaseSilent(cause=SILENT) if is_cut else error
            self.trouble.note(lost, is_write=call.is_write)
            raise lost from error.__cause__
        except TimeoutError as error:
            lost = OutcomeUnknown(cause=SILENT) if call.is_unknown else DatabaseSilent(cause=SILENT)
            self.trouble.note(lost, is_write=call.is_write)
            raise lost from error

    def _is_worth_another(self, error: BaseException) -> bool:
        return is_stale(error) and not self._pulse.is_silent


def is_stale(error: BaseException) -> bool:
    """Return whether a pooled connection had been closed by the server before this use, so that a new one may do."""
    if isinstance(error, ConnectionRefusedError):
        return False
    return is_disconnect(error) or isinstance(error, ENDED)


def translate_error(error: BaseException) -> BaseException:
    """Translate the loss of the database; any other error stays what it is."""
    if isinstance(error, TimeoutError):
        return DatabaseBusy(cause="a statement took too long")
    translated = db_errors.translate_error(error)
    return DatabaseUnavailable(cause=str(error)) if translated is error and is_stale(error) else translated
