"""One attribute of every item, sorted: a range is two binary searches."""

from bisect import bisect_left, bisect_right, insort_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.request.attribute_values import KeyKind, keys_of
from app.recommendations.request.options import Between, Condition

MAX_CHANGES = 200  # items; after more a column is built anew when it is next asked for


class SortedKeys:
    """Keys of one kind in their order, each with the slot of the item that has it. A key may stand there often."""

    def __init__(self, pairs: Iterable[tuple[Any, int]] = ()) -> None:
        ordered = sorted(pairs)
        self._values = [value for value, _ in ordered]
        self._slots = np.array([slot for _, slot in ordered], np.int64)

    def between(self, low: Any, high: Any) -> NDArray[np.int64]:
        """Return the slots of the keys from ``low`` to ``high``, both included; None: no end on that side."""
        start = 0 if low is None else bisect_left(self._values, low)
        end = len(self._values) if high is None else bisect_right(self._values, high)
        return self._slots[start:end]

    def add(self, value: Any, slot: int) -> None:
        """Add a key."""
        place = bisect_left(self._values, value)
        insort_left(self._values, value)
        self._slots = np.insert(self._slots, place, slot)

    def remove(self, value: Any, slot: int) -> None:
        """Remove a key."""
        place = bisect_left(self._values, value)
        place += int(np.flatnonzero(self._slots[place:] == slot)[0])
        del self._values[place]
        self._slots = np.delete(self._slots, place)


class AttributeIndex:
    """The values of one attribute, for every item that has it."""

    def __init__(self, values: Iterable[tuple[int, Any]]) -> None:
        """Sort the values of slots."""
        pairs: dict[KeyKind, list[tuple[Any, int]]] = {}
        for kind, value, slot in entries(values):
            pairs.setdefault(kind, []).append((value, slot))
        self._sorted = {kind: SortedKeys(each) for kind, each in pairs.items()}

    def change(self, slot: int, before: Any, after: Any) -> None:
        """Take over a changed value."""
        for kind, value, _ in entries([(slot, before)]):
            self._sorted[kind].remove(value, slot)
        for kind, value, _ in entries([(slot, after)]):
            self._sorted.setdefault(kind, SortedKeys()).add(value, slot)

    def slots(self, condition: Condition) -> Sequence[NDArray[np.int64]]:
        """Return the slots of the items that meet a condition, in parts; of a list, one element is enough."""
        if isinstance(condition, Between):
            ends = [end for end in (condition.low, condition.high) if end is not None]
            low, high = (None if end is None else end.value for end in (condition.low, condition.high))
            return [self._between(ends[0].kind, low, high)]
        return [self._between(key.kind, key.value, key.value) for key in condition.keys]

    def _between(self, kind: KeyKind, low: Any, high: Any) -> NDArray[np.int64]:
        found = self._sorted.get(kind)
        return np.empty(0, np.int64) if found is None else found.between(low, high)


def entries(values: Iterable[tuple[int, Any]]) -> Iterator[tuple[KeyKind, Any, int]]:
    """Return every key of some items: (kind, value, slot)."""
    for slot, value in values:
        for key in set(keys_of(value)):
            yield key.kind, key.value, slot
