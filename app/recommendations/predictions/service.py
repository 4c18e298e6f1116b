"""How a user will rate named items, and the error of such predictions for users the model had never seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.predictions.schemas import PredictionRequest, Unknown
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import RATING_DIGITS
from app.recommendations.request.enums import CAUSES, Reason
from app.recommendations.state import repository
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.serving import Serving
from app.recommendations.users.guests import profile_of_guest
from app.recommendations.users.service import read_profile
from app.settings import Settings
from models.core.interactions import Indices, Values

USER_SENTENCES = {
    Reason.UNKNOWN_USER: f"{CAUSES[Reason.UNKNOWN_USER]}: what the model expects of any user.",
    Reason.NO_RATINGS: f"{CAUSES[Reason.NO_RATINGS]}: what the model expects of any user.",
    Reason.NO_KNOWN_ITEMS: f"{CAUSES[Reason.NO_KNOWN_ITEMS]}: what it expects of any user.",
    Reason.NO_MODEL: f"{CAUSES[Reason.NO_MODEL]}.",
}
ITEM_SENTENCES = {
    Unknown.NO_SUCH_ITEM: "The catalogue has no such item.",
    Unknown.NOT_LEARNED: "The model has not learned this item yet; the next training will once it is rated.",
    Unknown.NO_MODEL: USER_SENTENCES[Reason.NO_MODEL],
}


async def for_user(serving: Serving, user_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
    """Predict a user's ratings of the named items by their ratings as of now."""
    revision, user = await read_profile(serving, user_id)
    return {"user_id": user_id, "revision": revision, **await predict(serving, user, item_ids, user_id)}


async def for_guest(serving: Serving, settings: Settings, asked: PredictionRequest) -> dict[str, Any]:
    """Predict by posted ratings; store nothing."""
    unknown_items, guest = await profile_of_guest(serving, settings, asked.ratings)
    answer = await predict(serving, guest, asked.item_ids)
    return {"user_id": None, "revision": None, **answer, "unknown_items": unknown_items}


async def predict(
    serving: Serving, user: UserProfile, item_ids: Sequence[str], user_id: str | None = None
) -> dict[str, Any]:
    """Predict the ratings of items in the order in which they are named, each once; a guest has no ``user_id``."""
    item_ids = list(dict.fromkeys(item_ids))
    slots = await existing_slots(serving, item_ids)
    live, catalogue = serving.live_for(user_id), serving.catalogue
    reason: Reason | None = Reason.NO_MODEL
    predicted = dict[int, float]()
    if live is not None:
        columns, values = live.known_ratings(catalogue, user.slots, user.values)
        reason = user.reason or (None if len(columns) else Reason.NO_KNOWN_ITEMS)
        predicted = predict_ratings(live, columns, values, [slot for slot in slots if slot is not None])
    rated = {slot: round(value, 6) for slot, value in zip(user.slots.tolist(), user.values.tolist(), strict=True)}
    why_unknown = Unknown.NOT_LEARNED if live else Unknown.NO_MODEL
    rows = [
        row_of(catalogue, item_id, slot, rated=rated, predicted=predicted, why_unknown=why_unknown)
        for item_id, slot in zip(item_ids, slots, strict=True)
    ]
    return {
        "model_version": live.version if live else None,
        "personalised": reason is None,
        "reason": reason,
        "reason_detail": USER_SENTENCES[reason] if reason else None,
        "rmse": live.metrics.get("rmse") if live else None,
        "mae": live.metrics.get("mae") if live else None,
        "predictions": rows,
    }


async def existing_slots(serving: Serving, item_ids: Sequence[str]) -> list[int | None]:
    """Return the items' slots; None for an item that never existed or is deleted."""
    catalogue = serving.catalogue
    slots = [catalogue.slot_of_external_id.get(item_id) for item_id in item_ids]
    inactive = [
        item_id
        for item_id, slot in zip(item_ids, slots, strict=True)
        if slot is not None and not catalogue.active[slot]
    ]
    deleted = await serving.database.read(repository.deleted_items, inactive) if inactive else ()
    return [None if item_id in deleted else slot for item_id, slot in zip(item_ids, slots, strict=True)]


def predict_ratings(live: LoadedModel, columns: Indices, values: Values, slots: Sequence[int]) -> dict[int, float]:
    """Predict a user's ratings of those slots that the model knows, from their known ratings."""
    wanted_slots = np.array(slots, np.int64)
    wanted = live.column_of_slot[wanted_slots].astype(np.int32)
    is_known = wanted >= 0
    ratings = live.model.rating_row(columns, values, wanted[is_known]).tolist()
    return dict(zip(wanted_slots[is_known].tolist(), ratings, strict=True))


def row_of(
    catalogue: Catalogue,
    item_id: str,
    slot: int | None,
    *,
    rated: dict[int, float],
    predicted: dict[int, float],
    why_unknown: Unknown,
) -> dict[str, Any]:
    """Write one prediction out."""
    reason = Unknown.NO_SUCH_ITEM if slot is None else None if slot in predicted else why_unknown
    return {
        "item_id": item_id,
        "title": None if slot is None else catalogue.titles[slot],
        "known": reason is None,
        "reason": reason,
        "reason_detail": ITEM_SENTENCES[reason] if reason else None,
        "predicted_rating": round(predicted[slot], RATING_DIGITS) if slot in predicted else None,
        "rating": None if slot is None else rated.get(slot),
        "active": slot is not None and bool(catalogue.active[slot]),
    }
