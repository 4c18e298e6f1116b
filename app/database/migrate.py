"""Bring the database to the newest schema, and return whether it is there.

Alembic is loaded only to run migrations: it would be a third of the time that `palate migrate` takes to find none.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "20261128_number_ids"  # the newest migration
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def alembic_config(session: Session) -> "Config":
    """Point Alembic at our migrations and the session's connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = session.connection()
    return config


def upgrade(session: Session) -> None:
    """Run the migrations that are missing."""
    if is_current(session):
        return
    from alembic import command

    command.upgrade(alembic_config(session), HEAD)


def downgrade(session: Session, revision: str) -> None:
    """Undo migrations down to ``revision``."""
    from alembic import command

    command.downgrade(alembic_config(session), revision)


def is_current(session: Session) -> bool:
    """Return whether every migration has run."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return False
    return session.scalars(text("SELECT version_num FROM alembic_version")).all() == [HEAD]
