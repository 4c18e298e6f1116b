"""The order of popularity for each half-life, counted for all who ask, some seconds old."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from app.database.engine import Database
from app.kit.refreshing import Refreshing
from app.kit.times import DAY_US
from app.recommendations.state import repository
from app.recommendations.state.popularity import Popularity, decayed_popularity

MIN_AGE_S = 5.0


class HalfLife(IntEnum):
    """Days after which a rating counts half as much: a few choices, so that each is counted once for all."""

    WEEK = 7
    MONTH = 30
    QUARTER = 90
    YEAR = 365
    DECADE = 3650


@dataclass(frozen=True)
class PopularityRanking:
    """The order of popularity, and when it was counted."""

    popularity: Popularity
    counted_at: datetime


class PopularityCache:
    """One ranking for each half-life, counted when it is asked for and too old; one count at a time."""

    def __init__(
        self, database: Database, slot_of_id: Mapping[int, int], refresh: Callable[[int], Awaitable[None]]
    ) -> None:
        self._database = database
        self._refresh = refresh  # the catalogue, up to a revision
        self._slot_of_id = slot_of_id
        lock = asyncio.Lock()
        self._rankings = {days: Refreshing(self._count, min_age_s=MIN_AGE_S, lock=lock) for days in HalfLife}

    async def get(self, half_life_days: HalfLife) -> PopularityRanking:
        """Return the order of popularity."""
        return await self._rankings[half_life_days].get(half_life_days)

    async def _count(self, half_life_days: HalfLife) -> PopularityRanking:
        counted_at = datetime.now(UTC)
        totals = await self._database.scan(repository.decayed_totals, half_life_days * DAY_US)
        await self._refresh(totals.catalogue_revision)
        return PopularityRanking(decayed_popularity(totals.rows, totals.revision, self._slot_of_id), counted_at)
