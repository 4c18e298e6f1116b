"""Bring the database to the newest schema, and return whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def alembic_config(session: Session) -> Config:
    """Point Alembic at our migrations and the session's connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = session.connection()
    return config


def upgrade(session: Session, revision: str = "head") -> None:
    """Run the migrations that are missing."""
    command.upgrade(alembic_config(session), revision)


def downgrade(session: Session, revision: str) -> None:
    """Undo migrations down to ``revision``."""
    command.downgrade(alembic_config(session), revision)


def is_current(session: Session) -> bool:
    """Return whether every migration has run."""
    current = MigrationContext.configure(session.connection()).get_current_revision()
    return current == ScriptDirectory(str(MIGRATIONS)).get_current_head()
