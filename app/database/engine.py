"""The database: one transaction per call, committed before the call returns.

Services and repositories are plain functions whose first argument is a `Session`. The same function runs on both
databases: over asyncpg in a greenlet on PostgreSQL, over sqlite3 on SQLite (a read inline, which measures faster than a
thread; a write in the one writer thread, because a commit waits for the disk). docs/decisions/ has the figures.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from app.address import SqliteAddress, parse_address
from app.database.limits import COMMANDS, Limits
from app.database.trouble import Trouble, Waits
from app.kit.errors import DatabaseUnavailable

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Session, P], T]


class Database(ABC):
    """A database that runs plain functions of a session, each call one transaction."""

    dialect: str

    def __init__(self, limits: Limits) -> None:
        self.trouble, self.lock_waits = Trouble(is_logged=limits.is_logged), Waits()

    def places(self) -> dict[str, tuple[int, int]]:
        """Return for each kind of work how many connections are in use, and how many there can be."""
        return {}

    async def check(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short reading function at a place that no other call can take: for readiness."""
        return await self.read(work, *args, **kwargs)

    @abstractmethod
    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short reading function in one consistent snapshot.

        Raises:
            DatabaseUnavailable: if the database does not answer.
            DatabaseBusy: if it takes too long.
        """

    @abstractmethod
    async def scan(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading function that takes long, without holding up the event loop, in one consistent snapshot."""

    @abstractmethod
    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function and commit what it did; an exception rolls back. May run twice after a lost connection.

        Raises:
            DatabaseUnavailable: if the database does not answer; nothing was stored.
            DatabaseBusy: if what it needs is held by another for too long; nothing was stored.
            OutcomeUnknown: if the database was lost during the commit.
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
        """Return the same database for the event loop of another thread, for `scan` and `write`.

        On SQLite the writes of both take turns, in the order in which they were asked for.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""


async def check_access(url: str) -> None:
    """Ask the database once, before a server starts and waits for it.

    Raises:
        DatabaseUnavailable: if waiting would not help: the address, the password or a certificate is wrong.
    """
    database = open_database(url, 1)
    try:
        await database.read(lambda session: session.connection().exec_driver_sql("SELECT 1"))
    except DatabaseUnavailable as error:
        if error.is_lasting:
            raise
        import structlog  # a small command does without

        structlog.get_logger().warning("the database does not answer yet", error=error.cause)
    finally:
        await database.close()


def open_database(url: str, pool_size: int = 10, limits: Limits = COMMANDS) -> Database:
    """Open the database that ``url`` names; nothing is connected before the first call.

    Only that database's driver is loaded: together they would double the time that a small command takes to start.
    """
    address = parse_address(url)
    if isinstance(address, SqliteAddress):
        from app.database.sqlite import SqliteDatabase

        return SqliteDatabase(address.path, limits)
    from app.database.postgresql.database import PostgresDatabase

    return PostgresDatabase(address, pool_size, limits)
