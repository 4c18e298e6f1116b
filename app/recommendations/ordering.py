"""What can be ordered, and the plain orders: by taste, by popularity, by age."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue import Catalogue, Factors, Mask, Slots
from app.recommendations.live import LiveModel
from app.recommendations.popularity import Popularity
from app.recommendations.selection import Selection, Source
from models.base import FoldIn
from models.recommend import top_k

MARGIN = 0.1  # of the range of scores, by which zero lies below the lowest


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items a list is made of, and how long it may get: what ``base`` lets through ``without`` some slots."""

    base: Mask
    limit: int
    without: tuple[Slots, ...] = field(default=())

    def mask(self) -> Mask:
        """Give what is left: bool (slots,), not to be changed."""
        if not self.without:
            return self.base
        mask = self.base.copy()
        for slots in self.without:
            mask[slots] = False
        return mask

    def less(self, slots: Slots) -> "Scope":
        """Give the scope without some more slots."""
        return replace(self, without=(*self.without, slots))


# Gives the best items of a scope. That of a smaller limit is the head of that of a larger.
Order = Callable[[Scope], Selection]


def boosted(scores: NDArray[Any], factors: Factors) -> NDArray[Any]:
    """Multiply how far each score lies above a zero by its factor: the dtype of ``scores``.

    Scores have no unit and no zero: one is set below the lowest of them, by a tenth of their range. A factor of 1
    leaves a score exactly as it is, one above 1 never lowers it, one below 1 never raises it, and items of one factor
    keep their order.
    """
    if not len(scores):
        return scores
    lowest, highest = float(scores.min()), float(scores.max())
    zero = lowest - ((highest - lowest) * MARGIN or 1.0)
    moved = np.flatnonzero(factors != 1)
    before, theirs = scores[moved], factors[moved]
    after = (zero + (before.astype(np.float64) - zero) * theirs).astype(scores.dtype)
    boosted_scores = scores.copy()
    boosted_scores[moved] = np.where(theirs > 1, np.maximum(before, after), np.minimum(before, after))
    return boosted_scores


def by_factor(newest: Slots, factors: Factors | None) -> Slots:
    """Put items without scores in the order of their factors; of equal ones the newest comes first."""
    return newest if factors is None else newest[np.argsort(-factors[newest], kind="stable")]


def by_taste(catalogue: Catalogue, live: LiveModel, fold: FoldIn, factors: Factors | None) -> Order:
    """Order what the model knows by preference, then what it does not know yet, newest first."""
    preference = fold.preference
    if factors is not None:
        preference = boosted(preference, live.of_columns(factors, 1.0))

    def order(scope: Scope) -> Selection:
        barred = live.barred(catalogue, scope.base)
        for slots in scope.without:
            unwanted = live.column_of_slot[slots]
            barred[unwanted[unwanted >= 0]] = True
        columns = top_k(preference, scope.limit, barred)
        chosen = Selection()
        if len(columns):
            chosen.add(live.slot_of_column[columns], preference[columns], fold.rating(columns), Source.PERSONAL)
        if len(columns) < scope.limit:
            newcomers = by_factor(live.newcomers(scope.mask()), factors)
            chosen.add(newcomers[: scope.limit - len(columns)], None, None, Source.NEW)
        return chosen

    return order


def by_popularity(popularity: Popularity, factors: Factors | None) -> Order:
    """Order by popularity, then the unrated items, newest first."""
    slots, scores, means = popularity.slots, popularity.scores, popularity.means
    if factors is not None:
        scores = boosted(scores, factors[slots])
        ranks = np.argsort(-scores, kind="stable")
        slots, scores, means = slots[ranks], scores[ranks], means[ranks]

    def order(scope: Scope) -> Selection:
        allowed = scope.mask()
        popular = np.flatnonzero(allowed[slots])[: scope.limit]
        chosen = Selection()
        chosen.add(slots[popular], scores[popular], means[popular], Source.POPULAR)
        if len(popular) < scope.limit:
            unrated = allowed.copy()
            unrated[slots] = False
            rest = by_factor(np.flatnonzero(unrated)[::-1], factors)
            chosen.add(rest[: scope.limit - len(popular)], None, None, Source.NEW)
        return chosen

    return order


def by_age(factors: Factors | None) -> Order:
    """Order the newest first."""

    def order(scope: Scope) -> Selection:
        chosen = Selection()
        newest = by_factor(np.flatnonzero(scope.mask())[::-1], factors)
        chosen.add(newest[: scope.limit], None, None, Source.NEW)
        return chosen

    return order
