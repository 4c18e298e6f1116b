"""A model version in memory, ready to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import MAX_CACHED_FILTERS, Catalogue, Mask, Slots
from app.recommendations.content.cold_start import NO_COLD_ITEMS, ColdItems, KnownFeatures
from app.recommendations.state.popularity import Popularity, Statistics
from models.core.interactions import Indices, Values
from models.core.model import Model

NO_SLOTS: Slots = np.zeros(0, np.int64)


@dataclass
class LoadedModel:
    """A loaded version with what ties its columns to the catalogue's slots.

    Attributes:
        item_ids: the caller's id of each column.
        slot_of_column: int64 (I,), -1 where the catalogue has no such item.
        column_of_slot: int64 (slots,), -1 where the model does not know the item.
        popularity: the order for users whom the model does not know.
        counts: float64 (I,), ratings of each column's item when it was trained.
        cold: items that the model does not know and that are like known ones; `ColdStartUpdater` keeps them up to date.
        cold_revision: the catalogue's, as of which they are.
        compared: int64 (slots,), the revision as of which each item was compared last, -1 if never; it may be shorter.
        known_features: of the known items, with which they are compared.
        known_revision: the catalogue's, as of which those are.
        num_unknown_items: items that the model does not know.
        is_quick: whether folding a user in is so quick that the event loop may wait for it.
        metrics: figures of held-out users, measured before the version was published.
        statistics: from which popularity is computed; None: it was counted when the model was loaded.
    """

    version: str
    model: Model
    item_ids: Sequence[str]
    slot_of_column: Slots
    popularity: Popularity
    is_quick: bool = True
    metrics: Mapping[str, float] = field(default_factory=dict)
    statistics: Statistics | None = None
    column_of_slot: Slots = field(default_factory=lambda: np.zeros(0, np.int64), init=False)
    counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False)
    cold: ColdItems = field(default=NO_COLD_ITEMS, init=False)
    cold_revision: int = field(default=-1, init=False)
    compared: Slots = field(default_factory=lambda: NO_SLOTS, init=False)
    known_features: KnownFeatures | None = field(default=None, init=False)
    known_revision: int = field(default=-1, init=False)
    num_unknown_items: int = field(default=0, init=False)
    _excluded: Mask = field(default_factory=lambda: np.zeros(0, bool), init=False)
    _filtered: dict[int, tuple[Mask, Mask]] = field(default_factory=dict, init=False)  # by the id of the first
    _known: Slots = field(default_factory=lambda: np.zeros(0, np.int64), init=False)  # columns that have a slot
    _fitted_to: int = field(default=-2, init=False)  # state of the catalogue

    def __post_init__(self) -> None:
        """Note the items that the catalogue does not have; it may learn of them."""
        missing = np.flatnonzero(self.slot_of_column < 0)
        self._missing = {self.item_ids[column]: column for column in missing.tolist()}

    def with_first_slots(self, num_slots: int, popularity: Popularity) -> "LoadedModel":
        """Return the model as it was when there were so many items, without new ones; it shares the weights.

        ``popularity`` is the order that it used, if it has no statistics of its own.
        """
        slots = np.where(self.slot_of_column < num_slots, self.slot_of_column, -1)
        if self.statistics is not None:
            whole = bool((slots == self.slot_of_column).all())
            popularity = self.popularity if whole else self.statistics.popularity(slots)
        return replace(self, slot_of_column=slots, popularity=popularity)

    def learn(self, known: KnownFeatures, revision: int) -> None:
        """Set the features of the known items, as of a revision; new items are to be compared anew."""
        self.known_features, self.known_revision = known, revision
        self.cold, self.cold_revision, self.compared = NO_COLD_ITEMS, -1, NO_SLOTS

    def fit_to(self, catalogue: Catalogue) -> None:
        """Bring what depends on the catalogue up to it; nothing to do while it has not changed."""
        if self._fitted_to == catalogue.num_renewals:
            return
        active = catalogue.active
        if len(self.column_of_slot) != len(catalogue):
            self._place(catalogue)
        self._excluded = self._columns_outside(active)
        self._filtered.clear()
        self.num_unknown_items = int(np.count_nonzero((self.column_of_slot < 0) & ~catalogue.deleted))
        self._fitted_to = catalogue.num_renewals

    def known_ratings(self, catalogue: Catalogue, slots: Slots, values: Values) -> tuple[Indices, Values]:
        """Return columns and values of the ratings that the model can read: int32 (E,), float32 (E,)."""
        self.fit_to(catalogue)
        columns = self.column_of_slot[slots].astype(np.int32)
        is_known = columns >= 0
        return (columns, values) if is_known.all() else (columns[is_known], values[is_known])

    def _place(self, catalogue: Catalogue) -> None:
        """Find the columns of the items that the catalogue has learned of."""
        found = False
        for slot in range(len(self.column_of_slot), len(catalogue)) if self._missing else ():
            if (column := self._missing.pop(catalogue.external_ids[slot], None)) is not None:
                self.slot_of_column[column] = slot
                found = True
        if found and self.statistics is not None:
            self.popularity = self.statistics.popularity(self.slot_of_column)
        self._known = np.flatnonzero(self.slot_of_column >= 0)
        self.column_of_slot = np.full(len(catalogue), -1, np.int64)
        self.column_of_slot[self.slot_of_column[self._known]] = self._known
        self.counts = np.zeros(len(self.slot_of_column))
        rated = self.column_of_slot[self.popularity.slots]
        self.counts[rated[rated >= 0]] = self.popularity.counts[rated >= 0]

    def excluded_columns(self, catalogue: Catalogue, allowed: Mask) -> Mask:
        """Return which columns may not be recommended if only the ``allowed`` slots may: bool (I,), a copy."""
        self.fit_to(catalogue)  # an item's window may have closed since the last answer
        if catalogue.is_unfiltered(allowed):
            return self._excluded.copy()
        if not catalogue.is_cached(allowed):
            return self._columns_outside(allowed)
        if id(allowed) not in self._filtered:
            if len(self._filtered) == MAX_CACHED_FILTERS:
                self._filtered.clear()
            self._filtered[id(allowed)] = (allowed, self._columns_outside(allowed))
        return self._filtered[id(allowed)][1].copy()

    def _columns_outside(self, allowed: Mask) -> Mask:
        excluded = np.ones(len(self.slot_of_column), bool)
        columns = self.column_of_slot[np.flatnonzero(allowed)]
        excluded[columns[columns >= 0]] = False
        return excluded

    def by_column(self, of_slots: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
        """Turn values by slot into values by column, ``missing`` for columns without a slot: float64 (I,)."""
        values = np.full(len(self.slot_of_column), missing)
        values[self._known] = of_slots[self.slot_of_column[self._known]]
        return values

    def unknown_items(self, allowed: Mask) -> Slots:
        """Return the allowed items that the model does not know, newest first."""
        return np.flatnonzero(allowed & (self.column_of_slot < 0))[::-1]
