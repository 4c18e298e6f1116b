"""What a user was shown recently, and how far that sinks in their list.

How recently is counted in steps, so that it takes a byte an item in a cursor and in an answer's id: a list keeps to
what had been shown when its first page was made.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Slots
from app.recommendations.ranking.rankers import RankedItems, Ranker, Scope

STEPS = 255  # from just now to the end of the window
MAX_IMPRESSIONS = 1_000  # items, those shown last
MIN_FACTOR = 1e-3  # of how far a score lies above zero; less would be lost in the rounding of float32
HOUR_US = 3_600_000_000


class RecentImpressions(NamedTuple):
    """Items that were shown: slots int64 (S,) ascending, steps uint8 (S,), `STEPS` if just now, 1 if long ago."""

    slots: Slots
    steps: NDArray[np.uint8]

    @classmethod
    def of(
        cls, catalogue: Catalogue, shown: Iterable[tuple[int, int]], now_us: int, hours: float
    ) -> "RecentImpressions":
        """Count how recently items were shown: (primary key, moment in microseconds) each, all in the last hours."""
        pairs = [(catalogue.slot_of_id[item], moment) for item, moment in shown if item in catalogue.slot_of_id]
        slots, moments = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
        left = 1 - (now_us - moments) / (hours * HOUR_US)
        return cls(slots, np.ceil(np.clip(left, 1 / STEPS, 1) * STEPS).astype(np.uint8))

    @property
    def is_valid(self) -> bool:
        """Whether there is a step for each item, and not too many: a token may hold anything."""
        return len(self.slots) == len(self.steps) <= MAX_IMPRESSIONS

    def within(self, num_slots: int) -> "RecentImpressions":
        """Return those that a catalogue of this size has."""
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


NO_IMPRESSIONS = RecentImpressions(np.zeros(0, np.int64), np.zeros(0, np.uint8))


def demote_recent(ranker: Ranker, impressions: RecentImpressions) -> Ranker:
    """Put what was shown recently behind everything else, whatever its source."""

    def rank(scope: Scope) -> RankedItems:
        allowed = scope.mask()
        shown = impressions.within(len(allowed)).slots
        items = ranker(scope.excluding(shown))
        num_missing = scope.limit - len(items.slots)
        if num_missing > 0:
            only = np.zeros_like(allowed)
            only[shown] = allowed[shown]
            rest = ranker(Scope(only, num_missing))
            for place in range(len(rest.slots)):
                items.take(rest, place)
        return items

    return rank
