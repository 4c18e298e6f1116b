"""Items that the model does not know yet: a user's score of one follows from those of known items of similar content.

A user's score of a new item lies as far above the mean of their scores as those of its nearest neighbours do on
average, each weighted by the squared cosine of the features times the confidence in the neighbour, as if `PRIOR` of an
item that scores the mean stood among them: a faint similarity says little. Of what lies above the mean two thirds are
kept: then new items come to be liked about as often as known ones of the same score (docs/explanation/new-items.md).
Shape letters: N new items, K neighbours, I columns, T features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.recommendations.catalogue.index import Slots
from app.recommendations.content.features import Vocabulary
from models.core.interactions import Indices, Values
from models.core.model import FoldIn

NUM_NEIGHBOURS = 50  # K
PRIOR = np.float32(0.25)  # weight of an item that scores the mean
SHRINKAGE = np.float32(2 / 3)  # of a score above the mean: the part that is kept
HALF_CONFIDENCE_RATINGS = 2.0  # ratings of a neighbour at which the confidence in it is one half
NO_COLUMNS = np.zeros(0, np.int32)
BLOCK = 64  # new items compared with all known ones at once


@dataclass(frozen=True)
class KnownFeatures:
    """The content of the items that a model knows, as it was when it was first needed.

    So the score of a new item changes with the item and with the model, and with nothing else.

    Attributes:
        vocabulary: of these items.
        vectors: float32 (I, T), 0 for a column whose item the catalogue does not have.
        num_columns: how many columns have an item in the catalogue.
    """

    vocabulary: Vocabulary
    vectors: csr_array
    num_columns: int


@dataclass(frozen=True)
class ColdItems:
    """New items with similar content to known ones.

    Attributes:
        slots: int64 (N,), ascending.
        neighbours: int32 (N, K), columns of the model.
        weights: float32 (N, K), 1 in sum.
        confidence: float32 (N,), in the neighbours' mean beside the prior, 0..1.
    """

    slots: Slots
    neighbours: Indices
    weights: Values
    confidence: Values

    def __len__(self) -> int:
        """Count the items (N)."""
        return len(self.slots)

    def scores(self, preference: Values, rated: Indices = NO_COLUMNS) -> Values:
        """Score the items for a user whose ``preference`` is float32 (I,): float32 (N,), in the same unit.

        A model scores items that the user has ``rated`` (columns) above all others, the more so if it has learned
        from that user; so these count no more than the best hundredth of the others.
        """
        mean, capped_I = preference.mean(), preference.copy()
        others = np.delete(preference, rated)
        if len(others):
            place = int(0.99 * (len(others) - 1))
            capped_I[rated] = np.minimum(capped_I[rated], np.partition(others, place)[place])
        above_N: Values = np.einsum("nk,nk->n", capped_I[self.neighbours] - mean, self.weights) * self.confidence
        shrunk: Values = mean + np.minimum(above_N, SHRINKAGE * above_N)
        return shrunk

    def ratings(self, fold: FoldIn, places: NDArray[np.int64]) -> Values:
        """Predict a user's ratings of the items at ``places``: the weighted means of the neighbours'; float32."""
        neighbours = self.neighbours[places]
        columns, where = np.unique(neighbours, return_inverse=True)
        ratings = fold.rating(columns.astype(np.int32))[where.reshape(neighbours.shape)]
        predicted: Values = np.einsum("nk,nk->n", ratings, self.weights[places])
        return predicted

    def select(self, kept: NDArray[np.bool_]) -> "ColdItems":
        """Keep some of the items: bool (N,)."""
        return ColdItems(self.slots[kept], self.neighbours[kept], self.weights[kept], self.confidence[kept])

    def merge(self, other: "ColdItems") -> "ColdItems":
        """Add other new items of the same model."""
        if not len(self) or not len(other):
            return self if len(self) else other
        order = np.argsort(np.concatenate([self.slots, other.slots]))
        pairs = [(getattr(self, n), getattr(other, n)) for n in ("slots", "neighbours", "weights", "confidence")]
        return ColdItems(*(np.concatenate(pair)[order] for pair in pairs))


NO_COLD_ITEMS = ColdItems(
    np.zeros(0, np.int64), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
)


def find_cold_items(slots: Slots, new_NT: csr_array, known_IT: csr_array, counts: NDArray[np.float64]) -> ColdItems:
    """Find the neighbours of new items; items without any are left out.

    Args:
        slots: int64 (N,), of the new items.
        new_NT: float32 (N, T), their features.
        known_IT: float32 (I, T), the features of the model's columns; 0 where nothing is known.
        counts: float64 (I,), ratings of each column.
    """
    has_content = np.diff(new_NT.indptr) > 0
    slots, new_NT = slots[has_content], new_NT[np.flatnonzero(has_content)]
    confidence = (counts / (counts + HALF_CONFIDENCE_RATINGS)).astype(np.float32)
    num_neighbours = min(NUM_NEIGHBOURS, known_IT.shape[0])
    found = [
        _neighbours(new_NT[start : start + BLOCK], known_IT, confidence, num_neighbours)
        for start in range(0, len(slots), BLOCK)
    ]
    if not found or not num_neighbours:
        return NO_COLD_ITEMS
    neighbours, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    totals = weights.sum(axis=1)
    weights /= np.maximum(totals, np.finfo(np.float32).tiny)[:, None]
    return ColdItems(slots, neighbours, weights, totals / (totals + PRIOR)).select(totals > 0)


def _neighbours(
    new_NT: csr_array, known_IT: csr_array, confidence: Values, num_neighbours: int
) -> tuple[Indices, Values]:
    weight_NI = np.square((new_NT @ known_IT.T).toarray()) * confidence
    nearest = np.argpartition(-weight_NI, num_neighbours - 1, axis=1)[:, :num_neighbours]
    return nearest.astype(np.int32), np.take_along_axis(weight_NI, nearest, axis=1)
