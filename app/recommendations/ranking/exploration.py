"""A share of an answer for new items, so that they get ratings: which, and at which places.

All of it follows from a seed, so the same user gets the same items at the same places until they rate again, and a
longer answer begins like a shorter one.
"""

from math import floor

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Mask, Slots
from app.recommendations.ranking.rankers import RankedItems, Ranker, Scope
from app.recommendations.request.enums import Source
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity

MIN_RATINGS_KNOWN = 5  # an item with fewer is new, and so is one that the model does not know
MULTIPLIERS = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def explore(ranker: Ranker, new: Mask, share: float, *, seed: int, factors: Factors | None) -> Ranker:
    """Draw ``new`` items at random for a share of the places.

    Of the first n places they get share * n, rounded up or down. Where no new item is left, the ranker goes on.
    """

    def rank(scope: Scope) -> RankedItems:
        found = ranker(scope)
        fresh = draw(np.flatnonzero(scope.mask() & new), seed, factors, 2 * scope.limit)
        return interleave(found, fresh, spread_evenly(share, seed, scope.limit), scope.limit)

    return rank


def new_items(catalogue: Catalogue, live: LoadedModel | None, popularity: Popularity | None) -> Mask:
    """Return which items have few ratings, or are not known to the model: bool (slots,)."""
    new = np.ones(len(catalogue), bool)
    if popularity is not None:
        new[popularity.slots[popularity.counts >= MIN_RATINGS_KNOWN]] = False
    if live is not None:
        new |= live.column_of_slot < 0
    return new


def draw(slots: Slots, seed: int, factors: Factors | None, limit: int) -> Slots:
    """Draw items without replacement, each as likely as its factor says: at most ``limit``.

    Source: Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 2006.
    """
    keys = np.log(noise(slots, seed))
    if factors is not None:
        keys /= factors[slots]
    if len(slots) > limit:
        best = np.argpartition(-keys, limit)[:limit]
        slots, keys = slots[best], keys[best]
    return slots[np.lexsort((slots, -keys))]


def spread_evenly(share: float, seed: int, limit: int) -> list[bool]:
    """Return which places are for new items: ``share`` of them, evenly spread from a start that the seed draws."""
    start = float(noise(np.array([-1]), seed)[0])
    return [floor((place + 1) * share + start) > floor(place * share + start) for place in range(limit)]


def noise(numbers: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Return a random number for each number: float64 within 0..1, both excluded.

    Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
    """
    offset = np.uint64(seed * int(MULTIPLIERS[1]) % 2**64)
    mixed = (numbers.astype(np.uint64) + offset) * MULTIPLIERS[0]
    for shift, multiplier in ((30, MULTIPLIERS[1]), (27, MULTIPLIERS[2])):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * multiplier
    mixed ^= mixed >> np.uint64(31)
    fraction: NDArray[np.float64] = ((mixed >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return fraction


def interleave(found: RankedItems, fresh: Slots, is_new_at: list[bool], limit: int) -> RankedItems:
    """Take from two lists in turn, nothing twice."""
    items, shown, waiting, row = RankedItems(), set[int](), fresh.tolist(), 0
    waiting.reverse()
    for is_new in is_new_at[: min(limit, len(found.slots))]:
        while waiting and waiting[-1] in shown:
            waiting.pop()
        while row < len(found.slots) and found.slots[row] in shown:
            row += 1
        if is_new and waiting:
            items.add(np.array([waiting[-1]], np.int64), None, None, Source.NEW)
        else:
            items.take(found, row)
        shown.add(items.slots[-1])
    return items
