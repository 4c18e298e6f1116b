"""The rules of recommending: who gets what, and why it is not personal where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Mask, Slots
from app.recommendations.ranking.diversity import diversified
from app.recommendations.ranking.exploration import explored, new_items
from app.recommendations.ranking.pins import pinned
from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.ranking.rankers import Ranker, by_age, by_popularity, by_taste, together
from app.recommendations.ranking.rotation import NOTHING_SHOWN, RecentImpressions, shown_last
from app.recommendations.ranking.scope import Scope
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.model import FoldIn

Values = NDArray[np.float32]


class Reason(StrEnum):
    """Why an answer is not personal."""

    UNKNOWN_USER = "unknown_user"
    NO_RATINGS = "no_ratings"
    NO_MODEL = "no_model"
    NO_KNOWN_ITEMS = "no_known_items"
    ALL_RATED = "all_rated"
    NO_ITEMS = "no_items"


SENTENCES = {
    Reason.UNKNOWN_USER: "Nobody of this id has rated anything: popular and new items.",
    Reason.NO_RATINGS: "There are no ratings to go by: popular and new items.",
    Reason.NO_MODEL: "No model has been loaded yet: popular and new items.",
    Reason.NO_KNOWN_ITEMS: "The model has not learned any of the rated items yet: popular and new items.",
    Reason.ALL_RATED: "Every matching item is rated already: popular ones again.",
    Reason.NO_ITEMS: "No active item matches.",
}


@dataclass(frozen=True, slots=True)
class UserProfile:
    """Ratings to recommend by: slots int64 (E,) ascending, values float32 (E,)."""

    slots: Slots
    values: Values
    reason: Reason | None = None  # why there are no ratings
    seed: int = 0  # of what is drawn for him; another for each user and revision
    number: int = 0  # the user's, `users.id`; 0: nobody we know
    lately: RecentImpressions = NOTHING_SHOWN  # what he was shown, if that is to sink

    @classmethod
    def of(
        cls,
        slots: Sequence[int],
        values: Sequence[float],
        reason: Reason | None = None,
        seed: int = 0,
        number: int = 0,
        lately: RecentImpressions = NOTHING_SHOWN,
    ) -> "UserProfile":
        """Sort the ratings by item, so that sums over them never depend on who sent them."""
        slots_E, values_E = np.array(slots, np.int64), np.array(values, np.float32)
        if (slots_E[1:] < slots_E[:-1]).any():
            order = slots_E.argsort()
            slots_E, values_E = slots_E[order], values_E[order]
        return cls(slots_E, values_E, reason, seed, number, lately)


def known_columns(live: LoadedModel, taste: UserProfile) -> tuple[NDArray[np.int32], Values]:
    """Return the columns and values of the ratings that the model can read."""
    columns = live.column_of_slot[taste.slots].astype(np.int32)
    known = columns >= 0
    return (columns, taste.values) if known.all() else (columns[known], taste.values[known])


def select_personal(
    catalogue: Catalogue,
    live: LoadedModel,
    fold: FoldIn,
    taste: UserProfile,
    options: Options,
    vectors: Values | None = None,
) -> RankedItems:
    """Choose by taste: what the model knows by preference, then what it does not know yet, newest first.

    ``vectors``, here and below: the model's item vectors, if diversity is asked for.
    """
    order = by_taste(catalogue, live, fold, factors_of(catalogue, options), sunk_of(catalogue, taste, options))
    aids = RerankInputs(live, vectors, live.popularity)
    return rerank(order, catalogue, taste, options, aids)(scope_of(catalogue, taste, options))


def select_popular(
    catalogue: Catalogue,
    popularity: Popularity,
    taste: UserProfile,
    options: Options,
    live: LoadedModel | None = None,
    vectors: Values | None = None,
) -> RankedItems:
    """Choose by popularity, then the unrated items, newest first."""
    order = by_popularity(popularity, factors_of(catalogue, options), sunk_of(catalogue, taste, options))
    aids = RerankInputs(live, vectors, popularity if live is None else live.popularity)
    return rerank(order, catalogue, taste, options, aids)(scope_of(catalogue, taste, options))


def select_new(
    catalogue: Catalogue,
    taste: UserProfile,
    options: Options,
    live: LoadedModel | None = None,
    vectors: Values | None = None,
) -> RankedItems:
    """Choose the newest items."""
    order = by_age(factors_of(catalogue, options))
    aids = RerankInputs(live, vectors, None if live is None else live.popularity)
    return rerank(order, catalogue, taste, options, aids)(scope_of(catalogue, taste, options))


def select_fallback(
    catalogue: Catalogue,
    popularity: Popularity,
    taste: UserProfile,
    options: Options,
    reason: Reason,
    live: LoadedModel | None = None,
    vectors: Values | None = None,
) -> tuple[RankedItems, Reason]:
    """Choose popular and new items; rated ones when nothing else is left."""
    chosen = select_popular(catalogue, popularity, taste, options, live, vectors)
    if chosen.slots:
        return chosen, reason
    chosen = select_popular(catalogue, popularity, taste, replace(options, include_rated=True), live, vectors)
    return chosen, Reason.ALL_RATED if chosen.slots else Reason.NO_ITEMS


class RerankInputs(NamedTuple):
    """What orders are arranged with."""

    live: LoadedModel | None
    vectors: Values | None
    popularity: Popularity | None  # tells how many ratings an item has


def rerank(order: Ranker, catalogue: Catalogue, taste: UserProfile, options: Options, aids: RerankInputs) -> Ranker:
    """Let diversity, exploration, rotation and pins have their say in an order, as far as they are asked for."""
    plain, pins = order, options.rules.pins + catalogue.rules.pins
    if options.diversity and aids.live is not None and aids.vectors is not None:
        order = diversified(order, aids.live, aids.vectors, options.diversity)
    if options.exploration:
        new = new_items(catalogue, aids.live, aids.popularity)
        factors = together(factors_of(catalogue, options), sunk_of(catalogue, taste, options))
        order = explored(order, new, options.exploration, taste.seed, factors)
    if options.rotation == 1 and len(taste.lately.slots):
        order = shown_last(order, taste.lately)
    if pins:
        order = pinned(order, plain, catalogue, pins)
    return order


def factors_of(catalogue: Catalogue, options: Options) -> Factors | None:
    """Return what every item's score is multiplied by, if anything is: for everybody and in this request."""
    return catalogue.factors(catalogue.rules.boosts + options.rules.boosts)


