"""The migrations make exactly the tables of app/tables.py, and undo themselves."""

from collections.abc import Awaitable, Callable

from alembic import command
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app import migrate
from app.db import Database

RunOnDatabase = Callable[[Callable[[Database], Awaitable[object]]], object]


def check(session: Session) -> None:
    """Raise if the tables differ from app/tables.py."""
    command.check(migrate.alembic_config(session))


def tables(session: Session) -> set[str]:
    return set(inspect(session.connection()).get_table_names())


def test_migrations_give_the_declared_tables_and_undo_them(run_on_database: RunOnDatabase) -> None:
    async def there_and_back(database: Database) -> None:
        assert await database.read(migrate.is_current)
        await database.write(check)
        await database.write(migrate.downgrade, "base")
        assert await database.read(tables) == {"alembic_version"}
        assert not await database.read(migrate.is_current)
        await database.write(migrate.upgrade)
        await database.write(check)

    run_on_database(there_and_back)


def test_migrating_twice_changes_nothing(run_on_database: RunOnDatabase) -> None:
    async def again(database: Database) -> None:
        before = await database.read(tables)
        await database.write(migrate.upgrade)
        assert await database.read(tables) == before

    run_on_database(again)
