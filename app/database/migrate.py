"""Bring the database to the newest schema, and return whether this version can serve the one that is there.

Alembic is loaded only to run migrations: it would be a third of the time that `palate migrate` takes to find none.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.kit.errors import DatabaseNotUnicode, SchemaForeign, SchemaTooNew

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "20261128_key_expiry"  # the newest migration
MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Schema(StrEnum):
    """What the tables are to this version of Palate."""

    CURRENT = "ok"
    MISSING = "missing"  # there are none, or migrations have not run
    NEWER = "newer"  # a later version has migrated them, and this one can serve them, too
    TOO_NEW = "too_new"  # a later version has migrated them, and this one can no longer serve them

    @property
    def can_serve(self) -> bool:
        """Whether this version can work with the tables."""
        return self in (Schema.CURRENT, Schema.NEWER)


def find_schema(session: Session) -> Schema:
    """Find what the tables are to this version."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return Schema.MISSING
    revisions = session.scalars(text("SELECT version_num FROM alembic_version")).all()
    if revisions == [HEAD]:
        return Schema.CURRENT
    if not revisions or revisions[0] in known_revisions():
        return Schema.MISSING
    served = session.scalar(text("SELECT 1 FROM served_by WHERE revision = :head"), {"head": HEAD})
    return Schema.NEWER if served else Schema.TOO_NEW


@cache
def known_revisions() -> frozenset[str]:
    """Return this version's migrations: each stands in a file of its name."""
    return frozenset(file.stem for file in (MIGRATIONS / "versions").glob("*.py"))


def alembic_config(session: Session) -> "Config":
    """Point Alembic at our migrations and the session's connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = session.connection()
    return config


def upgrade(session: Session) -> Schema:
    """Run the migrations that are missing; return what the tables were.

    Raises:
        SchemaTooNew: if a later version has migrated the database, and this one cannot serve it.
        SchemaForeign: if there are tables of the same names that no migration is known of.
        DatabaseNotUnicode: if the database cannot hold any text.
    """
    check_encoding(session)
    found = find_schema(session)
    if found is Schema.TOO_NEW:
        raise SchemaTooNew
    if found is Schema.MISSING:
        from alembic import command

        take_time(session)
        config = alembic_config(session)
        try:
            command.upgrade(config, HEAD)
        except DBAPIError as error:
            if is_there_already(error):
                raise SchemaForeign from error
            raise
        note_who_can_serve(session, config)
    return found


def check_encoding(session: Session) -> None:
    """Check that PostgreSQL's database can hold any text.

    Raises:
        DatabaseNotUnicode: if it cannot.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    if (encoding := session.scalar(text("SHOW server_encoding"))) != "UTF8":
        raise DatabaseNotUnicode(f"{DatabaseNotUnicode.title()} This one is {encoding}.")


def is_there_already(error: DBAPIError) -> bool:
    """Return whether a migration found a table that it was to make."""
    return getattr(error.orig, "sqlstate", None) == "42P07" or "already exists" in str(error.orig)


def note_who_can_serve(session: Session, config: "Config") -> None:
    """Write down which versions can serve the schema: this one and those before it, back to a contracting migration."""
    from alembic.script import ScriptDirectory

    revisions = []
    for script in ScriptDirectory.from_config(config).walk_revisions():
        revisions.append(script.revision)
        if getattr(script.module, "contracts", False):
            break
    session.execute(text("DELETE FROM served_by"))
    session.execute(text("INSERT INTO served_by VALUES (:revision)"), [{"revision": each} for each in revisions])


def downgrade(session: Session, revision: str) -> None:
    """Undo migrations down to ``revision``."""
    from alembic import command

    take_time(session)
    command.downgrade(alembic_config(session), revision)


def take_time(session: Session) -> None:
    """Let a migration take as long as it takes; for a lock it waits no longer than others, for they wait behind it."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
