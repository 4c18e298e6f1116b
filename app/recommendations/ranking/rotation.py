"""What a user was shown lately, and how far that sinks in his list.

How lately is counted in steps, so that it takes a byte an item in a cursor and in an answer's id: a list keeps to what
had been shown when its first page was made.
"""

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Slots
from app.recommendations.catalogue.slot_codec import decode_slots, encode_slots
from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.ranking.rankers import Ranker
from app.recommendations.ranking.scope import Scope

STEPS = 255  # from just now to the end of the window
MAX_IMPRESSIONS = 1_000  # items, those shown last
MIN_FACTOR = 1e-3  # of how far a score lies above zero; less would be lost in the rounding of float32
HOUR_US = 3_600_000_000
COUNT = Struct(">H")


class RecentImpressions(NamedTuple):
    """Items that were shown: slots int64 (S,) ascending, steps uint8 (S,), `STEPS` if just now, 1 if long ago."""

    slots: Slots
    steps: NDArray[np.uint8]

    @classmethod
    def of(
        cls, catalogue: Catalogue, shown: Iterable[tuple[int, int]], now_us: int, hours: float
    ) -> "RecentImpressions":
        """Count how lately items were shown: (primary key, moment in microseconds) each, all in the last hours."""
        pairs = [(catalogue.slot_of_id[item], moment) for item, moment in shown if item in catalogue.slot_of_id]
        slots, moments = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
        left = 1 - (now_us - moments) / (hours * HOUR_US)
        return cls(slots, np.ceil(np.clip(left, 1 / STEPS, 1) * STEPS).astype(np.uint8))

    def encode(self) -> bytes:
        """Write it for a cursor or an id: nothing if it is empty."""
        if not len(self.slots):
            return b""
        return COUNT.pack(len(self.slots)) + self.steps.tobytes() + encode_slots(self.slots.tolist())

    @classmethod
    def decode(cls, code: bytes) -> "RecentImpressions":
        """Read it back.

        Raises:
            ValueError, zlib.error: if it is not what `encode` gave.
        """
        if not code:
            return NOTHING_SHOWN
        num = int.from_bytes(code[: COUNT.size])
        steps, slots = (
            np.frombuffer(code[COUNT.size : COUNT.size + num], np.uint8),
            decode_slots(code[COUNT.size + num :]),
        )
        if not 0 < num == len(steps) == len(slots) <= MAX_IMPRESSIONS:
            raise ValueError("not as many steps as items")
        return cls(slots, steps)

    def within(self, num_slots: int) -> "RecentImpressions":
        """Leave out what a catalogue does not have."""
        known = self.slots < num_slots
        return self if known.all() else RecentImpressions(self.slots[known], self.steps[known])

    def factors(self, num_slots: int, rotation: float) -> Factors | None:
        """Return what is left of how far each score lies above zero: float64 (slots,); None if nothing sinks.

        It falls from 1, at the end of the window, to 1 - rotation for what was shown just now.
        """
        if not rotation or not len(self.slots):
            return None
        factors, shown = np.ones(num_slots), self.within(num_slots)
        factors[shown.slots] = np.maximum((1 - rotation) ** (shown.steps / STEPS), MIN_FACTOR)
        return factors


NOTHING_SHOWN = RecentImpressions(np.zeros(0, np.int64), np.zeros(0, np.uint8))


def shown_last(order: Ranker, lately: RecentImpressions) -> Ranker:
    """Let what was shown lately come behind everything else, whatever its source."""

    def behind(scope: Scope) -> RankedItems:
        allowed = scope.mask()
        shown = lately.within(len(allowed)).slots
        chosen = order(scope.less(shown))
        wanted = scope.limit - len(chosen.slots)
        if wanted > 0:
            only = np.zeros_like(allowed)
            only[shown] = allowed[shown]
            rest = order(Scope(only, wanted))
            for place in range(len(rest.slots)):
                chosen.take(rest, place)
        return chosen

    return behind
