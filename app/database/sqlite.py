"""SQLite through sqlite3: a read runs inline, a write in the one writer thread."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from copy import copy
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database.db_errors import HIDDEN, translate_error
from app.database.engine import Database, P, T, Work
from app.kit.errors import DatabaseUnavailable

BUSY_TIMEOUT_MS = 10_000
LOG_TIMEOUT_MS = 500  # how long writers wait for readers so that the log can be emptied
CACHE = "cache_size=-65536"  # KiB: an import in no order touches the whole index


class SqliteDatabase(Database):
    """SQLite in WAL mode: any number of readers beside one writer."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
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
        except sqlite3.DatabaseError as error:
            raise translate_error(error) from error

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
    except DBAPIError as error:
        raise translate_error(error) from error


def make_folder(folder: Path) -> None:
    """Make the folder of the file.

    Raises:
        DatabaseUnavailable: saying why it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = f"cannot make the folder {folder}: {(error.strerror or str(error)).lower()}"
        raise DatabaseUnavailable(cause=cause, is_lasting=True, was_reached=False) from error


def empty_log(engine: Engine) -> None:
    """Write SQLite's write-ahead log back into the database and cut it to nothing, unless it is being read."""
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
