"""The catalogue in memory: one per API process, brought up to date before an answer leaves.

A slot is an item's place in the arrays. Slots follow the primary keys at loading and grow at the end, so a higher slot
is a newer item; no slot is ever reused, because a deleted item keeps its row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.kit.times import now_us
from app.recommendations.catalogue.attribute_index import MAX_CHANGES, AttributeIndex
from app.recommendations.catalogue.availability import Availability
from app.recommendations.request.options import NO_FILTER, NO_RULES, Boost, Condition, Filter

Slots = NDArray[np.int64]
Mask = NDArray[np.bool_]
NO_SLOTS: Slots = np.zeros(0, np.int64)
Factors = NDArray[np.float64]
MAX_CACHED_FILTERS = 64
MAX_ATTRIBUTE_INDEXES = 64
MIN_FACTOR, MAX_FACTOR = 1e-6, 1e6  # of all boosts of one item together
NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


class CatalogueRow(NamedTuple):
    """What recommending needs to know of an item."""

    id: int
    external_id: str
    title: str | None
    categories: Sequence[str]
    active: bool
    attributes: Mapping[str, Any] = NO_ATTRIBUTES
    available_from: datetime | None = None
    available_until: datetime | None = None
    deleted: bool = False
    revision: int = 0  # of its latest change


class Catalogue:
    """Every item this process knows, as of ``revision`` of the counter `catalogue`."""

    def __init__(self, clock: Callable[[], int] = now_us) -> None:
        self._clock = clock  # microseconds since 1970
        self.revision = -1
        self.slot_of_id: dict[int, int] = {}
        self.slot_of_external_id: dict[str, int] = {}
        self.ids: list[int] = []  # primary keys
        self.external_ids: list[str] = []
        self.titles: list[str | None] = []
        self.attributes: list[Mapping[str, Any]] = []
        self.categories: list[Sequence[str]] = []
        self._members: dict[str, set[int]] = {}
        self._indexes: dict[str, AttributeIndex] = {}  # of the attributes that filters have named
        self._deleted: Mask = np.zeros(0, bool)
        self._revisions = np.zeros(0, np.int64)  # of the latest change of each item
        self._active: Mask = np.zeros(0, bool)
        self._allowed: Mask = self._active  # which items may be recommended, until the next change of availability
        self.num_renewals = 0  # of that mask
        self.rules = NO_RULES  # for every answer; set before `apply`
        self._availability = Availability()
        self._filters: dict[Filter, Mask] = {}
        self._factors: dict[tuple[Boost, ...], Factors] = {}

    def __len__(self) -> int:
        """Count the items, deleted ones included."""
        return len(self.external_ids)

    def apply(self, rows: Sequence[CatalogueRow], revision: int) -> None:
        """Apply the changes of items up to ``revision``; the rows are in the order of their primary keys."""
        if len(rows) > MAX_CHANGES:
            self._indexes.clear()
        for row in rows:
            slot = self.slot_of_id.get(row.id)
            if slot is None:
                slot = self._append(row)
            self.titles[slot] = row.title
            self._active[slot] = row.active
            self._revisions[slot] = row.revision
            self._deleted[slot] = row.deleted
            self._set_categories(slot, row.categories)
            self._set_attributes(slot, row.attributes)
            self._availability.set(slot, row.available_from, row.available_until)
        self.revision = max(self.revision, revision)
        self._factors.clear()
        self.refresh_active()

    @property
    def active(self) -> Mask:
        """Return which items may be recommended now, to any user: bool (slots,), not to be changed."""
        if self._availability.next_change_us <= (moment_us := self._clock()):
            self._renew(moment_us)
        return self._allowed

    def refresh_active(self) -> None:
        """Work out again which items may be recommended: an item or a rule has changed, or the clock was set."""
        self._renew(self._clock())

    def moment_us(self) -> int:
        """Return the time: now, but before any change of availability that `active` has not seen yet."""
        return min(self._clock(), self._availability.next_change_us - 1)

    def _renew(self, moment_us: int) -> None:
        self._allowed = self._active[: len(self)] & self._availability.mask(moment_us, len(self))
        self._allowed[self.slots_of(self.rules.block)] = False
        self._filters.clear()
        self.num_renewals += 1

    def _append(self, row: CatalogueRow) -> int:
        slot = len(self)
        if slot == len(self._active):
            self._active = np.concatenate([self._active, np.zeros(max(1024, slot), bool)])
            self._revisions = np.concatenate([self._revisions, np.zeros(max(1024, slot), np.int64)])
            self._deleted = np.concatenate([self._deleted, np.zeros(max(1024, slot), bool)])
        self.ids.append(row.id)
        self.external_ids.append(row.external_id)
        self.titles.append(None)
        self.categories.append(())
        self.attributes.append(NO_ATTRIBUTES)
        self.slot_of_external_id[row.external_id] = slot
        self.slot_of_id[row.id] = slot
        return slot

    def truncate(self, num_slots: int) -> None:
        """Remove all items but the oldest ``num_slots``; `apply` comes next."""
        for slot in range(num_slots, len(self)):
            self._set_categories(slot, ())
            self._set_attributes(slot, NO_ATTRIBUTES)
            self._availability.set(slot, None, None)
            self.slot_of_external_id.popitem()
            self.slot_of_id.popitem()
        for values in (self.ids, self.external_ids, self.titles, self.attributes, self.categories):
            del values[num_slots:]

    @property
    def deleted(self) -> Mask:
        """Return which items are deleted: bool (slots,)."""
        return self._deleted[: len(self)]

    @property
    def revisions(self) -> Slots:
        """Return the revision of each item's latest change: int64 (slots,)."""
        return self._revisions[: len(self)]

    def changed_since(self, revision: int) -> Slots:
        """Return the slots of the items that changed after ``revision``, which was the catalogue's once."""
        return np.flatnonzero(self.revisions > revision)

    def _set_categories(self, slot: int, categories: Sequence[str]) -> None:
        for category in self.categories[slot]:
            self._members[category].discard(slot)
        for category in categories:
            self._members.setdefault(category, set()).add(slot)
        self.categories[slot] = categories

    def _set_attributes(self, slot: int, attributes: Mapping[str, Any]) -> None:
        for name, index in self._indexes.items():
            index.change(slot, self.attributes[slot].get(name), attributes.get(name))
        self.attributes[slot] = attributes

    def allowed(self, wanted: Filter = NO_FILTER) -> Mask:
        """Return which items may be recommended now and meet a filter: bool (slots,), not to be changed."""
        active = self.active
        if wanted == NO_FILTER:
            return active
        if wanted not in self._filters:
            if len(self._filters) == MAX_CACHED_FILTERS:
                self._filters.clear()
            self._filters[wanted] = active & self._filter_mask(wanted)
        return self._filters[wanted]

    def is_unfiltered(self, mask: Mask) -> bool:
        """Return whether a mask is that of all items that may be recommended."""
        return mask is self._allowed

    def is_cached(self, mask: Mask) -> bool:
        """Return whether `allowed` returns this very mask again for the same filter."""
        return any(mask is each for each in self._filters.values())

    def _filter_mask(self, wanted: Filter) -> Mask:
        mask = self._category_mask(wanted.categories) if wanted.categories else np.ones(len(self), bool)
        for category in wanted.all_categories:
            mask &= self._category_mask((category,))
        if wanted.no_categories:
            mask &= ~self._category_mask(wanted.no_categories)
        for condition in wanted.conditions:
            mask &= self._condition_mask(condition)
        return mask

    def _category_mask(self, categories: Sequence[str]) -> Mask:
        mask = np.zeros(len(self), bool)
        for category in categories:
            mask[list(self._members.get(category, ()))] = True
        return mask

    def _condition_mask(self, condition: Condition) -> Mask:
        mask = np.zeros(len(self), bool)
        for slots in self._index_of(condition.attribute).slots(condition):
            mask[slots] = True
        return mask

    def _index_of(self, name: str) -> AttributeIndex:
        """Return an attribute's index, built when it is first used and kept up to date from then on."""
        if name not in self._indexes:
            if len(self._indexes) == MAX_ATTRIBUTE_INDEXES:
                self._indexes.clear()
            self._indexes[name] = AttributeIndex(
                (slot, each[name]) for slot, each in enumerate(self.attributes) if name in each
            )
        return self._indexes[name]

    def factors(self, boosts: tuple[Boost, ...]) -> Factors | None:
        """Return the product of the boosts that apply to each item: float64 (slots,); None without any boost."""
        if not boosts:
            return None
        if boosts not in self._factors:
            if len(self._factors) == MAX_CACHED_FILTERS:
                self._factors.clear()
            factors = np.ones(len(self))
            for boost in boosts:
                factors[self._boost_mask(boost)] *= boost.factor
            self._factors[boosts] = np.clip(factors, MIN_FACTOR, MAX_FACTOR)
        return self._factors[boosts]

    def _boost_mask(self, boost: Boost) -> Mask:
        mask = self._filter_mask(boost.filter)
        if boost.item_ids:
            named = np.zeros(len(self), bool)
            named[self.slots_of(boost.item_ids)] = True
            mask &= named
        return mask

    def slots_of(self, external_ids: Iterable[str]) -> list[int]:
        """Return the slots of external ids, in their order; unknown ones are left out."""
        slot_of = self.slot_of_external_id
        return [slot_of[item_id] for item_id in external_ids if item_id in slot_of]