def sunk_of(catalogue: Catalogue, taste: UserProfile, options: Options) -> Factors | None:
    """Return how far what was shown lately sinks, if anything does: what is left of each score."""
    return taste.lately.factors(len(catalogue), options.rotation) if options.rotation else None


def scope_of(catalogue: Catalogue, taste: UserProfile, options: Options) -> Scope:
    """Return the items that may be in the answer: those the filter lets through, without rated and blocked ones."""
    without = () if options.include_rated or not len(taste.slots) else (taste.slots,)
    scope = Scope(catalogue.allowed(options.filter), options.limit, without)
    if options.rules.block:
        scope = scope.less(np.array(catalogue.slots_of(options.rules.block), np.int64))
    return scope


def allowed_slots(catalogue: Catalogue, taste: UserProfile, options: Options) -> Mask:
    """Return which items may be in the answer: bool (slots,), not to be changed."""
    return scope_of(catalogue, taste, options).mask()


def items_of(catalogue: Catalogue, chosen: RankedItems, taste: UserProfile) -> list[dict[str, Any]]:
    """Write the items out."""
    rated = set(taste.slots.tolist())
    return [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "score": score,
            "predicted_rating": predicted,
            "source": source,
            "rated": slot in rated,
        }
        for slot, score, predicted, source in zip(
            chosen.slots, chosen.scores, chosen.predicted, chosen.sources, strict=True
        )
    ]
