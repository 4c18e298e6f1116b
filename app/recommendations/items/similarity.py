"""Which items are alike: those the same people like, and those that say alike things about themselves.

How alike two items are by the model is the cosine of its vectors of them times how far each is to be trusted,
n / (n + 5) with n ratings. A quarter of the cosine of their traits comes on top: where there are many ratings it
settles what is next to what; for an item that the model hardly knows, or does not know yet, it is all there is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from app.recommendations.state.loaded_model import LoadedModel
from models.core.interactions import Values

TRUST_RATINGS = 5.0  # with so many ratings an item's vector is half trusted
TRAITS_SHARE = np.float32(0.25)  # of the traits beside the model
UNRATED_SHARE = np.float32(0.2)  # of the traits' part that an item without ratings keeps


@dataclass(frozen=True)
class Similarity:
    """How alike every item is to one of them, by slot.

    Attributes:
        by_model: float32 (slots,), 0 where the model does not know the item.
        by_traits: float32 (slots,).
        most: what an item exactly like it would come to.
    """

    by_model: Values
    by_traits: Values
    most: float

    @property
    def total(self) -> Values:
        """Add both up: float32 (slots,), 1 at most."""
        total: Values = (self.by_model + self.by_traits) / np.float32(self.most)
        return total


def likeness(
    slot: int, num_slots: int, live: LoadedModel | None, vectors: Values | None, traits: csr_array
) -> Similarity:
    """Compare one item with all of the first ``num_slots``.

    Args:
        slot: of the item.
        num_slots: how many items there are.
        live: the model whose item vectors ``vectors`` are; None if none is loaded.
        vectors: float32 (I, D).
        traits: float32 (slots, T).
    """
    trust, by_model = np.zeros(num_slots, np.float32), np.zeros(num_slots, np.float32)
    if live is not None and vectors is not None:
        known = np.flatnonzero(live.slot_of_column >= 0)
        slots = live.slot_of_column[known]
        trust[slots] = trusted(live)[known]
        if (column := live.column_of_slot[slot]) >= 0:
            by_model[slots] = (vectors @ vectors[column])[known] * trust[slots] * trust[slot]
    by_traits = np.zeros(num_slots, np.float32)
    by_traits[: traits.shape[0]] = (traits @ traits[[slot]].toarray()[0])[:num_slots]
    by_traits *= TRAITS_SHARE * (UNRATED_SHARE + (1 - UNRATED_SHARE) * trust)
    return Similarity(by_model, by_traits, float(trust[slot] + TRAITS_SHARE))


def trusted(live: LoadedModel) -> Values:
    """Say how far each column's vector is to be trusted: float32 (I,), 0..1."""
    counts: NDArray[np.float64] = live.counts
    return (counts / (counts + TRUST_RATINGS)).astype(np.float32)
