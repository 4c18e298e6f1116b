"""The traits of every item of the catalogue, kept up to date as items change."""

import asyncio
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from app.recommendations.catalogue.index import Catalogue, Slots
from app.recommendations.content.features import ItemContent, Vocabulary

MAX_ITEMS_RELEARNED = 500  # so few are described anew after each change
MAX_CHANGED = 0.05  # share of the items after whose change the vocabulary is learned anew


class FeatureIndex:
    """Trait vectors by slot; whoever asks first pays for what has changed, in a thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._vocabulary = Vocabulary.of([])
        self._vectors = self._vocabulary.vectors([])
        self._revision = -1
        self._num_changed = 0  # since the vocabulary was learned
        self._refreshing = asyncio.Lock()

    async def vectors(self) -> csr_array:
        """Describe the items: float32 (slots, T); if some are added meanwhile there are more slots than rows."""
        async with self._refreshing:
            catalogue, revision = self._catalogue, self._catalogue.revision
            if revision != self._revision:
                changed = catalogue.changed_since(self._revision)
                self._num_changed += len(changed)
                if len(catalogue) <= MAX_ITEMS_RELEARNED or self._num_changed > MAX_CHANGED * len(catalogue):
                    everything = described(catalogue, range(len(catalogue)))
                    self._vocabulary, self._vectors = await asyncio.to_thread(learned, everything)
                    self._num_changed = 0
                else:
                    rows = described(catalogue, changed.tolist())
                    self._vectors = await asyncio.to_thread(replaced, self._vocabulary, self._vectors, changed, rows)
                self._revision = revision
            return self._vectors


def described(catalogue: Catalogue, slots: Sequence[int]) -> list[ItemContent]:
    """Say what is known of some items."""
    return [ItemContent(catalogue.titles[s], catalogue.categories[s], catalogue.attributes[s]) for s in slots]


def learned(items: Sequence[ItemContent]) -> tuple[Vocabulary, csr_array]:
    """Learn a vocabulary and describe the items it is learned from."""
    vocabulary = Vocabulary.of(items)
    return vocabulary, vocabulary.vectors(items)


def replaced(vocabulary: Vocabulary, vectors: csr_array, slots: Slots, items: Sequence[ItemContent]) -> csr_array:
    """Put the vectors of some items, new ones too, in the place of those they had."""
    row_of_slot = np.arange(max(vectors.shape[0], slots.max(initial=-1) + 1))
    row_of_slot[slots] = vectors.shape[0] + np.arange(len(slots))
    return vstack([vectors, vocabulary.vectors(items)], format="csr")[row_of_slot]
