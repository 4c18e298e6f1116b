"""The items of a list, and what orders them: scores, popularity or age."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Mask, Slots
from app.recommendations.request.enums import Source
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.interactions import Values
from models.core.model import FoldIn
from models.inference.top_k import top_k

SCORE_DIGITS = RATING_DIGITS = 6  # behind the point: what an explanation states can be checked by asking again
MARGIN = 0.1  # of the range of scores, by which zero lies below the lowest


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items a list is made of, and how long it may get: what ``base`` lets through, but for some slots."""

    base: Mask
    limit: int
    excluded: tuple[Slots, ...] = ()

    def mask(self) -> Mask:
        """Return what is left: bool (slots,), not to be changed."""
        if not self.excluded:
            return self.base
        mask = self.base.copy()
        for slots in self.excluded:
            mask[slots] = False
        return mask

    def excluding(self, slots: Slots) -> "Scope":
        """Return the scope without some more slots."""
        return replace(self, excluded=(*self.excluded, slots))


@dataclass(slots=True)
class RankedItems:
    """Items in the order they are recommended: parallel lists."""

    slots: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    predicted: list[float | None] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def add(self, slots: Slots, scores: Any, predicted: Any, source: Source) -> None:
        """Append items of one source; scores and predictions are arrays, or None where there are none."""
        count = len(slots)
        self.slots += slots.tolist()
        self.scores += [None] * count if scores is None else [round(score, SCORE_DIGITS) for score in scores.tolist()]
        self.predicted += (
            [None] * count if predicted is None else [round(stars, RATING_DIGITS) for stars in predicted.tolist()]
        )
        self.sources += [source] * count

    def take(self, other: "RankedItems", place: int, source: Source | None = None) -> None:
        """Append an item of another list, as of another ``source`` if one is given."""
        self.slots.append(other.slots[place])
        self.scores.append(other.scores[place])
        self.predicted.append(other.predicted[place])
        self.sources.append(source or other.sources[place])

    def keep_page(self, limit: int, *, num_slots: int, previous_items: Slots) -> int:
        """Keep the first of those below ``num_slots`` that no earlier page held; return how many there are."""
        if not len(previous_items) and max(self.slots, default=-1) < num_slots:
            num_left = len(self.slots)
            for values in (self.slots, self.scores, self.predicted, self.sources):
                del values[limit:]
            return num_left
        slots_S = np.array(self.slots, np.int64)
        places = np.flatnonzero((slots_S < num_slots) & ~np.isin(slots_S, previous_items)).tolist()
        before = replace(self)
        self.slots, self.scores, self.predicted, self.sources = [], [], [], []
        for place in places[:limit]:
            self.take(before, place)
        return len(places)


# Returns the best items of a scope. Those of a smaller limit are the first of those of a larger one.
Ranker = Callable[[Scope], RankedItems]


class Candidates:
    """All that has a score for a user: the items that the model knows, then new ones that are like known ones.

    A place is a column of the model, or behind those a cold item.
    """

    def __init__(self, live: LoadedModel, fold: FoldIn) -> None:
        self._live, self._fold, self.cold = live, fold, live.cold
        self.scores: Values = fold.preference  # by place
        self.slots = live.slot_of_column  # by place
        if len(self.cold):
            self.scores = np.concatenate([fold.preference, self.cold.scores(fold.preference, fold.columns)])
            self.slots = np.concatenate([live.slot_of_column, self.cold.slots])

    def factors(self, of_slots: Factors) -> NDArray[np.float64]:
        """Return each place's factor; 1 where the catalogue has no such item."""
        known = self._live.by_column(of_slots, 1.0)
        return np.concatenate([known, of_slots[self.cold.slots]]) if len(self.cold) else known

    def excluded(self, catalogue: Catalogue, scope: Scope) -> Mask:
        """Return which places may not be recommended: bool, by place."""
        live = self._live
        excluded = live.excluded_columns(catalogue, scope.base)
        for slots in scope.excluded:
            columns = live.column_of_slot[slots]
            excluded[columns[columns >= 0]] = True
        if not len(self.cold):
            return excluded
        is_known = live.column_of_slot[self.cold.slots] >= 0  # the catalogue has learned of it since
        return np.concatenate([excluded, ~scope.mask()[self.cold.slots] | is_known])

    def ratings(self, places: NDArray[np.int32]) -> Values:
        """Return the predicted ratings at some places, of which some are cold: float32 (K,)."""
        num_known = len(self._live.slot_of_column)
        ratings = np.empty(len(places), np.float32)
        is_known = places < num_known
        ratings[is_known] = self._fold.rating(places[is_known])
        if not is_known.all():
            ratings[~is_known] = self.cold.ratings(self._fold, places[~is_known].astype(np.int64) - num_known)
        return ratings

    def sources(self, places: NDArray[np.int32]) -> list[Source]:
        """Return what scores the items at some places: the model, or what they say about themselves."""
        is_known = places < len(self._live.slot_of_column)
        return [Source.PERSONAL if known else Source.ATTRIBUTES for known in is_known.tolist()]


