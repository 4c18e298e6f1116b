"""A share of an answer for new items, so that they get ratings: which, and at which places.

All of it follows from a seed, so the same user gets the same items at the same places until he rates again, and a
longer answer begins like a shorter one.
"""

from math import floor

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Mask, Slots
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.rankers import Ranker
from app.recommendations.ranking.scope import Scope
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity

MIN_RATINGS_KNOWN = 5  # an item with fewer is new, and so is one that the model does not know
MULTIPLIERS = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def explored(order: Ranker, new: Mask, share: float, seed: int, factors: Factors | None) -> Ranker:
    """Give every so manieth place of an order to one of the ``new`` items, drawn at random.

    Of the first n places it is share * n, rounded up or down. Where no new item is left, the order goes on.
    """

    def mixed(scope: Scope) -> RankedItems:
        found = order(scope)
        fresh = drawn(np.flatnonzero(scope.mask() & new), seed, factors, 2 * scope.limit)
        return merged(found, fresh, turns(share, seed, scope.limit), scope.limit)

    return mixed


def new_items(catalogue: Catalogue, live: LoadedModel | None, popularity: Popularity | None) -> Mask:
    """Return which items have few ratings, or are not known to the model: bool (slots,)."""
    new = np.ones(len(catalogue), bool)
    if popularity is not None:
        new[popularity.slots[popularity.counts >= MIN_RATINGS_KNOWN]] = False
    if live is not None:
        new |= live.column_of_slot < 0
    return new


def drawn(slots: Slots, seed: int, factors: Factors | None, most: int) -> Slots:
    """Draw items without replacement, each as likely as its factor says: at most ``most``.

    Source: Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 2006.
    """
    keys = np.log(noise(slots, seed))
    if factors is not None:
        keys /= factors[slots]
    if len(slots) > most:
        best = np.argpartition(-keys, most)[:most]
        slots, keys = slots[best], keys[best]
    return slots[np.lexsort((slots, -keys))]


def turns(share: float, seed: int, limit: int) -> list[bool]:
    """Return which places are for new items: ``share`` of them, evenly spread from a start that the seed draws."""
    start = float(noise(np.array([-1]), seed)[0])
    return [floor((place + 1) * share + start) > floor(place * share + start) for place in range(limit)]


def noise(numbers: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Give each number a random one of its own: float64 within 0..1, both excluded.

    Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
    """
    offset = np.uint64(seed * int(MULTIPLIERS[1]) % 2**64)
    mixed = (numbers.astype(np.uint64) + offset) * MULTIPLIERS[0]
    for shift, multiplier in ((30, MULTIPLIERS[1]), (27, MULTIPLIERS[2])):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * multiplier
    mixed ^= mixed >> np.uint64(31)
    fraction: NDArray[np.float64] = ((mixed >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    return fraction


def merged(found: RankedItems, fresh: Slots, turns: list[bool], limit: int) -> RankedItems:
    """Take from two lists by turns, nothing twice."""
    chosen, shown, waiting, row = RankedItems(), set[int](), fresh.tolist(), 0
    waiting.reverse()
    for is_new in turns[: min(limit, len(found.slots))]:
        while waiting and waiting[-1] in shown:
            waiting.pop()
        while row < len(found.slots) and found.slots[row] in shown:
            row += 1
        if is_new and waiting:
            chosen.add(np.array([waiting[-1]], np.int64), None, None, Source.NEW)
        else:
            chosen.take(found, row)
        shown.add(chosen.slots[-1])
    return chosen
