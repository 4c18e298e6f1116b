"""The hot read: one statement on the driver's own connections."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from app.database.connecting import Connector

HOT_TIMEOUT_S = 2


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