def by_score(
    catalogue: Catalogue,
    live: LoadedModel,
    fold: FoldIn,
    *,
    boosts: Factors | None = None,
    discounts: Factors | None = None,
) -> Ranker:
    """Rank what has a score by it, then what nothing can be said of yet, newest first.

    ``boosts``, here and below: what scores are multiplied by; ``discounts``: what then remains of those of items that
    were shown recently.
    """
    candidates = Candidates(live, fold)
    scores = candidates.scores
    for factors in (boosts, discounts):
        if factors is not None:
            scores = boost(scores, candidates.factors(factors))

    def rank(scope: Scope) -> RankedItems:
        places = top_k(scores, scope.limit, candidates.excluded(catalogue, scope))
        items = RankedItems()
        if len(places):
            ratings = candidates.ratings(places) if len(candidates.cold) else fold.rating(places)
            items.add(candidates.slots[places], scores[places], ratings, Source.PERSONAL)
        if len(candidates.cold):
            items.sources = candidates.sources(places)
        if len(places) < scope.limit:
            unknown = live.unknown_items(scope.excluding(candidates.cold.slots).mask())
            newest = by_factor(unknown, multiply(boosts, discounts))
            items.add(newest[: scope.limit - len(places)], None, None, Source.NEW)
        return items

    return rank


def by_popularity(popularity: Popularity, *, boosts: Factors | None = None, discounts: Factors | None = None) -> Ranker:
    """Rank by popularity, then the unrated items, newest first."""
    slots, scores, means = popularity.slots, popularity.scores, popularity.means
    if boosts is not None or discounts is not None:
        for factors in (boosts, discounts):
            if factors is not None:
                scores = boost(scores, factors[slots])
        ranks = np.argsort(-scores, kind="stable")
        slots, scores, means = slots[ranks], scores[ranks], means[ranks]

    def rank(scope: Scope) -> RankedItems:
        allowed = scope.mask()
        popular = np.flatnonzero(allowed[slots])[: scope.limit]
        items = RankedItems()
        items.add(slots[popular], scores[popular], means[popular], Source.POPULAR)
        if len(popular) < scope.limit:
            unrated = allowed.copy()
            unrated[slots] = False
            newest = by_factor(np.flatnonzero(unrated)[::-1], multiply(boosts, discounts))
            items.add(newest[: scope.limit - len(popular)], None, None, Source.NEW)
        return items

    return rank


def by_age(*, boosts: Factors | None = None, discounts: Factors | None = None) -> Ranker:
    """Rank the newest first."""

    def rank(scope: Scope) -> RankedItems:
        items = RankedItems()
        newest = by_factor(np.flatnonzero(scope.mask())[::-1], multiply(boosts, discounts))
        items.add(newest[: scope.limit], None, None, Source.NEW)
        return items

    return rank


def boost(scores: NDArray[Any], factors: Factors) -> NDArray[Any]:
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
    boosted = scores.copy()
    boosted[moved] = np.where(theirs > 1, np.maximum(before, after), np.minimum(before, after))
    return boosted


def by_factor(newest: Slots, factors: Factors | None) -> Slots:
    """Return items without scores in the order of their factors; of equal ones the newest comes first."""
    return newest if factors is None else newest[np.argsort(-factors[newest], kind="stable")]


def multiply(boosts: Factors | None, discounts: Factors | None) -> Factors | None:
    """Return the product of two factors of each item; None: 1 for all."""
    return discounts if boosts is None else boosts if discounts is None else boosts * discounts
