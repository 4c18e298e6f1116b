"""The ratings that a list is made from, and what else is known of their user."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.recommendations.catalogue.index import Slots
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, RecentImpressions
from app.recommendations.request.enums import Reason
from models.core.interactions import Values


@dataclass(frozen=True, slots=True)
class UserProfile:
    """Ratings to recommend by, kept in the order of their slots: sums over them do not depend on who sent them.

    Attributes:
        slots: int64 (E,), ascending; given in any order.
        values: float32 (E,), the rating of each.
        reason: why there are no ratings; None if there are.
        seed: of what is drawn for this user; another for each user and revision.
        number: the user's, `users.id`; 0 for an unknown user or a guest.
        impressions: what they were shown recently, if that counts against it.
    """

    slots: Slots
    values: Values
    reason: Reason | None = None
    seed: int = 0
    number: int = 0
    impressions: RecentImpressions = NO_IMPRESSIONS

    def __init__(
        self,
        slots: Sequence[int],
        values: Sequence[float],
        reason: Reason | None = None,
        *,
        seed: int = 0,
        number: int = 0,
        impressions: RecentImpressions = NO_IMPRESSIONS,
    ) -> None:
        """Sort the ratings by item."""
        slots_E, values_E = np.array(slots, np.int64), np.array(values, np.float32)
        if (slots_E[1:] < slots_E[:-1]).any():
            order = slots_E.argsort()
            slots_E, values_E = slots_E[order], values_E[order]
        fields = {"slots": slots_E, "values": values_E, "reason": reason}
        for name, value in (fields | {"seed": seed, "number": number, "impressions": impressions}).items():
            object.__setattr__(self, name, value)


EMPTY_PROFILE = UserProfile([], [])
