"""Choosing the items of a list, from all that it needs and without waiting for anything."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from app.recommendations.catalogue.index import Catalogue, Mask, Slots
from app.recommendations.ranking.diversity import diversify
from app.recommendations.ranking.exploration import explore, new_items
from app.recommendations.ranking.pins import pin_items
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import (
    RankedItems,
    Ranker,
    Scope,
    by_age,
    by_popularity,
    by_score,
    multiply,
)
from app.recommendations.ranking.rotation import demote_recent
from app.recommendations.request.enums import Reason
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.interactions import Values
from models.core.model import FoldIn

# Takes ``boosts`` and ``discounts``, factors of each item's score or None: float64 (slots,).
RankerFactory = Callable[..., Ranker]


@dataclass(frozen=True, slots=True)
class RankingInputs:
    """What a list is made from, beside the catalogue.

    Attributes:
        live: the model, if there is one.
        fold: the user, if the model knows any of what they have rated.
        counted: what everybody likes, if that does not come with the model.
        vectors: float32 (I, D), the model's item vectors, if diversity is asked for.
    """

    live: LoadedModel | None
    fold: FoldIn | None = None
    counted: Popularity | None = None
    vectors: Values | None = None

    @property
    def popularity(self) -> Popularity | None:
        """What everybody likes: as the model says, once it is fitted to the catalogue, else as counted."""
        return self.counted if self.live is None else self.live.popularity


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items in the order they are recommended, and what the order is made from.

    That of a smaller limit is the beginning of that of a larger, so a page is a slice.
    """

    items: RankedItems
    inputs: RankingInputs
    at_us: int  # the moment at which these items could be recommended
    reason: Reason | None = None  # why it is not personal
    has_more: bool = False  # whether another page follows


def rank_page(
    catalogue: Catalogue,
    inputs: RankingInputs,
    profile: UserProfile,
    options: Options,
    *,
    num_slots: int,
    previous_items: Slots,
) -> Ranking:
    """Return the next ``options.limit`` of the first ``num_slots`` items, behind those of earlier pages."""
    limit = len(previous_items) + options.limit + 1
    while True:
        ranking = rank(catalogue, inputs, profile, options, limit=limit)
        num_found = len(ranking.items.slots)
        num_left = ranking.items.keep_page(options.limit, num_slots=num_slots, previous_items=previous_items)
        if num_left > options.limit:
            return replace(ranking, has_more=True)
        if num_found < limit:
            return ranking
        limit *= 2  # items that are newer than the list stand between


def rank(catalogue: Catalogue, inputs: RankingInputs, profile: UserProfile, options: Options, *, limit: int) -> Ranking:
    """Return the first items: personal ones if there is something to go by, else popular and new ones."""
    live, fold, reason = inputs.live, inputs.fold, profile.reason
    if reason is None and live is not None and fold is not None:
        ranking = choose(
            partial(by_score, catalogue, live, fold), catalogue, inputs, profile, options=options, limit=limit
        )
        if ranking.items.slots:
            return ranking
        reason = Reason.ALL_RATED
    reason = reason or (Reason.NO_MODEL if live is None else Reason.NO_KNOWN_ITEMS)
    ranking = rank_popular(catalogue, inputs, profile, options, limit=limit)
    if not ranking.items.slots:
        ranking = rank_popular(catalogue, inputs, profile, replace(options, include_rated=True), limit=limit)
        reason = Reason.ALL_RATED if ranking.items.slots else Reason.NO_ITEMS
    return replace(ranking, reason=reason)


def rank_popular(
    catalogue: Catalogue,
    inputs: RankingInputs,
    profile: UserProfile,
    options: Options,
    *,
    limit: int,
    popularity: Popularity | None = None,
) -> Ranking:
    """Return the most popular items, then those without ratings; ``popularity`` if not by that of the inputs."""
    if inputs.live is not None:
        inputs.live.fit_to(catalogue)  # what is popular follows the catalogue
    popularity = popularity or inputs.popularity
    assert popularity is not None  # noqa: S101 - for the type checker
    return choose(partial(by_popularity, popularity), catalogue, inputs, profile, options=options, limit=limit)


def rank_new(
    catalogue: Catalogue, inputs: RankingInputs, profile: UserProfile, options: Options, *, limit: int
) -> Ranking:
    """Return the newest items."""
    return choose(by_age, catalogue, inputs, profile, options=options, limit=limit)


def choose(
    make_ranker: RankerFactory,
    catalogue: Catalogue,
    inputs: RankingInputs,
    profile: UserProfile,
    *,
    options: Options,
    limit: int,
    excluded: Slots | None = None,
) -> Ranking:
    """Return the best items that may be shown, by these steps, each as far as it is asked for.

    Score, boost, discount what was shown recently; diversify, explore, demote what was shown recently, pin.
    """
    rules, live, impressions = catalogue.rules, inputs.live, profile.impressions
    left_out = exclusions(catalogue, profile, options, excluded)
    boosts = catalogue.factors(rules.boosts + options.rules.boosts)
    scope = Scope(catalogue.allowed(options.filter), limit, left_out)
    at_us = catalogue.moment_us()
    discounts = impressions.factors(len(catalogue), options.rotation) if options.rotation else None
    if live is not None:
        live.fit_to(catalogue)
    scored = ranker = make_ranker(boosts=boosts, discounts=discounts)
    if options.diversity and live is not None and inputs.vectors is not None:
        ranker = diversify(ranker, live, inputs.vectors, options.diversity)
    if options.exploration:
        new = new_items(catalogue, live, inputs.popularity)
        ranker = explore(ranker, new, options.exploration, seed=profile.seed, factors=multiply(boosts, discounts))
    if options.rotation == 1 and len(impressions.slots):
        ranker = demote_recent(ranker, impressions)
    if pins := options.rules.pins + rules.pins:
        ranker = pin_items(ranker, scored, catalogue, pins)
    return Ranking(ranker(scope), inputs, at_us)


def allowed_slots(catalogue: Catalogue, profile: UserProfile, options: Options) -> Mask:
    """Return which items may be in a list: bool (slots,), not to be changed."""
    return Scope(catalogue.allowed(options.filter), 0, exclusions(catalogue, profile, options)).mask()


def exclusions(
    catalogue: Catalogue, profile: UserProfile, options: Options, excluded: Slots | None = None
) -> tuple[Slots, ...]:
    """Return the slots that are left out beside the filter: rated and blocked ones, and those ``excluded``."""
    slots = () if options.include_rated or not len(profile.slots) else (profile.slots,)
    if options.rules.block:
        slots = (*slots, np.array(catalogue.slots_of(options.rules.block), np.int64))
    return slots if excluded is None else (*slots, excluded)
