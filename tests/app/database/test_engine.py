"""One call, one transaction; and what happens when the database goes away."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database.engine import Database, open_database
from app.database.limits import server_limits
from app.database.postgresql.connecting import Connector
from app.database.postgresql.database import PostgresDatabase
from app.database.sqlite import SqliteDatabase
from app.kit.errors import DatabaseBusy, DatabaseUnavailable, SchemaOutdated

RunOnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]


def add(session: Session, amount: int) -> None:
    session.execute(text("UPDATE counters SET value = value + :amount WHERE name = 'ratings'"), {"amount": amount})


def add_then_fail(session: Session) -> None:
    add(session, 1)
    raise LookupError("the caller's own error")


def value(session: Session) -> int:
    found: int = session.execute(text("SELECT value FROM counters WHERE name = 'ratings'")).scalar_one()
    return found


async def kill_connections(database: Database) -> None:
    """Let PostgreSQL drop every connection of this database but the asking one."""
    if isinstance(database, PostgresDatabase):
        connection = await Connector(database.address).connect()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()


def test_a_write_is_committed_when_the_call_returns(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> int:
        await database.write(add, 7)
        row = await database.fetch_row("SELECT value FROM counters WHERE name = 'ratings'")
        assert row is not None
        return int(row[0])

    assert run_on_database(work) == 7


def test_an_exception_rolls_the_whole_call_back(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> int:
        with pytest.raises(LookupError, match="own error"):
            await database.write(add_then_fail)
        return await database.read(value)

    assert run_on_database(work) == 0


def test_concurrent_writes_all_count(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> int:
        await asyncio.gather(*(database.write(add, 1) for _ in range(50)))
        return await database.read(value)

    assert run_on_database(work) == 50


def test_connections_that_the_server_closed_are_replaced_unnoticed(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> int:
        await asyncio.gather(*(database.read(value) for _ in range(5)))
        await kill_connections(database)
        await database.write(add, 1)
        await kill_connections(database)
        assert await database.fetch_row("SELECT value FROM counters WHERE name = 'ratings'") is not None
        await kill_connections(database)
        return await database.read(value)

    assert run_on_database(work) == 1


def test_a_statement_with_a_mistake_is_no_outage(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(DBAPIError, match="no_such_function"):
            await database.read(lambda session: session.execute(text("SELECT no_such_function()")).all())

    run_on_database(work)


def test_a_missing_table_is_reported_as_migrations_that_have_not_run(run_on_database: RunOnDatabase) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(SchemaOutdated, match="palate migrate"):
            await database.read(lambda session: session.execute(text("SELECT * FROM no_such_table")).all())

    run_on_database(work)


def test_a_server_that_does_not_listen_is_unavailable() -> None:
    async def work() -> None:
        database = open_database("postgresql://nobody@127.0.0.1:1/nothing")
        for call in (database.read(value), database.write(add, 1), database.fetch_row("SELECT 1")):
            with pytest.raises(DatabaseUnavailable):
                await call
        await database.close()

    asyncio.run(work())


def test_a_sqlite_file_locked_for_too_long_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "palate.db"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE counters (name TEXT, value INTEGER)")

    async def work() -> None:
        database = SqliteDatabase(path, server_limits(0.05))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable):
            await database.write(add, 1)
        other.execute("ROLLBACK")
        await database.write(add, 1)
        await database.close()

    asyncio.run(work())
    other.close()


def test_writes_that_wait_for_one_lock_do_not_wait_in_turn(tmp_path: Path) -> None:
    async def work() -> list[Any]:
        database = SqliteDatabase(tmp_path / "palate.db", server_limits(0.3))
        await database.write(lambda session: session.execute(text("CREATE TABLE counters (name, value)")).close())
        other = sqlite3.connect(tmp_path / "palate.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(*(database.write(add, 1) for _ in range(12)), return_exceptions=True)
        other.close()
        await database.close()
        return outcomes

    assert {type(outcome) for outcome in asyncio.run(work())} == {DatabaseBusy}


def test_a_path_is_decoded_once_for_the_folder_and_the_file(tmp_path: Path) -> None:
    async def work() -> None:
        database = open_database(f"sqlite:///{tmp_path}/a%20b/100%25.db")
        await database.write(lambda session: session.connection().exec_driver_sql("CREATE TABLE t (a)"))
        await database.close()

    asyncio.run(work())
    assert {path.name for path in tmp_path.rglob("*")} == {"a b", "100%.db"}
