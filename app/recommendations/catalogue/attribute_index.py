"""One attribute of every item, sorted: a range is two binary searches."""

from bisect import bisect_left, bisect_right, insort_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.request.attribute_values import ValueKind, attribute_values
from app.recommendations.request.options import Between, Condition

MAX_CHANGES = 200  # items; after more changes at once an index is rebuilt when it is next used


class SortedValues:
    """Values of one kind in order, each with the slot of the item that has it. A value may occur many times."""

    def __init__(self, pairs: Iterable[tuple[Any, int]] = ()) -> None:
        ordered = sorted(pairs)
        self._values = [value for value, _ in ordered]
        self._slots = np.array([slot for _, slot in ordered], np.int64)

    def between(self, low: Any, high: Any) -> NDArray[np.int64]:
        """Return the slots of the values from ``low`` to ``high``, both included; None: no end on that side."""
        start = 0 if low is None else bisect_left(self._values, low)
        end = len(self._values) if high is None else bisect_right(self._values, high)
        return self._slots[start:end]

    def add(self, value: Any, slot: int) -> None:
        """Add a value."""
        place = bisect_left(self._values, value)
        insort_left(self._values, value)
        self._slots = np.insert(self._slots, place, slot)

    def remove(self, value: Any, slot: int) -> None:
        """Remove a value."""
        place = bisect_left(self._values, value)
        place += int(np.flatnonzero(self._slots[place:] == slot)[0])
        del self._values[place]
        self._slots = np.delete(self._slots, place)


class AttributeIndex:
    """The values of one attribute, for every item that has it."""

    def __init__(self, attributes: Iterable[tuple[int, Any]]) -> None:
        """Sort the values of (slot, attribute)."""
        pairs: dict[ValueKind, list[tuple[Any, int]]] = {}
        for kind, value, slot in entries(attributes):
            pairs.setdefault(kind, []).append((value, slot))
        self._sorted = {kind: SortedValues(each) for kind, each in pairs.items()}

    def change(self, slot: int, before: Any, after: Any) -> None:
        """Replace an item's attribute."""
        for kind, value, _ in entries([(slot, before)]):
            self._sorted[kind].remove(value, slot)
        for kind, value, _ in entries([(slot, after)]):
            self._sorted.setdefault(kind, SortedValues()).add(value, slot)

    def slots(self, condition: Condition) -> Sequence[NDArray[np.int64]]:
        """Return the slots of the items that meet a condition, in parts; of a list, one element is enough."""
        if isinstance(condition, Between):
            ends = [end for end in (condition.low, condition.high) if end is not None]
            low, high = (None if end is None else end.value for end in (condition.low, condition.high))
            return [self._between(ends[0].kind, low, high)]
        return [self._between(each.kind, each.value, each.value) for each in condition.keys]

    def _between(self, kind: ValueKind, low: Any, high: Any) -> NDArray[np.int64]:
        found = self._sorted.get(kind)
        return np.empty(0, np.int64) if found is None else found.between(low, high)


def entries(attributes: Iterable[tuple[int, Any]]) -> Iterator[tuple[ValueKind, Any, int]]:
    """Yield every value of the attributes of some slots: (kind, value, slot)."""
    for slot, attribute in attributes:
        for each in set(attribute_values(attribute)):
            yield each.kind, each.value, slot
