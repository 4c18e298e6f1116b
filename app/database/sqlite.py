"""SQLite through sqlite3: a read runs inline, a write in the one writer thread."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from copy import copy
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import URL, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database.db_errors import HIDDEN, translate_error
from app.database.engine import Database, P, T, Work
from app.database.limits import COMMANDS, Limits
from app.kit.errors import DatabaseBusy, DatabaseUnavailable

TURN_S = 10  # in which a write's turn comes, behind others of this process that go on
RETRY_S = 0.02
LOG_TIMEOUT_MS = 500  # how long writers wait for readers so that the log can be emptied
CACHE = "cache_size=-65536"  # KiB: an import in no order touches the whole index


class SqliteDatabase(Database):
    """SQLite in WAL mode: any number of readers beside one writer."""

    dialect = "sqlite"

    def __init__(self, path: Path, limits: Limits = COMMANDS) -> None:
        super().__init__(limits)
        make_folder(path.parent)
        self._path, self._lock_s = path, limits.lock_s
        self._writer = sqlite_engine(path, "BEGIN IMMEDIATE", limits.lock_s)
        self._reader = sqlite_engine(path, "BEGIN", 0)  # it is the event loop that would wait
        self._scanner = sqlite_engine(path, "BEGIN", limits.lock_s)
        self._num_writing = 0
        self._refused_at = 0.0  # when a lock was last waited for in vain
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")
        self._scan_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        self._raw: sqlite3.Connection | None = None

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._read_patiently(lambda: sqlite_transaction(self._reader, work, *args, **kwargs))

    async def _read_patiently(self, read: Callable[[], T]) -> T:
        """Read inline, again and again while another process locks the whole file, as for a recovery."""
        latest = monotonic() + self._lock_s
        with self._noting(is_write=False):
            while True:
                try:
                    return read()
                except DatabaseBusy:
                    if monotonic() > latest:
                        raise
                await asyncio.sleep(RETRY_S)

    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        with self._noting(is_write=False):
            return await loop.run_in_executor(
                self._scan_thread, lambda: sqlite_transaction(self._scanner, work, *args, **kwargs)
            )

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        asked_at = monotonic()
        self._num_writing += 1
        try:
            with self._noting(is_write=True):
                return await asyncio.get_running_loop().run_in_executor(
                    self._write_thread, lambda: self._write_in_turn(asked_at, work, *args, **kwargs)
                )
        finally:
            self._num_writing -= 1

    def _write_in_turn(self, asked_at: float, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write, in the thread. Those who came while one waited for a lock in vain do not each wait as long again."""
        if asked_at < self._refused_at or monotonic() > asked_at + TURN_S:
            raise DatabaseBusy(cause="those before it waited for a lock")
        try:
            result = sqlite_transaction(self._writer, self._note_wait(work, asked_at), *args, **kwargs)
        except DatabaseBusy:
            self._refused_at = monotonic()
            raise
        self.trouble.note_written()
        return result

    def _note_wait(self, work: Work[P, T], asked_at: float) -> Work[P, T]:
        """Return the work, which first notes how long its turn and the lock of the file were waited for."""

        def begin(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
            session.connection()
            self.lock_waits.add(monotonic() - asked_at)
            return work(session, *args, **kwargs)

        return begin

    @contextmanager
    def _noting(self, *, is_write: bool) -> Iterator[None]:
        """Count and log the loss of the database."""
        try:
            yield
        except DatabaseUnavailable as error:
            self.trouble.note(error, is_write=is_write)
            raise

    def places(self) -> dict[str, tuple[int, int]]:
        return {"write": (min(1, self._num_writing), 1)}

    async def fetch_row(self, sql: str, *args: object) -> Sequence[Any] | None:
        return await self._read_patiently(lambda: self._fetch_row(sql, args))

    def _fetch_row(self, sql: str, args: Sequence[object]) -> Sequence[Any] | None:
        try:
            if self._raw is None:
                self._raw = self._reader.raw_connection().driver_connection
            assert self._raw is not None
            row: Sequence[Any] | None = self._raw.execute(sql, args).fetchone()
            return row
        except sqlite3.DatabaseError as error:
            raise translate_error(error) from error

    async def overwrite(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._write_thread, empty_log, self._writer, self._lock_s)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Database]:
        other = copy(self)
        other._scanner, other._scan_thread = sqlite_engine(self._path, "BEGIN", self._lock_s), ThreadPoolExecutor(1)
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


def empty_log(engine: Engine, lock_s: float) -> None:
    """Write SQLite's write-ahead log back into the database and cut it to nothing, unless it is being read."""
    with closing(engine.raw_connection()) as connection, suppress(sqlite3.OperationalError):  # then some other time
        connection.execute(f"PRAGMA busy_timeout={LOG_TIMEOUT_MS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout={round(lock_s * 1000)}")


def sqlite_engine(path: Path, begin: str, lock_s: float) -> Engine:
    """Make an engine of one connection that starts each transaction with ``begin``, and waits so long for a lock."""
    arguments = {"check_same_thread": False}
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=StaticPool, connect_args=arguments, **HIDDEN
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        busy = f"busy_timeout={round(lock_s * 1000)}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", busy, "foreign_keys=ON", CACHE, "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
