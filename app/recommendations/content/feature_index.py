"""The features of every item of the catalogue, kept up to date as items change."""

import asyncio
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from app.recommendations.catalogue.index import Catalogue, Slots
from app.recommendations.content.features import ItemContent, Vocabulary

MAX_ITEMS_RELEARNED = 500  # a catalogue of so many items or fewer is learned anew after each change
MAX_CHANGED = 0.05  # share of the items that may change before the vocabulary is learned anew


class FeatureIndex:
    """Feature vectors by slot, brought up to date in a thread when they are next used."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._vocabulary = Vocabulary.of([])
        self._vectors = self._vocabulary.vectors([])
        self._revision = -1
        self._num_changed = 0  # since the vocabulary was learned
        self._refreshing = asyncio.Lock()

    async def vectors(self) -> csr_array:
        """Return float32 (slots, T); items that are added meanwhile have a slot, but no row yet."""
        async with self._refreshing:
            catalogue, revision = self._catalogue, self._catalogue.revision
            if revision != self._revision:
                changed = catalogue.changed_since(self._revision)
                self._num_changed += len(changed)
                if len(catalogue) <= MAX_ITEMS_RELEARNED or self._num_changed > MAX_CHANGED * len(catalogue):
                    items = contents(catalogue, range(len(catalogue)))
                    self._vocabulary, self._vectors = await asyncio.to_thread(learn, items)
                    self._num_changed = 0
                else:
                    items = contents(catalogue, changed.tolist())
                    self._vectors = await asyncio.to_thread(
                        replace_rows, self._vocabulary, self._vectors, changed, items
                    )
                self._revision = revision
            return self._vectors


def contents(catalogue: Catalogue, slots: Sequence[int]) -> list[ItemContent]:
    """Return the content of some items."""
    return [ItemContent(catalogue.titles[s], catalogue.categories[s], catalogue.attributes[s]) for s in slots]


def learn(items: Sequence[ItemContent]) -> tuple[Vocabulary, csr_array]:
    """Learn a vocabulary from items; return it with their vectors."""
    vocabulary = Vocabulary.of(items)
    return vocabulary, vocabulary.vectors(items)


def replace_rows(vocabulary: Vocabulary, vectors: csr_array, slots: Slots, items: Sequence[ItemContent]) -> csr_array:
    """Return the vectors with those of some items, new ones too, replaced."""
    row_of_slot = np.arange(max(vectors.shape[0], slots.max(initial=-1) + 1))
    row_of_slot[slots] = vectors.shape[0] + np.arange(len(slots))
    return vstack([vectors, vocabulary.vectors(items)], format="csr")[row_of_slot]
