"""Prepares the database for a server: tables and, if wanted, the sample."""

import typer

from app.database import migrate as migrations
from app.database.engine import open_database
from app.settings import Settings


async def migrate(settings: Settings) -> None:
    """Run the migrations that are missing."""
    database = open_database(settings.database_url, 1)
    try:
        current = await database.read(migrations.is_current)
        await database.write(migrations.upgrade)
    finally:
        await database.close()
    typer.echo("Database: up to date." if current else "Database: tables made or brought up to date.")


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
