"""What to ask a user: items whose rating would tell the model most, among those they may well know."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Mask
from app.recommendations.elicitation.schemas import QuestionRequest
from app.recommendations.ranking.pipeline import RankingInputs, allowed_slots, rank_popular
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import RATING_DIGITS, SCORE_DIGITS
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.serving import Serving
from app.recommendations.users.guests import profile_of_guest
from app.recommendations.users.service import read_profile
from app.settings import Settings
from models.core.interactions import Indices, Values
from models.evaluation.elicitation import expected_change, information, plausible_ratings

MAX_CANDIDATES = 100  # most popular items that may be asked about
MAX_COMPARED = 1_500  # most popular items whose scores measure how far a list moves
UNMEASURED_ERROR = 0.2  # of the range of the scale, where the version's own error is not known
MAX_SCORES = 500_000  # computed at a time: other requests take their turn of the computing thread in between


async def for_user(serving: Serving, user_id: str, options: Options) -> dict[str, Any]:
    """Choose questions by a user's ratings as of now."""
    revision, user = await read_profile(serving, user_id)
    return {"user_id": user_id, "revision": revision, **await choose(serving, user, options, user_id)}


async def for_guest(serving: Serving, settings: Settings, asked: QuestionRequest) -> dict[str, Any]:
    """Choose questions by posted ratings; store nothing."""
    unknown_items, guest = await profile_of_guest(serving, settings, asked.ratings)
    answer = await choose(serving, guest, asked.options())
    return {"user_id": None, "revision": None, **answer, "unknown_items": unknown_items}


async def choose(serving: Serving, user: UserProfile, options: Options, user_id: str | None = None) -> dict[str, Any]:
    """Choose what to ask about; without a model, popular items; a guest has no ``user_id``."""
    live, catalogue = serving.live_for(user_id), serving.catalogue
    if live is None:
        popularity = await serving.popularity()
        inputs, unrated = RankingInputs(None, counted=popularity), replace(options, include_rated=False)
        items = rank_popular(catalogue, inputs, user, unrated, limit=options.limit).items
        rated = [slot for slot, score in zip(items.slots, items.scores, strict=True) if score is not None]
        return {"model_version": None, "questions": [row_of(serving, slot, None, None) for slot in rated]}
    columns, values = live.known_ratings(catalogue, user.slots, user.values)
    candidates = candidates_of(live, allowed_slots(catalogue, user, replace(options, include_rated=False)))
    predicted = live.model.rating_row(columns, values, candidates)
    gains = await information_of(
        serving, live, columns=columns, values=values, candidates=candidates, predicted=predicted
    )
    order = np.argsort(-gains, kind="stable")[: options.limit]
    slots = live.slot_of_column[candidates[order]].tolist()
    rows = zip(slots, gains[order].tolist(), predicted[order].tolist(), strict=True)
    return {
        "model_version": live.version,
        "questions": [row_of(serving, slot, gain, rating) for slot, gain, rating in rows],
    }


def candidates_of(live: LoadedModel, allowed: Mask) -> Indices:
    """Return the most popular of the allowed items that the model knows: int32 (at most `MAX_CANDIDATES`,)."""
    popular = live.popularity.slots[: len(allowed)]
    slots = popular[allowed[popular]]
    columns = live.column_of_slot[slots]
    return columns[columns >= 0][:MAX_CANDIDATES].astype(np.int32)


async def information_of(
    serving: Serving, live: LoadedModel, *, columns: Indices, values: Values, candidates: Indices, predicted: Values
) -> NDArray[np.float64]:
    """Return what each candidate's rating would change, times how likely the user knows it: float64 (C,), 0..1."""
    scale, popularity = live.model.scale, live.popularity
    error = live.metrics.get("rmse") or UNMEASURED_ERROR * (scale.maximum - scale.minimum)
    ratings = plausible_ratings(predicted, error, scale)
    compared = live.column_of_slot[popularity.slots[:MAX_COMPARED]].astype(np.int32)
    size = max(1, MAX_SCORES // (ratings.shape[1] * len(live.item_ids)))
    changes = [np.empty(0)]
    for start in range(0, len(candidates), size):
        part = slice(start, start + size)
        changes.append(
            await serving.compute(
                expected_change,
                live.model,
                columns,
                values,
                candidates=candidates[part],
                ratings_CA=ratings[part],
                compared=compared,
            )
        )
    scores = dict(zip(live.column_of_slot[popularity.slots].tolist(), popularity.scores.tolist(), strict=True))
    return information(np.concatenate(changes), np.array([scores[column] for column in candidates.tolist()]))


def row_of(serving: Serving, slot: int, gain: float | None, predicted: float | None) -> dict[str, Any]:
    """Write one question out."""
    return {
        "item_id": serving.catalogue.external_ids[slot],
        "title": serving.catalogue.titles[slot],
        "information": None if gain is None else round(gain, SCORE_DIGITS),
        "predicted_rating": None if predicted is None else round(predicted, RATING_DIGITS),
    }
