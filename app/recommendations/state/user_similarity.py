"""Similar users: those who rated the same items the same way.

A user is a row over all items: where they rated one, 1 and how far their rating lies above the baseline of the item and
their own, with the whole scale as 4. The similarity of two users is the cosine of their rows times o / (o + 10), where
o is the number of items that both rated.
Shape letters: N users, S slots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.recommendations.state.popularity import PRIOR_RATINGS, Popularity, shrink
from app.recommendations.state.repository import HotRow

SHRINKAGE = 10.0  # items in common that halve a cosine
WHOLE_RANGE = 4.0  # what the range of the scale counts for, beside 1 for having rated an item

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ItemBaseline:
    """The baselines of items: float64 (S,) ratings by slot, and how much a step of 1 on the scale counts."""

    ratings: Numbers
    unit: float

    @classmethod
    def of(cls, popularity: Popularity, num_slots: int, lowest: float, highest: float) -> "ItemBaseline":
        """Shrink the means of items towards the mean of all."""
        counts, sums = popularity.counts, popularity.counts * popularity.means
        overall = sums.sum() / counts.sum() if counts.sum() else (lowest + highest) / 2
        ratings = np.full(num_slots, overall)
        ratings[popularity.slots] = shrink(sums, counts, overall)
        return cls(ratings, WHOLE_RANGE / (highest - lowest))

    def row(self, slots: NDArray[np.int64], values: Numbers) -> Numbers:
        """Return a user's entries at the items they rated."""
        above = (values - self.ratings[slots]) * self.unit
        own: Numbers = 1 + above - above.sum() / (len(above) + PRIOR_RATINGS)
        return own


@dataclass(frozen=True)
class UserVectors:
    """Users as rows.

    Attributes:
        rows: float64 (N, S).
        rated: float64 (N, S), 1 where there is an entry.
        lengths: float64 (N,), of the rows.
    """

    rows: csr_array
    rated: csr_array
    lengths: Numbers

    @classmethod
    def of(cls, users: Sequence[HotRow], slot_of_id: Mapping[int, int], baseline: ItemBaseline) -> "UserVectors":
        """Write users as rows."""
        slots = [np.array([slot_of_id[item] for item in user.item_ids], np.int64) for user in users]
        data = [baseline.row(own, np.array(user.values, np.float64)) for own, user in zip(slots, users, strict=True)]
        offsets = np.cumsum([0, *map(len, slots)])
        joined, shape = np.concatenate([np.zeros(0, np.int64), *slots]), (len(users), len(baseline.ratings))
        rows = csr_array((np.concatenate([np.zeros(0), *data]), joined, offsets), shape=shape)
        lengths = np.array([np.linalg.norm(each) for each in data])
        return cls(rows, csr_array((np.ones(len(joined)), joined, offsets), shape=shape), lengths)

    def similarity(self, one: "UserVectors") -> tuple[Numbers, NDArray[np.int64]]:
        """Compare all with one user: return their similarity and the number of items that both rated, (N,) each."""
        num_slots = self.rows.shape[1]
        row, has = np.zeros((2, max(num_slots, one.rows.shape[1])))
        row[one.rows.indices], has[one.rows.indices] = one.rows.data, 1
        overlap = np.rint(self.rated @ has[:num_slots]).astype(np.int64)
        cosine = (self.rows @ row[:num_slots]) / np.maximum(self.lengths * one.lengths, np.finfo(np.float64).tiny)
        return cosine * overlap / (overlap + SHRINKAGE), overlap
