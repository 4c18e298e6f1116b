"""What can be ordered, and the plain orders: by taste, by popularity, by age."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Slots
from app.recommendations.ranking.candidates import Candidates
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.scope import Scope
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.model import FoldIn
from models.evaluation.top_k import top_k

MARGIN = 0.1  # of the range of scores, by which zero lies below the lowest


# Gives the best items of a scope. That of a smaller limit is the head of that of a larger.
Ranker = Callable[[Scope], RankedItems]


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


def together(factors: Factors | None, sunk: Factors | None) -> Factors | None:
    """Multiply boosts and what is left of what was shown lately."""
    return sunk if factors is None else factors if sunk is None else factors * sunk


def by_taste(
    catalogue: Catalogue, live: LoadedModel, fold: FoldIn, factors: Factors | None, sunk: Factors | None = None
) -> Ranker:
    """Order what has a score by it, then what nothing can be said of yet, newest first.

    ``sunk``, here and below: what is left of scores, boosts included, of items that were shown lately.
    """
    candidates = Candidates(live, fold)
    scores = candidates.scores
    for each in (factors, sunk):
        scores = scores if each is None else boosted(scores, candidates.factors(each))
    factors = together(factors, sunk)

    def order(scope: Scope) -> RankedItems:
        places = top_k(scores, scope.limit, candidates.barred(catalogue, scope))
        chosen = candidates.selection(places, scores[places])
        if len(places) < scope.limit:
            newcomers = by_factor(live.unknown_items(scope.less(candidates.cold.slots).mask()), factors)
            chosen.add(newcomers[: scope.limit - len(places)], None, None, Source.NEW)
        return chosen

    return order


def by_popularity(popularity: Popularity, factors: Factors | None, sunk: Factors | None = None) -> Ranker:
    """Order by popularity, then the unrated items, newest first."""
    slots, scores, means = popularity.slots, popularity.scores, popularity.means
    if factors is not None or sunk is not None:
        for each in (factors, sunk):
            scores = scores if each is None else boosted(scores, each[slots])
        factors = together(factors, sunk)
        ranks = np.argsort(-scores, kind="stable")
        slots, scores, means = slots[ranks], scores[ranks], means[ranks]

    def order(scope: Scope) -> RankedItems:
        allowed = scope.mask()
        popular = np.flatnonzero(allowed[slots])[: scope.limit]
        chosen = RankedItems()
        chosen.add(slots[popular], scores[popular], means[popular], Source.POPULAR)
        if len(popular) < scope.limit:
            unrated = allowed.copy()
            unrated[slots] = False
            rest = by_factor(np.flatnonzero(unrated)[::-1], factors)
            chosen.add(rest[: scope.limit - len(popular)], None, None, Source.NEW)
        return chosen

    return order


def by_age(factors: Factors | None) -> Ranker:
    """Order the newest first."""

    def order(scope: Scope) -> RankedItems:
        chosen = RankedItems()
        newest = by_factor(np.flatnonzero(scope.mask())[::-1], factors)
        chosen.add(newest[: scope.limit], None, None, Source.NEW)
        return chosen

    return order
