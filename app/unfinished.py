"""What goes in steps and was stopped half way, by whatever stopped its process, is finished by any other."""

import asyncio
from contextlib import suppress

from app.database.engine import Database
from app.erasure import service as erasure
from app.idempotency import service as idempotency
from app.kit.errors import PalateError
from app.ratings import removal

SECONDS_BETWEEN_LOOKS = 60


async def keep_finishing(database: Database) -> None:
    """Finish what is unfinished, at once and every minute, until cancelled. What is under way is helped along."""
    while True:
        with suppress(PalateError):  # no database, or no tables yet: readiness says so
            await finish_all(database)
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def finish_all(database: Database) -> None:
    """Finish removals of items and erasures of users, and forget the answers of yesterday."""
    await removal.finish_all(database)
    await erasure.finish_all(database)
    await idempotency.forget_old(database)
