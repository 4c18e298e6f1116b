"""PostgreSQL through asyncpg: a plain function of a session runs in a greenlet."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from app.address import PostgresAddress
from app.database import db_errors
from app.database.db_errors import is_deadlock, is_disconnect
from app.database.engine import Database, P, T, Work
from app.database.limits import COMMANDS, Limits, Places
from app.database.postgresql.connecting import Connector, own_settings
from app.database.postgresql.hot import ENDED, SILENT, Call, HotConnections, HotReads, Pulse, is_stale, translate_error
from app.kit.errors import DatabaseSilent, OutcomeUnknown

MAX_ATTEMPTS = 3
READ_PLACE_S = 2.0  # for a place among those who read, or as long as for a lock, if that is longer
SCAN_PLACE_S = 10
APART_LOCK_S = 10.0  # imports wait for each other
PAUSED_S = 0.2  # after which the process may have stood still, and what the server said meanwhile is not read yet
READING_S = 0.01
# Behind a pooler a statement must leave nothing behind: each is unnamed, and lives as long as its transaction.
POOLED: dict[str, Any] = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
ERRORS = (DBAPIError, PoolTimeout, OSError, *ENDED)


class PostgresDatabase(HotReads):
    """PostgreSQL through asyncpg."""

    dialect = "postgresql"

    def __init__(self, address: PostgresAddress, pool_size: int, limits: Limits = COMMANDS) -> None:
        super().__init__(limits)
        self.address, self._limits = address, limits
        self._places = places = Places.of(pool_size)
        self._connectors = list[Connector]()
        connect = self._connector(limits)
        self._writers = self._engine(connect, limits, places.write, limits.lock_s)
        self._readers = snapshots(self._engine(connect, limits, places.read, max(READ_PLACE_S, limits.lock_s)))
        self._scanners = snapshots(self._engine(None, limits.for_scan(), places.scan, SCAN_PLACE_S))
        self._checker = snapshots(self._engine(None, limits.for_check(), places.check, limits.for_check().lock_s))
        self._hot = HotConnections(connect, places.hot)
        self._asking: asyncpg.Connection | None = None
        self._asker = Connector(address)
        self._pulse = Pulse(self._ask, limits.silence_s, self._cut)

    def _connector(self, limits: Limits) -> Connector:
        self._connectors.append(Connector(self.address, limits.settings()))
        return self._connectors[-1]

    def _engine(self, connector: Connector | None, limits: Limits, num_places: int, place_s: float) -> AsyncEngine:
        """Make a pool of connections; a pooler takes limits with each transaction only."""
        engine = create_async_engine(
            "postgresql+asyncpg://",
            pool_size=num_places,
            max_overflow=0,
            pool_timeout=place_s,
            **db_errors.HIDDEN,
            connect_args={
                "async_creator_fn": (connector or self._connector(limits)).connect,
                **(POOLED if self.address.is_pooled else {}),
            },
        )
        if self.address.is_pooled:
            limit_transactions(engine, own_settings(self.address, limits.settings()))
        return engine

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._call(Call(is_write=False), self._readers, work, *args, **kwargs)

    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._call(Call(is_write=False), self._scanners, work, *args, **kwargs)

    async def check(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._call(Call(is_write=False), self._checker, work, *args, **kwargs)

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        result = await self._call(Call(is_write=True), self._writers, work, *args, **kwargs)
        self.trouble.note_written()
        return result

    async def _call(self, call: Call, engine: Any, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._translating(call):
            async with asyncio.timeout(None) as limit:
                with self._pulse.watch(limit):
                    return await self._attempt(call, engine, work, *args, **kwargs)

    async def _attempt(self, call: Call, engine: Any, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            started = monotonic()
            async with OneCall(engine, expire_on_commit=False, info={"lock_waits": self.lock_waits}) as session:
                try:
                    result, driver = await session.run_sync(work_to_commit, work, *args, **kwargs)
                    await check_connection(driver, monotonic() - started)
                except ERRORS as error:
                    await leave(session, is_lost=is_disconnect(error) or isinstance(error, ENDED))
                    if attempt < MAX_ATTEMPTS and (is_deadlock(error) or self._is_worth_another(error)):
                        continue
                    raise translate_error(error) from error
                call.is_committing = True
                try:
                    await session.commit()
                except ERRORS as error:
                    raise translate_commit(error, call) from error
                return result
        raise AssertionError("unreachable")

    async def overwrite(self) -> None:
        return

    def places(self) -> dict[str, tuple[int, int]]:
        pools = {
            "read": self._readers,
            "write": self._writers,
            "scan": self._scanners,
            "check": self._checker,
        }
        used = {kind: (num_used(engine), getattr(self._places, kind)) for kind, engine in pools.items()}
        return used | {"hot": (self._hot.num_used, self._places.hot)}

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Database]:
        if self._pulse.is_silent:  # it would take as long to find out
            raise DatabaseSilent(cause=SILENT)
        other = PostgresDatabase(self.address, 1, replace(self._limits, lock_s=max(self._limits.lock_s, APART_LOCK_S)))
        other.trouble, other.lock_waits = self.trouble, self.lock_waits
        try:
            yield other
        finally:
            await other.close()

    async def _ask(self) -> None:
        """Get any answer, on a connection of its own.

        Raises:
            TimeoutError: if there is none while connecting.
        """
        try:
            if self._asking is None or self._asking.is_closed():
                self._asking = await self._asker.connect()
            await self._asking.fetchval("SELECT 1")
        except BaseException as error:
            if self._asking is not None:
                self._asking.terminate()
                self._asking = None
            if isinstance(error.__cause__, TimeoutError):
                raise error.__cause__ from error
            raise

    def _cut(self) -> None:
        for connector in self._connectors:
            connector.cut()

    async def close(self) -> None:
        await self._pulse.close()
        if self._asking is not None:
            self._asking.terminate()
        await self._hot.close()
        for engine in (self._writers, self._readers, self._scanners, self._checker):
            await engine.dispose()


class OneCall(AsyncSession):
    """A session of one call, which ends however its connection has ended."""

    async def close(self) -> None:
        """Roll back what is not committed; where that fails, the connection is lost, and with it all of that."""
        try:
            await super().close()
        except ERRORS:
            await self.invalidate()


def snapshots(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine whose transactions see one moment."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


def num_used(engine: AsyncEngine) -> int:
    """Return how many connections of a pool are in use."""
    pool: Any = engine.pool
    return int(pool.checkedout())


def limit_transactions(engine: AsyncEngine, settings: Mapping[str, str]) -> None:
    """Begin each transaction with its limits, which end with it."""
    statement = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())

    @event.listens_for(engine.sync_engine, "begin")
    def limit(connection: Any) -> None:
        if settings:
            connection.exec_driver_sql(statement)


def work_to_commit(session: Session, work: Work[P, T], /, *args: P.args, **kwargs: P.kwargs) -> tuple[T, Any]:
    """Run a function until there is nothing to do but to commit; return the driver's connection too, if it took one."""
    result = work(session, *args, **kwargs)
    session.flush()
    return result, session.connection().connection.driver_connection if session.in_transaction() else None


async def leave(session: AsyncSession, *, is_lost: bool) -> None:
    """Roll back; end the connection if it is lost, or cannot be rolled back because the driver still waits on it."""
    if not is_lost:
        with suppress(*ERRORS):
            await session.rollback()
            return
    await session.invalidate()


async def check_connection(driver: Any, seconds: float) -> None:
    """Find out that the server ended a connection before COMMIT is sent on it.

    Raises:
        ConnectionResetError: if it did, so that nothing was stored.
    """
    if seconds > PAUSED_S:
        await asyncio.sleep(READING_S)
    if driver is not None and driver.is_closed():
        raise ConnectionResetError("the connection was closed before the commit")


def translate_commit(error: BaseException, call: Call) -> BaseException:
    """Translate an error of COMMIT: with the connection, the answer whether it was done is lost."""
    translated = translate_error(error)
    if not (call.is_write and (is_disconnect(error) or is_stale(error))):
        return translated
    return OutcomeUnknown(cause=getattr(translated, "cause", "the connection was lost during the commit"))
