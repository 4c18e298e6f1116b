"""The database: one transaction per call, committed before the call returns.

Services and repositories are plain functions whose first argument is a `Session`. The same function runs on both
databases: over asyncpg in a greenlet on PostgreSQL, over sqlite3 on SQLite (a read inline, which measures faster than a
thread; a write in the one writer thread, because a commit waits for the disk). docs/decisions/ has the figures.
"""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from copy import copy
from pathlib import Path
from time import monotonic
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from sqlalchemy import Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from app.database.db_errors import is_deadlock, is_disconnect, is_stale, unavailable
from app.kit.errors import DatabaseUnavailable

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Session, P], T]

MAX_ATTEMPTS = 3
BUSY_TIMEOUT_MS = 10_000
LOG_TIMEOUT_MS = 500  # how long writers wait for readers so that the log can be emptied
CACHE = "cache_size=-65536"  # KiB: an import in no order touches the whole index
CONNECT_TIMEOUT_S = 5
HOT_TIMEOUT_S = 10
HIDDEN: dict[str, Any] = {"hide_parameters": True}  # an error is logged, and a parameter may be the id of a user


class Database(ABC):
    """A database that runs plain functions of a session, each call one transaction."""

    dialect: str

    @abstractmethod
    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short reading function in one consistent snapshot.

        Raises:
            DatabaseUnavailable: if the database does not answer.
        """

    @abstractmethod
    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading function that takes long, without holding up the event loop, in one consistent snapshot."""

    @abstractmethod
    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function and commit what it did; an exception rolls back. May run twice after a lost connection.

        Raises:
            DatabaseUnavailable: if the database does not answer; nothing was stored unless the commit itself was lost.
        """

    @abstractmethod
    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        """Fetch one row with the driver itself: the hot read. Placeholders are the driver's own ($1 or ?)."""

    @abstractmethod
    async def overwrite(self) -> None:
        """Bring deletions to the disk, so that what was deleted is not in its files any more.

        As far as we can: PostgreSQL sees to that by itself, later; SQLite not while another process reads.
        """

    @abstractmethod
    def apart(self) -> AbstractAsyncContextManager["Database"]:
        """Give the same database to the event loop of another thread, for `scan` and `write`.

        On SQLite the writes of both take turns, in the order in which they were asked for.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""


def open_database(url: str, pool_size: int = 10) -> Database:
    """Open the database that ``url`` names; nothing is connected before the first call."""
    if make_url(url).get_backend_name() == "sqlite":
        return SqliteDatabase(Path(make_url(url).database or ""))
    return PostgresDatabase(url, pool_size)


class PostgresDatabase(Database):
    """PostgreSQL through asyncpg."""

    dialect = "postgresql"

    def __init__(self, url: str, pool_size: int) -> None:
        num_hot = pool_size // 2
        self.engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size - num_hot,
            max_overflow=0,
            pool_timeout=10,
            **HIDDEN,
            connect_args={"timeout": CONNECT_TIMEOUT_S, "command_timeout": 600, "server_settings": {"jit": "off"}},
        )
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._hot = HotConnections(self.engine, max(1, num_hot))

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
                    raise unavailable(error) from error
                try:
                    await session.commit()
                except (DBAPIError, PoolTimeout, OSError, asyncpg.InterfaceError) as error:
                    raise unavailable(error) from error
                return result
        raise AssertionError("unreachable")

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._hot.fetch_row(sql, *args)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                if attempt == MAX_ATTEMPTS or isinstance(error, TimeoutError) or not is_stale(error):
                    raise unavailable(error) from error
        raise AssertionError("unreachable")

    async def overwrite(self) -> None:
        return

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Database]:
        other = PostgresDatabase(self.engine.url.render_as_string(hide_password=False), pool_size=2)
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

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        _, self._options = engine.dialect.create_connect_args(engine.url)
        self._free: list[asyncpg.Connection] = []
        self._places = asyncio.Semaphore(most)

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        """Fetch one row; a connection on which anything went wrong is not used again."""
        async with self._places:
            connection = self._free.pop() if self._free else await self._connect()
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
        """Return a lost connection up, and the waiting ones, which the same restart has closed."""
        connection.terminate()
        while self._free:
            self._free.pop().terminate()

    async def _connect(self) -> asyncpg.Connection:
        settings = {"jit": "off", "default_transaction_read_only": "on"}
        return await asyncpg.connect(**self._options, timeout=CONNECT_TIMEOUT_S, server_settings=settings)

    async def close(self) -> None:
        """Close every connection."""
        while self._free:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._free.pop().close(timeout=1)


class SqliteDatabase(Database):
    """SQLite in WAL mode: any number of readers beside one writer."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._writer = sqlite_engine(path, "BEGIN IMMEDIATE")
        self._reader = sqlite_engine(path, "BEGIN")
        self._scanner = sqlite_engine(path, "BEGIN")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")
        self._scan_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        self._raw: sqlite3.Connection | None = None

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return sqlite_transaction(self._reader, work, *args, **kwargs)

    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._scan_thread, lambda: sqlite_transaction(self._scanner, work, *args, **kwargs)
        )

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        latest = monotonic() + BUSY_TIMEOUT_MS / 1000

        def in_turn() -> T:
            if monotonic() > latest:  # those before it waited for a lock; not each of them as long again
                raise DatabaseUnavailable()
            return sqlite_transaction(self._writer, work, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._write_thread, in_turn)

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        try:
            if self._raw is None:
                self._raw = self._reader.raw_connection().driver_connection
            assert self._raw is not None
            row: Sequence[Any] | None = self._raw.execute(sql, args).fetchone()
            return row
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error

    async def overwrite(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._write_thread, empty_log, self._writer)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Database]:
        other = copy(self)
        other._scanner, other._scan_thread = sqlite_engine(self._path, "BEGIN"), ThreadPoolExecutor(1)
        try:
            yield other
        finally:
            other._scan_thread.shutdown()
            other._scanner.dispose()

    async def close(self) -> None:
        self._write_thread.shutdown()
        self._scan_thread.shutdown()
        for engine in (self._writer, self._reader, self._scanner):
            engine.dispose()


def sqlite_transaction(engine: Engine, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` in one transaction of a SQLite engine."""
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            return work(session, *args, **kwargs)
    except OperationalError as error:
        raise unavailable(error) from error


def empty_log(engine: Engine) -> None:
    """Write SQLite's write-ahead log back into the database and cut it to nothing, unless somebody reads from it."""
    with closing(engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):  # then some other time
        connection.execute(f"PRAGMA busy_timeout={LOG_TIMEOUT_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def sqlite_engine(path: Path, begin: str) -> Engine:
    """Make an engine of one connection that starts each transaction with ``begin``."""
    arguments = {"check_same_thread": False}
    engine = create_engine(f"sqlite:///{path}", poolclass=StaticPool, connect_args=arguments, **HIDDEN)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        busy = f"busy_timeout={BUSY_TIMEOUT_MS}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", busy, "foreign_keys=ON", CACHE, "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
