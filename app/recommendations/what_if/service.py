"""What a user would be recommended if they had rated otherwise. Nothing is stored."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app.kit.times import now_us
from app.ratings.scale import Scale
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import Reason, UserProfile
from app.recommendations.ranking.ranked import Ranking
from app.recommendations.ranking.ranked_items import SCORE_DIGITS, RankedItems
from app.recommendations.state.serving import Serving
from app.recommendations.users.profile import AnswerModel, latest_values, profile_of_user, rank, written
from app.recommendations.what_if.schemas import WhatIfRequest
from app.settings import Settings

MAX_PLACE = 200  # up to which an item is followed that leaves the list or enters it


@dataclass(frozen=True)
class Changes:
    """Ratings to change, by slot, and those of the request that change nothing."""

    values: Mapping[int, float]
    removed: Sequence[int]
    unknown_items: Sequence[str]
    not_rated: Sequence[str]


async def for_user(serving: Serving, settings: Settings, user_id: str, asked: WhatIfRequest) -> dict[str, Any]:
    """Answer by the ratings as they are and as they would be, both with one model, and list what moves."""
    posted = latest_values(asked.set, Scale.of(settings), now_us(), "/set")
    options = asked.options()
    revision, user = await profile_of_user(serving, user_id, options)
    await serving.refresh_catalogue()
    changes = changes_of(serving.catalogue, user, posted, asked.remove)
    changed, using = apply_changes(user, changes), AnswerModel(serving.live_for(user_id))
    deep = replace(options, limit=max(options.limit, MAX_PLACE))
    rankings = [(each, await rank(serving, each, deep, using)) for each in (user, changed)]
    before, after = [
        await written(
            serving, serving.catalogue, replace(ranking, chosen=head(ranking.chosen, options.limit)), each, options
        )
        for each, ranking in rankings
    ]
    return {
        "user_id": user_id,
        "revision": revision,
        "unknown_items": changes.unknown_items,
        "not_rated": changes.not_rated,
        "before": before,
        "after": after,
        "moves": moves_between(serving.catalogue, rankings[0][1], rankings[1][1], options.limit),
    }


def changes_of(catalogue: Catalogue, user: UserProfile, posted: Mapping[str, float], remove: Sequence[str]) -> Changes:
    """Separate what changes from what cannot."""
    slot_of, rated = catalogue.slot_of_external_id, set(user.slots.tolist())
    return Changes(
        {slot_of[item_id]: value for item_id, value in posted.items() if item_id in slot_of},
        [slot_of[item_id] for item_id in remove if slot_of.get(item_id) in rated],
        [item_id for item_id in posted if item_id not in slot_of],
        [item_id for item_id in remove if slot_of.get(item_id) not in rated],
    )


def apply_changes(user: UserProfile, changes: Changes) -> UserProfile:
    """Return the user's profile as it would be."""
    ratings = dict(zip(user.slots.tolist(), user.values.tolist(), strict=True)) | dict(changes.values)
    for slot in changes.removed:
        del ratings[slot]
    reason = None if ratings else user.reason or Reason.NO_RATINGS
    return UserProfile.of(list(ratings), list(ratings.values()), reason, lately=user.lately)


def head(chosen: RankedItems, limit: int) -> RankedItems:
    """Keep the first items."""
    return RankedItems(**{each.name: getattr(chosen, each.name)[:limit] for each in fields(chosen)})


def moves_between(catalogue: Catalogue, before: Ranking, after: Ranking, limit: int) -> list[dict[str, Any]]:
    """Return the items whose place differs between two lists, in the order of the new list; removed ones come last."""
    places = [{slot: place for place, slot in enumerate(each.chosen.slots, 1)} for each in (before, after)]
    ends = [*after.chosen.slots[:limit], *before.chosen.slots[:limit]]
    found = [slot for slot in dict.fromkeys(ends) if places[0].get(slot) != places[1].get(slot)]
    found.sort(key=lambda slot: places[1].get(slot, math.inf))
    return [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "before": places[0].get(slot),
            "after": places[1].get(slot),
            **differences(before.chosen, places[0].get(slot), after.chosen, places[1].get(slot)),
        }
        for slot in found
    ]


def differences(before: RankedItems, place: int | None, after: RankedItems, new_place: int | None) -> dict[str, Any]:
    """Return how far an item's score and rating change, where both lists have it from one source."""
    if place is None or new_place is None or before.sources[place - 1] != after.sources[new_place - 1]:
        return {"score_change": None, "rating_change": None}
    return {
        "score_change": difference(after.scores[new_place - 1], before.scores[place - 1]),
        "rating_change": difference(after.predicted[new_place - 1], before.predicted[place - 1]),
    }


def difference(new: float | None, old: float | None) -> float | None:
    """Return the difference, where both are known."""
    return None if new is None or old is None else round(new - old, SCORE_DIGITS)
