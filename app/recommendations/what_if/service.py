"""What a user would be recommended if they had rated otherwise. Nothing is stored."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app.kit.times import now_us
from app.ratings.scale import Scale
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import Ranking
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import SCORE_DIGITS, RankedItems
from app.recommendations.request.enums import Reason
from app.recommendations.state.serving import Serving
from app.recommendations.users.guests import latest_values
from app.recommendations.users.response import write_explained
from app.recommendations.users.service import AnswerModel, rank_now, read_profile
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
    revision, user = await read_profile(serving, user_id, options)
    await serving.refresh_catalogue()
    changes = changes_of(serving.catalogue, user, posted, asked.remove)
    model, limit = AnswerModel(serving.live_for(user_id)), max(options.limit, MAX_PLACE)
    profiles = (user, apply_changes(user, changes))
    rankings = [await rank_now(serving, each, options, model, limit=limit) for each in profiles]
    before, after = [
        await write_explained(
            serving,
            serving.catalogue,
            replace(ranking, items=head(ranking.items, options.limit)),
            each,
            options=options,
        )
        for each, ranking in zip(profiles, rankings, strict=True)
    ]
    return {
        "user_id": user_id,
        "revision": revision,
        "unknown_items": changes.unknown_items,
        "not_rated": changes.not_rated,
        "before": before,
        "after": after,
        "moves": moves_between(serving.catalogue, rankings[0], rankings[1], options.limit),
    }


def changes_of(catalogue: Catalogue, user: UserProfile, posted: Mapping[str, float], remove: Sequence[str]) -> Changes:
    """Separate what changes from what cannot; an item named twice is removed once."""
    remove = list(dict.fromkeys(remove))
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
    return UserProfile(list(ratings), list(ratings.values()), reason, impressions=user.impressions)


def head(items: RankedItems, limit: int) -> RankedItems:
    """Keep the first items."""
    return RankedItems(**{each.name: getattr(items, each.name)[:limit] for each in fields(items)})


def moves_between(catalogue: Catalogue, before: Ranking, after: Ranking, limit: int) -> list[dict[str, Any]]:
    """Return the items whose place differs between two lists, in the order of the new list; removed ones come last."""
    places = [{slot: place for place, slot in enumerate(each.items.slots, 1)} for each in (before, after)]
    ends = [*after.items.slots[:limit], *before.items.slots[:limit]]
    found = [slot for slot in dict.fromkeys(ends) if places[0].get(slot) != places[1].get(slot)]
    found.sort(key=lambda slot: places[1].get(slot, math.inf))
    return [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "before": places[0].get(slot),
            "after": places[1].get(slot),
            **differences(before.items, places[0].get(slot), after.items, places[1].get(slot)),
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
