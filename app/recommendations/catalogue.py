"""The catalogue in memory: one per API process, brought up to date before an answer leaves.

A slot is an item's place in the arrays. Slots follow the primary keys at loading and grow at the end, so a higher slot
is a newer item; no slot is ever given up, because a deleted item keeps its row.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
Mask = NDArray[np.bool_]
MAX_CACHED_FILTERS = 64


class CatalogueRow(NamedTuple):
    """What recommending needs to know of an item."""

    id: int
    external_id: str
    title: str | None
    categories: Sequence[str]
    active: bool


class Catalogue:
    """Every item this process knows, as of ``revision`` of the counter `catalogue`."""

    def __init__(self) -> None:
        self.revision = -1
        self.slot_of_id: dict[int, int] = {}
        self.slot_of_external_id: dict[str, int] = {}
        self.external_ids: list[str] = []
        self.titles: list[str | None] = []
        self._categories: list[Sequence[str]] = []
        self._members: dict[str, set[int]] = {}
        self._active: Mask = np.zeros(0, bool)
        self.active: Mask = self._active  # which items may be recommended: bool (slots,)
        self._filters: dict[tuple[Sequence[str], Sequence[str]], Mask] = {}

    def __len__(self) -> int:
        """Count the items, deleted ones included."""
        return len(self.external_ids)

    def apply(self, rows: Iterable[CatalogueRow], revision: int) -> None:
        """Take over the items that changed up to ``revision``, in the order of their primary keys."""
        for row in rows:
            slot = self.slot_of_id.get(row.id)
            if slot is None:
                slot = self._append(row)
            self.titles[slot] = row.title
            self._active[slot] = row.active
            self._categorise(slot, row.categories)
        self.active = self._active[: len(self)]
        self.revision = max(self.revision, revision)
        self._filters.clear()

    def _append(self, row: CatalogueRow) -> int:
        slot = len(self)
        if slot == len(self._active):
            self._active = np.concatenate([self._active, np.zeros(max(1024, slot), bool)])
        self.external_ids.append(row.external_id)
        self.titles.append(None)
        self._categories.append(())
        self.slot_of_external_id[row.external_id] = slot
        self.slot_of_id[row.id] = slot
        return slot

    def _categorise(self, slot: int, categories: Sequence[str]) -> None:
        for category in self._categories[slot]:
            self._members[category].discard(slot)
        for category in categories:
            self._members.setdefault(category, set()).add(slot)
        self._categories[slot] = categories

    def allowed(self, categories: Sequence[str], excluded: Sequence[str]) -> Mask:
        """Tell which items are active, in any of ``categories`` (if there are any) and in none of ``excluded``."""
        if not categories and not excluded:
            return self.active
        key = (tuple(categories), tuple(excluded))
        if key not in self._filters:
            if len(self._filters) == MAX_CACHED_FILTERS:
                self._filters.clear()
            named = self._in_any(categories) if categories else True
            self._filters[key] = self.active & named & ~self._in_any(excluded)
        return self._filters[key]

    def _in_any(self, categories: Sequence[str]) -> Mask:
        mask = np.zeros(len(self), bool)
        for category in categories:
            mask[list(self._members.get(category, ()))] = True
        return mask
