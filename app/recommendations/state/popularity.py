"""The order of popularity: for users whom no model knows yet, and for lists of popular items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Slots

PRIOR_RATINGS = 5.0  # shrinkage: an item's mean is drawn to the mean of all ratings as if by so many more ratings
DECAYED_PRIOR_WEIGHT = 20.0  # the same of decayed ratings, in ratings of now
SUM_DIGITS = 6  # behind the point: in whatever order ratings are added up, the sum is the same
SCORE_DIGITS = 9  # the same of weights, which are rounded in the score


def shrink(
    sums: NDArray[np.float64], counts: NDArray[np.float64], overall: float, prior: float = PRIOR_RATINGS
) -> NDArray[np.float64]:
    """Return the means of items, drawn to the mean of all ratings; float64 (P,), as ``sums`` and ``counts``."""
    shrunken: NDArray[np.float64] = (sums + prior * overall) / (counts + prior)
    return shrunken


@dataclass(frozen=True)
class Popularity:
    """Rated items in the order of their popularity.

    Attributes:
        slots: int64 (P,), most popular first.
        scores: float64 (P,), no unit.
        means: float64 (P,), mean rating of each, on the scale.
        counts: float64 (P,), number of ratings of each, or their weight.
        revision: of the ratings that were counted; None if they were counted when a model was trained.
    """

    slots: Slots
    scores: NDArray[np.float64]
    means: NDArray[np.float64]
    counts: NDArray[np.float64]
    revision: int | None = None

    @classmethod
    def of(
        cls,
        slots: Slots,
        counts: NDArray[np.float64],
        sums: NDArray[np.float64],
        *,
        lowest: float,
        revision: int | None = None,
    ) -> "Popularity":
        """Order items by the number of their ratings times how far their shrunken mean lies above ``lowest``."""
        sums = np.round(sums, SUM_DIGITS)
        rated = (slots >= 0) & (counts > 0)
        slots, counts, sums = slots[rated], counts[rated], sums[rated]
        overall = sums.sum() / max(counts.sum(), 1)
        shrunken = shrink(sums, counts, overall)
        scores = counts * (shrunken - lowest)
        order = np.lexsort((slots, -scores))
        return cls(slots[order], scores[order], (sums / counts)[order], counts[order], revision)


@dataclass(frozen=True)
class Statistics:
    """Sums of the ratings that a model learned from.

    Attributes:
        counts: float64 (I,), ratings of each column's item.
        sums: float64 (I,).
        lowest: of the scale.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    lowest: float

    def popularity(self, slots: Slots) -> Popularity:
        """Order the items by their popularity; ``slots`` int64 (I,) are the columns', -1 where there is no item."""
        return Popularity.of(slots, self.counts, self.sums, lowest=self.lowest)


def rating_popularity(totals: Sequence[Any], revision: int, slot_of_id: Mapping[int, int], lowest: float) -> Popularity:
    """Order items by their ratings as of a revision; ``totals`` are rows of (item's primary key, number, sum)."""
    return Popularity.of(*columns_of(totals, slot_of_id), lowest=lowest, revision=revision)


def decayed_popularity(totals: Sequence[Any], revision: int, slot_of_id: Mapping[int, int]) -> Popularity:
    """Order items by their mean, drawn to that of all ratings, the more the less weight it has.

    ``totals`` are rows of (item's primary key, weight, weighted sum).
    """
    slots, weights, sums = columns_of([row for row in totals if row[1] > 0], slot_of_id)
    overall = sums.sum() / max(weights.sum(), 1e-300)
    scores = np.round(shrink(sums, weights, overall, DECAYED_PRIOR_WEIGHT), SCORE_DIGITS)
    order = np.lexsort((slots, -scores))
    return Popularity(slots[order], scores[order], (sums / weights)[order], weights[order], revision)


def columns_of(
    totals: Sequence[Any], slot_of_id: Mapping[int, int]
) -> tuple[Slots, NDArray[np.float64], NDArray[np.float64]]:
    """Return the slots, the numbers or weights, and the sums of rows of totals."""
    slots = np.array([slot_of_id[item_id] for item_id, _, _ in totals], np.int64)
    return slots, np.array([row[1] for row in totals], np.float64), np.array([row[2] for row in totals], np.float64)
