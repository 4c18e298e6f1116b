"""Keeps a live model's cold items up to date with the catalogue; no answer waits for it for long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Slots
from app.recommendations.content.cold_start import NO_COLD_ITEMS, ColdItems, KnownFeatures, find_cold_items
from app.recommendations.content.feature_index import contents
from app.recommendations.content.features import ItemContent, Vocabulary
from app.recommendations.state.loaded_model import NO_SLOTS, LoadedModel

MAX_COLD_ITEMS = 5_000  # the newest are scored; an answer's time grows with them
PATIENCE_S = 0.05  # that an answer waits; if it takes longer, later answers have the new items
MAX_BUSY_SHARE = 0.1  # of the time, for what takes longer


class ColdStartUpdater:
    """Compares new items with those that a model knows, as soon as they are there."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._task: asyncio.Task[None] | None = None
        self._cost_s = 0.0  # of the last time
        self._due = 0.0

    async def update(self, live: LoadedModel, patience_s: float) -> None:
        """Bring a model's cold items up to the catalogue that it has been fitted to."""
        if not live.num_unknown_items:
            live.cold, live.cold_revision, live.compared = NO_COLD_ITEMS, self._catalogue.revision, NO_SLOTS
        if self._task is None and monotonic() >= self._due and (live.num_unknown_items or live.known_features is None):
            self._task = asyncio.create_task(self._run(live))
        if live.num_unknown_items and self._task is not None and self._cost_s < patience_s:
            await asyncio.wait([self._task], timeout=patience_s)

    async def _run(self, live: LoadedModel) -> None:
        try:
            live.fit_to(self._catalogue)
            num_known = np.count_nonzero(live.slot_of_column >= 0)
            if live.known_features is None or live.known_features.num_columns != num_known:
                await self._learn(live)
            started = monotonic()
            await self._compare(live, live.known_features)
            self._cost_s = monotonic() - started
            self._due = monotonic() + (self._cost_s / MAX_BUSY_SHARE if self._cost_s > PATIENCE_S else 0.0)
        finally:
            self._task = None

    async def _compare(self, live: LoadedModel, known: KnownFeatures | None) -> None:
        """Compare the new items that have changed."""
        revision = self._catalogue.revision
        if known is None:
            return
        changes = ColdChanges.of(live, self._catalogue)
        live.cold = await asyncio.to_thread(changes.apply, known, live.counts)
        live.cold_revision, live.compared = revision, changes.compared

    async def _learn(self, live: LoadedModel) -> None:
        """Describe the items that the model knows; what is new is compared with them as they are now."""
        revision, columns, items = self._catalogue.revision, *known_items(live, self._catalogue)
        live.learn(await asyncio.to_thread(learn_features, items, columns, len(live.slot_of_column)), revision)


@dataclass(frozen=True)
class ColdChanges:
    """What is to be done about a model's cold items for those that the catalogue has now.

    Attributes:
        kept: the cold items that have not changed.
        fresh: int64 (N,), slots of the new items to be compared, ascending.
        items: their content (N).
        compared: int64 (slots,), the revision as of which each item will have been compared then, -1 if never.
    """

    kept: ColdItems
    fresh: Slots
    items: list[ItemContent]
    compared: Slots

    @classmethod
    def of(cls, live: LoadedModel, catalogue: Catalogue) -> "ColdChanges":
        """Find the new items that were not compared as they are now."""
        live.fit_to(catalogue)
        wanted = np.sort(live.unknown_items(~catalogue.deleted)[:MAX_COLD_ITEMS])
        before, now = (np.full(len(catalogue), -1) for _ in range(2))
        before[: len(live.compared)] = live.compared[: len(catalogue)]
        now[wanted] = catalogue.revisions[wanted]
        fresh = np.flatnonzero((now != before) & (now >= 0))
        kept = live.cold.select(np.isin(live.cold.slots, wanted) & ~np.isin(live.cold.slots, fresh))
        return cls(kept, fresh, contents(catalogue, fresh.tolist()), now)

    def apply(self, known: KnownFeatures, counts: NDArray[np.float64]) -> ColdItems:
        """Return the cold items of now, the new ones compared; it takes long where they are many."""
        return self.kept.merge(compare(self.fresh, self.items, known, counts))


def known_items(live: LoadedModel, catalogue: Catalogue) -> tuple[NDArray[np.int64], list[ItemContent]]:
    """Return the columns whose items the catalogue has, int64 (N,), and the content of these items (N)."""
    columns = np.flatnonzero(live.slot_of_column >= 0)
    return columns, contents(catalogue, live.slot_of_column[columns].tolist())


def learn_features(items: Sequence[ItemContent], columns: NDArray[np.int64], num_columns: int) -> KnownFeatures:
    """Learn a vocabulary from the items of some columns, and describe every column; 0 where nothing is known."""
    vocabulary = Vocabulary.of(items)
    row_of_column = np.full(num_columns, len(items))
    row_of_column[columns] = np.arange(len(items))
    vectors = vocabulary.vectors([*items, ItemContent(None, (), {})])
    return KnownFeatures(vocabulary, vectors[row_of_column], len(columns))


def compare(slots: Slots, items: Sequence[ItemContent], known: KnownFeatures, counts: NDArray[np.float64]) -> ColdItems:
    """Compare new items with those that the model knows."""
    return find_cold_items(slots, known.vocabulary.vectors(items), known.vectors, counts)
