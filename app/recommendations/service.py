"""The rules of recommending: who gets what, and why it is not personal where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue import Catalogue, Mask, Slots
from app.recommendations.live import LiveModel
from app.recommendations.options import Options as Options  # others take it from here
from app.recommendations.popularity import Popularity
from models.base import FoldIn
from models.recommend import top_k

Values = NDArray[np.float32]
SCORE_DIGITS = RATING_DIGITS = 6  # behind the point: what an explanation states can be checked by asking again


class Source(StrEnum):
    """Where an item of an answer comes from."""

    PERSONAL = "personal"  # the model's reconstruction of this user
    POPULAR = "popular"  # what everybody likes
    NEW = "new"  # not rated, or not learned yet
    SIMILAR = "similar"  # what is liked by those who like an item
    ATTRIBUTES = "attributes"  # what says alike things about itself: title, categories, attributes


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


@dataclass(slots=True)
class Selection:
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


def known_columns(live: LiveModel, taste: Taste) -> tuple[NDArray[np.int32], Values]:
    """Give the columns and values of the ratings that the model can read."""
    columns = live.column_of_slot[taste.slots].astype(np.int32)
    known = columns >= 0
    return (columns, taste.values) if known.all() else (columns[known], taste.values[known])


def select_personal(catalogue: Catalogue, live: LiveModel, fold: FoldIn, taste: Taste, options: Options) -> Selection:
    """Order what the model knows by preference, then what it does not know yet, newest first."""
    barred = live.barred(catalogue, catalogue.allowed(options.filter))
    for slots in excluded(catalogue, taste, options):
        unwanted = live.column_of_slot[slots]
        barred[unwanted[unwanted >= 0]] = True
    columns = top_k(fold.preference, options.limit, barred)
    chosen = Selection()
    if len(columns):
        slots = live.slot_of_column[columns]
        chosen.add(slots, fold.preference[columns], fold.rating(columns), Source.PERSONAL)
    if len(columns) < options.limit:
        newcomers = live.newcomers(allowed_slots(catalogue, taste, options))
        chosen.add(newcomers[: options.limit - len(columns)], None, None, Source.NEW)
    return chosen


def allowed_slots(catalogue: Catalogue, taste: Taste, options: Options) -> Mask:
    """Tell which items may be in the answer: bool (slots,)."""
    allowed, excepted = catalogue.allowed(options.filter), excluded(catalogue, taste, options)
    if excepted:
        allowed = allowed.copy()
    for slots in excepted:
        allowed[slots] = False
    return allowed


def excluded(catalogue: Catalogue, taste: Taste, options: Options) -> list[Slots]:
    """Give the slots that may not be in this answer although the filter lets them: rated and blocked ones."""
    slots = [] if options.include_rated or not len(taste.slots) else [taste.slots]
    if options.rules.block:
        slots.append(np.array(catalogue.slots_of(options.rules.block), np.int64))
    return slots


def select_popular(popularity: Popularity, allowed: Mask, limit: int) -> Selection:
    """Order the allowed items by popularity, then the unrated ones, newest first."""
    chosen = Selection()
    popular = np.flatnonzero(allowed[popularity.slots])[:limit]
    chosen.add(popularity.slots[popular], popularity.scores[popular], popularity.means[popular], Source.POPULAR)
    if len(popular) < limit:
        unrated = allowed.copy()
        unrated[popularity.slots] = False
        chosen.add(np.flatnonzero(unrated)[::-1][: limit - len(popular)], None, None, Source.NEW)
    return chosen


def select_new(allowed: Mask, limit: int) -> Selection:
    """Give the allowed items, newest first."""
    chosen = Selection()
    chosen.add(np.flatnonzero(allowed)[::-1][:limit], None, None, Source.NEW)
    return chosen


def select_fallback(
    catalogue: Catalogue, popularity: Popularity, taste: Taste, options: Options, reason: Reason
) -> tuple[Selection, Reason]:
    """Choose popular and new items; rated ones when nothing else is left."""
    chosen = select_popular(popularity, allowed_slots(catalogue, taste, options), options.limit)
    if chosen.slots:
        return chosen, reason
    everything = allowed_slots(catalogue, taste, replace(options, include_rated=True))
    chosen = select_popular(popularity, everything, options.limit)
    return chosen, Reason.ALL_RATED if chosen.slots else Reason.NO_ITEMS


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
