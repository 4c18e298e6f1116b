"""When items may be recommended, and when that changes next."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from app.kit.times import EARLIEST_US, LATEST_US, to_us

ALWAYS = (EARLIEST_US, LATEST_US)


class Availability:
    """The periods of those items that have one, in microseconds since 1970; the start is in it, the end is not.

    ``next_change_us`` is the moment at which the next item becomes available or ceases to be.
    """

    def __init__(self) -> None:
        self._period_of_slot: dict[int, tuple[int, int]] = {}
        self.next_change_us = LATEST_US

    def set(self, slot: int, start: datetime | None, end: datetime | None) -> None:
        """Set an item's period; None: no end on that side."""
        period = (EARLIEST_US if start is None else to_us(start), LATEST_US if end is None else to_us(end))
        if period == ALWAYS:
            self._period_of_slot.pop(slot, None)
        else:
            self._period_of_slot[slot] = period

    def mask(self, moment_us: int, num_slots: int) -> NDArray[np.bool_]:
        """Return which items are available at a moment: bool (slots,)."""
        mask = np.ones(num_slots, bool)
        if not self._period_of_slot:
            self.next_change_us = LATEST_US
            return mask
        slots = np.fromiter(self._period_of_slot, np.int64)
        edges = np.array(list(self._period_of_slot.values()), np.int64)
        mask[slots] = (edges[:, 0] <= moment_us) & (moment_us < edges[:, 1])
        self.next_change_us = int(edges[edges > moment_us].min(initial=LATEST_US))
        return mask
