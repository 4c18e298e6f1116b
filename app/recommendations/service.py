"""The rules of recommending: who gets what, and why it is not personal where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue import Catalogue, Factors, Mask, Slots
from app.recommendations.live import LiveModel
from app.recommendations.options import Options as Options  # others take it from here
from app.recommendations.ordering import Order, Scope, by_age, by_popularity, by_taste
from app.recommendations.pins import pinned
from app.recommendations.popularity import Popularity
from app.recommendations.selection import RATING_DIGITS as RATING_DIGITS
from app.recommendations.selection import SCORE_DIGITS as SCORE_DIGITS
from app.recommendations.selection import Selection as Selection
from app.recommendations.selection import Source as Source
from models.base import FoldIn

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
class Taste:
    """Ratings to recommend by: slots int64 (E,) ascending, values float32 (E,)."""

    slots: Slots
    values: Values
    reason: Reason | None = None  # why there are no ratings

    @classmethod
    def of(cls, slots: Sequence[int], values: Sequence[float], reason: Reason | None = None) -> "Taste":
        """Sort the ratings by item, so that sums over them never depend on who sent them."""
        slots_E, values_E = np.array(slots, np.int64), np.array(values, np.float32)
        if (slots_E[1:] < slots_E[:-1]).any():
            order = slots_E.argsort()
            slots_E, values_E = slots_E[order], values_E[order]
        return cls(slots_E, values_E, reason)


def known_columns(live: LiveModel, taste: Taste) -> tuple[NDArray[np.int32], Values]:
    """Give the columns and values of the ratings that the model can read."""
    columns = live.column_of_slot[taste.slots].astype(np.int32)
    known = columns >= 0
    return (columns, taste.values) if known.all() else (columns[known], taste.values[known])


def select_personal(catalogue: Catalogue, live: LiveModel, fold: FoldIn, taste: Taste, options: Options) -> Selection:
    """Choose by taste: what the model knows by preference, then what it does not know yet, newest first."""
    order = by_taste(catalogue, live, fold, factors_of(catalogue, options))
    return arranged(order, catalogue, options)(scope_of(catalogue, taste, options))


def select_popular(catalogue: Catalogue, popularity: Popularity, taste: Taste, options: Options) -> Selection:
    """Choose by popularity, then the unrated items, newest first."""
    order = by_popularity(popularity, factors_of(catalogue, options))
    return arranged(order, catalogue, options)(scope_of(catalogue, taste, options))


def select_new(catalogue: Catalogue, taste: Taste, options: Options) -> Selection:
    """Choose the newest items."""
    order = by_age(factors_of(catalogue, options))
    return arranged(order, catalogue, options)(scope_of(catalogue, taste, options))


def select_fallback(
    catalogue: Catalogue, popularity: Popularity, taste: Taste, options: Options, reason: Reason
) -> tuple[Selection, Reason]:
    """Choose popular and new items; rated ones when nothing else is left."""
    chosen = select_popular(catalogue, popularity, taste, options)
    if chosen.slots:
        return chosen, reason
    chosen = select_popular(catalogue, popularity, taste, replace(options, include_rated=True))
    return chosen, Reason.ALL_RATED if chosen.slots else Reason.NO_ITEMS


def arranged(order: Order, catalogue: Catalogue, options: Options) -> Order:
    """Let the rules that are asked for have their say in an order."""
    plain, pins = order, options.rules.pins + catalogue.rules.pins
    if pins:
        order = pinned(order, plain, catalogue, pins)
    return order


def factors_of(catalogue: Catalogue, options: Options) -> Factors | None:
    """Give what every item's score is multiplied by, if anything is: for everybody and in this request."""
    return catalogue.factors(catalogue.rules.boosts + options.rules.boosts)


def scope_of(catalogue: Catalogue, taste: Taste, options: Options) -> Scope:
    """Give the items that may be in the answer: those the filter lets through, without rated and blocked ones."""
    without = () if options.include_rated or not len(taste.slots) else (taste.slots,)
    scope = Scope(catalogue.allowed(options.filter), options.limit, without)
    if options.rules.block:
        scope = scope.less(np.array(catalogue.slots_of(options.rules.block), np.int64))
    return scope


def allowed_slots(catalogue: Catalogue, taste: Taste, options: Options) -> Mask:
    """Tell which items may be in the answer: bool (slots,), not to be changed."""
    return scope_of(catalogue, taste, options).mask()


def items_of(catalogue: Catalogue, chosen: Selection, taste: Taste) -> list[dict[str, Any]]:
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
