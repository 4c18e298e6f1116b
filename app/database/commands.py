"""Work on the database for a command. What it needs is imported when it runs."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from app.database.engine import Database

T = TypeVar("T")


def on_database(work: "Callable[[Database], Awaitable[T]]") -> T:
    """Run one piece of work on the database that the settings name."""
    import asyncio

    from app.database.engine import open_database
    from app.settings import Settings

    async def opened() -> T:
        settings = Settings()
        database = open_database(settings.database_url, settings.database_pool_size)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())
