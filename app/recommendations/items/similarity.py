"""How similar items are: by who likes both, and by their content.

By the model, two items are as similar as the cosine of its vectors of them, times a confidence n / (n + 5) in each
vector, with n ratings of the item. A quarter of the cosine of their features is added: where there are many ratings it
settles which item comes next; for an item that the model hardly knows, or does not know yet, it is all there is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.recommendations.state.loaded_model import LoadedModel
from models.core.interactions import Values

HALF_CONFIDENCE_RATINGS = 5.0  # ratings of an item at which the confidence in its vector is one half
FEATURE_WEIGHT = np.float32(0.25)  # of the features beside the model
UNRATED_WEIGHT = np.float32(0.2)  # of the features' part that an item without ratings keeps


@dataclass(frozen=True)
class ItemSimilarity:
    """How similar every item is to one of them, by slot.

    Attributes:
        by_model: float32 (slots,), 0 where the model does not know the item.
        by_features: float32 (slots,).
        maximum: the sum of both for an item exactly like it.
    """

    by_model: Values
    by_features: Values
    maximum: float

    @property
    def total(self) -> Values:
        """Add both up: float32 (slots,), 1 at most."""
        total: Values = (self.by_model + self.by_features) / np.float32(self.maximum)
        return total


def compute_similarity(
    slot: int, num_slots: int, *, live: LoadedModel | None, vectors: Values | None, features: csr_array
) -> ItemSimilarity:
    """Compare one item with all of the first ``num_slots``.

    Args:
        slot: of the item.
        num_slots: number of items.
        live: the model that ``vectors`` belong to; None if none is loaded.
        vectors: float32 (I, D).
        features: float32 (slots, T).
    """
    confidence, by_model = np.zeros(num_slots, np.float32), np.zeros(num_slots, np.float32)
    if live is not None and vectors is not None:
        known = np.flatnonzero(live.slot_of_column >= 0)
        slots = live.slot_of_column[known]
        confidence[slots] = confidence_of(live)[known]
        if (column := live.column_of_slot[slot]) >= 0:
            by_model[slots] = (vectors @ vectors[column])[known] * confidence[slots] * confidence[slot]
    by_features = np.zeros(num_slots, np.float32)
    by_features[: features.shape[0]] = (features @ features[[slot]].toarray()[0])[:num_slots]
    by_features *= FEATURE_WEIGHT * (UNRATED_WEIGHT + (1 - UNRATED_WEIGHT) * confidence)
    return ItemSimilarity(by_model, by_features, float(confidence[slot] + FEATURE_WEIGHT))


def confidence_of(live: LoadedModel) -> Values:
    """Return the confidence in each column's vector: float32 (I,), 0..1."""
    counts: NDArray[np.float64] = live.counts
    return (counts / (counts + HALF_CONFIDENCE_RATINGS)).astype(np.float32)
