"""The migrations make exactly the tables of app/tables.py, and undo themselves."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.database import migrate
from app.database.engine import Database
from app.database.migrate import Schema
from app.feedback.old_types import rename_old_types
from app.kit.errors import SchemaForeign, SchemaTooNew
from app.recommendations.rules.repository import find_rules, remove_rules, set_rules
from app.registry.service import publish, show_version
from app.tables import Item, User

RunOnDatabase = Callable[[Callable[[Database], Awaitable[object]]], object]


def check(session: Session) -> None:
    """Raise if the tables differ from app/tables.py."""
    command.check(migrate.alembic_config(session))


def tables(session: Session) -> set[str]:
    return set(inspect(session.connection()).get_table_names())


def test_migrations_give_the_declared_tables_and_undo_them(run_on_database: RunOnDatabase) -> None:
    async def there_and_back(database: Database) -> None:
        assert await database.read(migrate.find_schema) is Schema.CURRENT
        await database.write(check)
        await database.write(migrate.downgrade, "base")
        assert await database.read(tables) == {"alembic_version"}
        assert await database.read(migrate.find_schema) is Schema.MISSING
        await database.write(migrate.upgrade)
        await database.write(check)

    run_on_database(there_and_back)


def test_versions_and_activations_survive_the_way_down_and_up(run_on_database: RunOnDatabase) -> None:
    numbers = dict.fromkeys(("watermark", "num_users", "num_items", "num_ratings", "num_bytes"), 1)

    def store(session: Session) -> None:
        row = {"version": "one", "kind": "linear", "metrics": {}, "gate": {"reason": "why"}, "split": {}, **numbers}
        publish(session, activate=True, now=datetime.now(UTC), **row)

    async def there_and_back(database: Database) -> None:
        await database.write(store)
        await database.write(migrate.downgrade, "20261123_initial")
        await database.write(migrate.upgrade)
        listing = await database.read(show_version, "one")
        assert (listing.rows[0].gate, listing.rows[0].split) == ({"reason": "why"}, None)
        assert [(row.cause, row.actor) for row in listing.activations["one"]] == [("gate", None)]

    run_on_database(there_and_back)


@pytest.mark.parametrize("removed", [False, True])
def test_rules_survive_the_way_down_and_up(run_on_database: RunOnDatabase, removed: bool) -> None:
    async def there_and_back(database: Database) -> None:
        for blocked in ("one", "two"):
            await database.write(set_rules, {"block": [blocked]}, datetime.now(UTC))
        if removed:
            await database.write(remove_rules, datetime.now(UTC))
        before = await database.read(find_rules)
        await database.write(migrate.downgrade, "20261125_erasures")
        await database.write(migrate.upgrade)
        assert await database.read(find_rules) == before
        assert before.document == ({} if removed else {"block": ["two"]})

    run_on_database(there_and_back)


def test_stored_events_are_renamed_on_the_way_up_and_back_on_the_way_down(run_on_database: RunOnDatabase) -> None:
    insert = text("""
        INSERT INTO events (answered_at_us, answer, item_id, type, list, source, position, experiment, occurred_at_us,
            recorded_at_us)
        VALUES (1, 1, 1, :type, 'user', 'personal', 1, 0, 1, 1)
    """)
    old, new = ["bought", "clicked", "rated", "shown"], ["click", "impression", "purchase", "rating"]

    def store(session: Session) -> None:
        for name in old:
            session.execute(insert, {"type": name})

    def types(session: Session) -> list[str]:
        return sorted(session.scalars(text("SELECT type FROM events")))

    async def there_and_back(database: Database) -> None:
        await database.write(migrate.downgrade, "20261126_forgotten")
        await database.write(store)
        await database.write(migrate.upgrade)
        assert await database.read(types) == new
        await database.write(migrate.downgrade, "20261126_forgotten")
        assert await database.read(types) == old
        await database.write(migrate.upgrade)

    run_on_database(there_and_back)


def test_events_of_old_servers_beside_newer_ones_are_renamed_once_they_have_ended(
    run_on_database: RunOnDatabase,
) -> None:
    insert = text("""
        INSERT INTO events (answered_at_us, answer, item_id, type, list, source, position, experiment, occurred_at_us,
            recorded_at_us)
        VALUES (1, :answer, 1, :type, 'user', 'personal', 1, 0, 1, 1)
    """)

    def store(session: Session) -> None:
        for answer, kind in ((1, "shown"), (1, "impression"), (2, "shown"), (2, "clicked"), (3, "purchase")):
            session.execute(insert, {"answer": answer, "type": kind})

    def find(session: Session) -> list[tuple[int, str]]:
        return [tuple(row) for row in session.execute(text("SELECT answer, type FROM events ORDER BY answer, type"))]

    async def after_the_upgrade(database: Database) -> None:
        await database.write(store)
        assert await database.write(rename_old_types)
        assert await database.read(find) == [(1, "impression"), (2, "click"), (2, "impression"), (3, "purchase")]
        assert not await database.write(rename_old_types)

    run_on_database(after_the_upgrade)


def test_stored_ids_that_are_numbers_are_written_as_their_digits(run_on_database: RunOnDatabase) -> None:
    ids = ["7.0", " 8 ", "9", "9.00", "-3.0", "x 7.0", "007.0", "1.05", "5.0", "5.000"]

    def store(session: Session) -> None:
        now = datetime.now(UTC)
        for number, external_id in enumerate(ids):
            session.add(User(id=number, external_id=external_id, revision=0, created_at=now))
            item = Item(id=number, external_id=external_id, categories=[], attributes={}, active=True, revision=0)
            item.created_at = item.updated_at = now
            session.add(item)

    def names(session: Session, table: str) -> list[str]:
        return list(session.scalars(text(f"SELECT external_id FROM {table} ORDER BY id")))

    async def up(database: Database) -> None:
        await database.write(migrate.downgrade, "20261128_kept_out")
        await database.write(store)
        await database.write(migrate.upgrade)
        for table in ("users", "items"):
            assert await database.read(names, table) == [
                "7", "8", "9", "9.00", "-3", "x 7.0", "007", "1.05", "5", "5.000",
            ]  # fmt: skip

    run_on_database(up)


def pretend_newer(session: Session, served_by: list[str]) -> None:
    """Leave the database as a later version would that can be replaced by some."""
    session.execute(text("UPDATE alembic_version SET version_num = '29990101_later'"))
    session.execute(text("DELETE FROM served_by"))
    for revision in served_by:
        session.execute(text("INSERT INTO served_by VALUES (:revision)"), {"revision": revision})


def restore_schema(session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrate.HEAD})


def test_a_schema_of_a_later_version_is_served_if_that_version_says_so(run_on_database: RunOnDatabase) -> None:
    async def check_both(database: Database) -> None:
        assert await database.read(migrate.find_schema) is Schema.CURRENT
        try:
            await database.write(pretend_newer, ["29990101_later", migrate.HEAD])
            assert await database.read(migrate.find_schema) is Schema.NEWER
            assert await database.write(migrate.upgrade) is Schema.NEWER
            await database.write(pretend_newer, ["29990101_later"])
            assert await database.read(migrate.find_schema) is Schema.TOO_NEW
            with pytest.raises(SchemaTooNew, match="run that version"):
                await database.write(migrate.upgrade)
        finally:
            await database.write(restore_schema)

    run_on_database(check_both)


def test_tables_of_the_same_names_are_not_taken_for_our_own(run_on_database: RunOnDatabase) -> None:
    async def check(database: Database) -> None:
        await database.write(lambda session: session.execute(text("DELETE FROM alembic_version")))
        try:
            with pytest.raises(SchemaForeign, match="name an empty one"):
                await database.write(migrate.upgrade)
        finally:
            insert = text("INSERT INTO alembic_version VALUES (:head)")
            await database.write(lambda session: session.execute(insert, {"head": migrate.HEAD}))
        assert await database.read(migrate.find_schema) is Schema.CURRENT

    run_on_database(check)


def test_the_schema_is_served_by_the_versions_back_to_a_contracting_migration(run_on_database: RunOnDatabase) -> None:
    def served(session: Session) -> set[str]:
        return set(session.scalars(text("SELECT revision FROM served_by")))

    async def back_and_forth(database: Database) -> None:
        await database.write(migrate.downgrade, "20261128_number_ids")
        await database.write(migrate.upgrade)
        assert {migrate.HEAD, "20261126_forgotten"} <= await database.read(served)

    run_on_database(back_and_forth)


def test_the_newest_migration_is_the_one_that_a_start_looks_for() -> None:
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_heads() == [migrate.HEAD]


def test_migrating_twice_changes_nothing(run_on_database: RunOnDatabase) -> None:
    async def again(database: Database) -> None:
        before = await database.read(tables)
        await database.write(migrate.upgrade)
        assert await database.read(tables) == before

    run_on_database(again)
