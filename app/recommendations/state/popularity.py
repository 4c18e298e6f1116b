"""What everybody likes: the order for those we cannot know yet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Slots

PRIOR_RATINGS = 5.0  # an item's mean is drawn to the mean of all ratings as if by so many more ratings

SUM_DIGITS = 6  # behind the point: in whatever order ratings are added up, the sum is the same


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
        lowest: float,
        revision: int | None = None,
    ) -> "Popularity":
        """Order items by the number of their ratings times how far their shrunken mean lies above ``lowest``."""
        sums = np.round(sums, SUM_DIGITS)
        rated = (slots >= 0) & (counts > 0)
        slots, counts, sums = slots[rated], counts[rated], sums[rated]
        overall = sums.sum() / max(counts.sum(), 1)
        shrunken = (sums + PRIOR_RATINGS * overall) / (counts + PRIOR_RATINGS)
        scores = counts * (shrunken - lowest)
        order = np.lexsort((slots, -scores))
        return cls(slots[order], scores[order], (sums / counts)[order], counts[order], revision)


@dataclass(frozen=True)
class Statistics:
    """What the ratings that a model learned from come to.

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
        return Popularity.of(slots, self.counts, self.sums, self.lowest)
