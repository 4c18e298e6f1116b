"""Prepares the database for a server: tables and, if wanted, the sample."""

import typer

from app.database import migrate as migrations
from app.database.engine import open_database
from app.feedback.old_types import rename_old_types
from app.settings import Settings

FOUND = {
    migrations.Schema.CURRENT: "up to date",
    migrations.Schema.NEWER: "migrated by a later version of Palate, and left so: this one can serve it, too",
    migrations.Schema.MISSING: "tables made or brought up to date",
}


async def migrate(settings: Settings) -> None:
    """Run the migrations that are missing."""
    database = open_database(settings.database_url, 1)
    try:
        found = await database.write(migrations.upgrade)
        if found is not migrations.Schema.NEWER:
            await database.write(rename_old_types)
    finally:
        await database.close()
    typer.echo(f"Database: {FOUND[found]}.")


async def sample(settings: Settings) -> None:
    """Store the sample if the database is empty."""
    from app.sample.service import sample_ratings, store_sample  # numpy, which `palate migrate` does not need

    database = open_database(settings.database_url, 1)
    try:
        stored = await database.write(store_sample, sample_ratings(settings))
    finally:
        await database.close()
    if stored is None:
        typer.echo("Sample: not needed, the database holds items or users already.")
        return
    typer.echo(
        f"Sample: {stored.num_films} real films, {stored.num_ratings:,} synthetic ratings"
        " (drawn by app/sample/taste.py)."
    )
