"""PostgreSQL through asyncpg: a plain function of a session runs in a greenlet."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.address import PostgresAddress
from app.database import db_errors
from app.database.connecting import connect
from app.database.db_errors import is_deadlock, is_disconnect
from app.database.engine import Database, P, T, Work
from app.kit.errors import DatabaseUnavailable

MAX_ATTEMPTS = 3
HOT_TIMEOUT_S = 10
# Behind a pooler a statement must leave nothing behind: each is unnamed, and lives as long as its transaction.
POOLED: dict[str, Any] = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}


class PostgresDatabase(Database):
    """PostgreSQL through asyncpg."""

    dialect = "postgresql"

    def __init__(self, address: PostgresAddress, pool_size: int) -> None:
        num_hot = pool_size // 2
        self.address = address
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            pool_size=pool_size - num_hot,
            max_overflow=0,
            pool_timeout=10,
            **db_errors.HIDDEN,
            connect_args={"async_creator_fn": partial(connect, address), **(POOLED if address.is_pooled else {})},
        )
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._hot = HotConnections(address, max(1, num_hot))

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._attempt(self._snapshots, work, *args, **kwargs)

    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._attempt(self._snapshots, work, *args, **kwargs)

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._attempt(self.engine, work, *args, **kwargs)

    async def _attempt(self, engine: Any, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            async with AsyncSession(engine, expire_on_commit=False) as session:
                try:
                    result = await session.run_sync(work, *args, **kwargs)
                except (DBAPIError, PoolTimeout, OSError, asyncpg.InterfaceError) as error:
                    await session.invalidate() if is_disconnect(error) else await session.rollback()
                    if attempt < MAX_ATTEMPTS and (is_deadlock(error) or is_stale(error)):
                        continue
                    raise translate_error(error) from error
                try:
                    await session.commit()
                except (DBAPIError, PoolTimeout, OSError, asyncpg.InterfaceError) as error:
                    raise translate_error(error) from error
                return result
        raise AssertionError("unreachable")

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._hot.fetch_row(sql, *args)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                if attempt == MAX_ATTEMPTS or isinstance(error, TimeoutError) or not is_stale(error):
                    raise translate_error(error) from error
        raise AssertionError("unreachable")

    async def overwrite(self) -> None:
        return

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Database]:
        other = PostgresDatabase(self.address, pool_size=2)
        try:
            yield other
        finally:
            await other.close()

    async def close(self) -> None:
        await self._hot.close()
        await self.engine.dispose()


class HotConnections:
    """Connections of the driver itself, for single reading statements.

    Such a statement leaves nothing behind, so a connection goes from one request to the next without a pool's ROLLBACK
    and bookkeeping: a third of the processor time (docs/decisions/0009).
    """

    def __init__(self, address: PostgresAddress, max_connections: int) -> None:
        self._address = address
        self._free: list[asyncpg.Connection] = []
        self._places = asyncio.Semaphore(max_connections)

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        """Fetch one row; a connection on which anything went wrong is not used again."""
        async with self._places:
            connection = self._free.pop() if self._free else await connect(self._address)
            try:
                row: Sequence[Any] | None = await connection.fetchrow(sql, *args, timeout=HOT_TIMEOUT_S)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
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


def is_stale(error: BaseException) -> bool:
    """Return whether a pooled connection had been closed by the server before this use, so that a new one may do."""
    if isinstance(error, ConnectionRefusedError):
        return False
    return is_disconnect(error) or isinstance(error, asyncpg.InterfaceError | asyncpg.PostgresConnectionError)


def translate_error(error: BaseException) -> BaseException:
    """Translate the loss of the database; any other error stays what it is."""
    translated = db_errors.translate_error(error)
    return DatabaseUnavailable(cause=str(error)) if translated is error and is_stale(error) else translated
