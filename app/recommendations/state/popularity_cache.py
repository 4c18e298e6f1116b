"""What is popular: the decayed, shrunken mean of every item's ratings, counted for all who ask, some seconds old."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.database.engine import Database
from app.kit.times import DAY_US
from app.recommendations.catalogue.index import Slots
from app.recommendations.state import repository
from app.recommendations.state.popularity import Popularity

PRIOR_WEIGHT = 20.0  # an item's mean is drawn to the mean of all ratings as if by so many more ratings of now
MIN_AGE_S = 5.0
DIGITS = 9  # of a score, behind the point: in whatever order weights are added up, the order of items is the same
AGE_PER_SECOND = 20.0  # a count that takes long is kept for longer: counting takes a twentieth of the time at most


class HalfLife(IntEnum):
    """Days after which a rating counts half as much: a few choices, so that each is counted once for everybody."""

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
    """One shelf for each half-life, counted when it is asked for and too old."""

    def __init__(
        self, database: Database, slot_of_id: Mapping[int, int], refresh: Callable[[int], Awaitable[None]]
    ) -> None:
        self._database = database
        self._refresh = refresh  # the catalogue, up to a revision
        self._slot_of_id = slot_of_id
        self._shelves: dict[HalfLife, PopularityRanking] = {}
        self._due = dict.fromkeys(HalfLife, 0.0)
        self._counting = asyncio.Lock()  # one count at a time, whatever is asked

    async def popular(self, half_life_days: HalfLife) -> PopularityRanking:
        """Return the order of popularity; while somebody counts anew, the old one."""
        if self._is_fresh(half_life_days) or (half_life_days in self._shelves and self._counting.locked()):
            return self._shelves[half_life_days]
        async with self._counting:
            if not self._is_fresh(half_life_days):
                await self._count(half_life_days)
        return self._shelves[half_life_days]

    def _is_fresh(self, half_life_days: HalfLife) -> bool:
        return monotonic() < self._due[half_life_days]

    async def _count(self, half_life_days: HalfLife) -> None:
        started, counted_at = monotonic(), datetime.now(UTC)
        totals = await self._database.scan(repository.decayed_totals, half_life_days * DAY_US)
        await self._refresh(totals.catalogue_revision)
        self._shelves[half_life_days] = PopularityRanking(
            decayed(totals.rows, totals.revision, self._slot_of_id), counted_at
        )
        seconds = monotonic() - started
        self._due[half_life_days] = monotonic() + max(MIN_AGE_S, AGE_PER_SECOND * seconds)


def decayed(totals: Sequence[Any], revision: int, slot_of_id: Mapping[int, int]) -> Popularity:
    """Order items by their shrunken mean; ``totals`` are rows of (item's primary key, weight, weighted sum)."""
    slots = np.array([slot_of_id[item_id] for item_id, _, _ in totals], np.int64)
    weights, sums = (np.array([row[place] for row in totals], np.float64) for place in (1, 2))
    kept = weights > 0
    return by_mean(slots[kept], weights[kept], sums[kept], revision)


def by_mean(slots: Slots, weights: NDArray[np.float64], sums: NDArray[np.float64], revision: int) -> Popularity:
    """Draw each mean to that of all ratings, the more the less weight it has, and order by it."""
    overall = sums.sum() / max(weights.sum(), 1e-300)
    scores = np.round((sums + PRIOR_WEIGHT * overall) / (weights + PRIOR_WEIGHT), DIGITS)
    order = np.lexsort((slots, -scores))
    return Popularity(slots[order], scores[order], (sums / weights)[order], weights[order], revision)
