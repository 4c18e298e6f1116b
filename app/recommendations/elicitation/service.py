"""What to ask a user: items whose rating would tell the model most, among those he may well know."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Mask
from app.recommendations.elicitation.schemas import QuestionRequest
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import UserProfile
from app.recommendations.ranking.ranked_items import RATING_DIGITS, SCORE_DIGITS
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.serving import Serving
from app.recommendations.users import profile
from app.settings import Settings
from models.core.interactions import Indices, Values
from models.evaluation.elicitation import change, information, plausible

CANDIDATES = 100  # most popular items that may be asked about
COMPARED = 1_500  # most popular items whose scores tell how far a list moves
UNMEASURED_ERROR = 0.2  # of the range of the scale, where the version's own is not known
CELLS = 500_000  # scores made at a time: whoever else waits for the computing thread comes in between


async def for_user(serving: Serving, user_id: str, options: Options) -> dict[str, Any]:
    """Choose questions by a user's ratings as of now."""
    revision, taste = await profile.profile_of_user(serving, user_id)
    return {"user_id": user_id, "revision": revision, **await ask(serving, taste, options, user_id)}


async def for_guest(serving: Serving, settings: Settings, asked: QuestionRequest) -> dict[str, Any]:
    """Choose questions by posted ratings; store nothing."""
    unknown_items, taste = await profile.profile_of_guest(serving, settings, asked.ratings)
    answer = await ask(serving, taste, asked.options())
    return {"user_id": None, "revision": None, **answer, "unknown_items": unknown_items}


async def ask(serving: Serving, taste: UserProfile, options: Options, user_id: str | None = None) -> dict[str, Any]:
    """Choose what to ask about; without a model, what is popular; without a user, a guest."""
    live, catalogue = serving.live_for(user_id), serving.catalogue
    if live is None:
        popularity = await serving.popularity()
        chosen = pipeline.select_popular(catalogue, popularity, taste, replace(options, include_rated=False))
        rated = [slot for slot, score in zip(chosen.slots, chosen.scores, strict=True) if score is not None]
        return {"model_version": None, "questions": [row_of(serving, slot, None, None) for slot in rated]}
    live.fit_to(catalogue)
    columns, values = pipeline.known_columns(live, taste)
    candidates = candidates_of(live, pipeline.allowed_slots(catalogue, taste, replace(options, include_rated=False)))
    predicted = live.model.rating_row(columns, values, candidates)
    telling = await informations(serving, live, columns, values, candidates, predicted)
    order = np.argsort(-telling, kind="stable")[: options.limit]
    slots = live.slot_of_column[candidates[order]].tolist()
    told = zip(slots, telling[order].tolist(), predicted[order].tolist(), strict=True)
    return {"model_version": live.version, "questions": [row_of(serving, *each) for each in told]}


def candidates_of(live: LoadedModel, allowed: Mask) -> Indices:
    """Return the most popular of the allowed items that the model knows: int32 (at most `CANDIDATES`,)."""
    popular = live.popularity.slots[: len(allowed)]
    slots = popular[allowed[popular]]
    columns = live.column_of_slot[slots]
    return columns[columns >= 0][:CANDIDATES].astype(np.int32)


async def informations(
    serving: Serving, live: LoadedModel, columns: Indices, values: Values, candidates: Indices, predicted: Values
) -> NDArray[np.float64]:
    """Return how much each candidate's rating would change, and how likely the user knows it: float64 (C,), 0..1."""
    scale, popularity = live.model.scale, live.popularity
    error = live.metrics.get("rmse") or UNMEASURED_ERROR * (scale.maximum - scale.minimum)
    ratings = plausible(predicted, error, scale)
    compared = live.column_of_slot[popularity.slots[:COMPARED]].astype(np.int32)
    size = max(1, CELLS // (ratings.shape[1] * len(live.item_ids)))
    parts = [np.empty(0)]
    for start in range(0, len(candidates), size):
        part = slice(start, start + size)
        asked = live.model, columns, values, candidates[part], ratings[part], compared
        parts.append(await serving.compute(change, *asked))
    scores = dict(zip(live.column_of_slot[popularity.slots].tolist(), popularity.scores.tolist(), strict=True))
    return information(np.concatenate(parts), np.array([scores[column] for column in candidates.tolist()]))


def row_of(serving: Serving, slot: int, telling: float | None, predicted: float | None) -> dict[str, Any]:
    """Write one question out."""
    return {
        "item_id": serving.catalogue.external_ids[slot],
        "title": serving.catalogue.titles[slot],
        "information": None if telling is None else round(telling, SCORE_DIGITS),
        "predicted_rating": None if predicted is None else round(predicted, RATING_DIGITS),
    }
