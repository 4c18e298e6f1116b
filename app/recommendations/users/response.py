"""The one place that writes lists of items: their ids and cursors, the items, and why each is there."""

import asyncio
from typing import Any

import numpy as np
import orjson
from fastapi import Response
from msgspec.structs import replace

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.explain.leave_one_out import Explanation, explain
from app.recommendations.ranking.pipeline import Ranking
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rankers import RankedItems
from app.recommendations.request.enums import CAUSES, Reason, Source
from app.recommendations.request.options import PLAIN_OPTIONS, Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from app.recommendations.state.serving import Serving
from app.recommendations.tokens import codec, recommendation_id
from app.recommendations.tokens.page_cursor import MAX_PREVIOUS_ITEMS, PageCursor
from app.recommendations.tokens.recommendation_id import CODE_OF, ListType, RecommendationId
from models.core.model import FoldIn

LIST_SENTENCES = {
    **{reason: f"{cause}: popular and new items." for reason, cause in CAUSES.items()},
    Reason.ALL_RATED: "Every matching item is rated already: popular ones again.",
    Reason.NO_ITEMS: "No active item matches.",
}
MAX_CELLS_AT_ONCE = 1_000_000  # ratings of the user times items: explained in milliseconds (docs/decisions/0016)
MIN_ITEMS = 5_000  # a smaller catalogue does not make it quicker
MAX_ITEMS_AT_ONCE = 20  # items of a page


def json_response(answer: dict[str, Any]) -> Response:
    """Return an answer as JSON, as it is: validating our own answers costs more than making them."""
    return Response(orjson.dumps(answer, option=orjson.OPT_UTC_Z), media_type="application/json")


async def write_page(
    serving: Serving,
    ranking: Ranking,
    profile: UserProfile,
    options: Options,
    *,
    owner: bytes,
    start: PageCursor,
    list_type: ListType,
    experiment: int,
) -> dict[str, Any]:
    """Write a page of a user's or guest's list; to be called before anything can change the catalogue."""
    has_next = ranking.has_more and len(start.previous_items) + options.limit <= MAX_PREVIOUS_ITEMS
    next_page = following(start, ranking.items) if has_next else None
    is_drawn = start.revision is None and (options.exploration or list_type is ListType.GUEST)
    answer = write_answer(serving.catalogue, ranking, profile)
    answer_id = encode_id(
        serving.catalogue,
        ranking,
        options,
        start=start,
        list_type=list_type,
        user=profile.number,
        subject=profile.seed if is_drawn else 0,
        experiment=experiment,
    )
    next_cursor = None if next_page is None else codec.encode(next_page, owner)
    if options.explain_ratings:
        await explain_items(serving, serving.catalogue, ranking, answer["items"], num_ratings=options.explain_ratings)
    return {"recommendation_id": answer_id, **answer, "next_cursor": next_cursor}


def following(start: PageCursor, items: RankedItems) -> PageCursor:
    """Return the place behind a page."""
    previous_items = np.array(sorted([*start.previous_items.tolist(), *items.slots]), np.int64)
    return replace(start, previous_items=previous_items)


def encode_id(
    catalogue: Catalogue,
    ranking: Ranking,
    options: Options,
    *,
    start: PageCursor,
    list_type: ListType,
    user: int = 0,
    subject: int = 0,
    experiment: int = 0,
    popularity: Popularity | None = None,
) -> str:
    """Return an answer's id; to be called before anything can change the catalogue.

    ``popularity`` is what the list goes by, if not that of the inputs.
    """
    items, inputs = ranking.items, ranking.inputs
    live, fold, popularity = inputs.live, inputs.fold, popularity or inputs.popularity
    answer = RecommendationId(
        list_type=list_type,
        version=start.version,
        user=user,
        revision=start.revision,
        catalogue_revision=catalogue.revision,
        cold_revision=live.cold_revision if live else -1,
        at_us=ranking.at_us,
        num_slots=start.num_slots,
        previous_items=start.previous_items,
        items=[catalogue.ids[slot] for slot in items.slots],
        source_codes=bytes([CODE_OF[source] for source in items.sources]),
        encoded_options=b"" if options is PLAIN_OPTIONS else recommendation_id.encode_options(options),
        subject=subject,
        experiment=experiment,
        known_revision=live.known_revision if live else -1,
        popularity_revision=-1 if popularity is None or popularity.revision is None else popularity.revision,
        impressions=start.impressions,
        is_batched=fold is not None and fold.together,
    )
    return codec.encode(answer, recommendation_id.PURPOSE)


def write_answer(catalogue: Catalogue, ranking: Ranking, profile: UserProfile) -> dict[str, Any]:
    """Write the items of a list, and what they are made from."""
    reason, live = ranking.reason, ranking.inputs.live
    return {
        "model_version": live.version if live else None,
        "personalised": reason is None,
        "reason": reason,
        "reason_detail": LIST_SENTENCES[reason] if reason else None,
        "items": write_items(catalogue, ranking.items, profile),
    }


async def write_explained(
    serving: Serving, catalogue: Catalogue, ranking: Ranking, profile: UserProfile, *, options: Options
) -> dict[str, Any]:
    """Write the items of a list, with their reasons if they are asked for."""
    answer = write_answer(catalogue, ranking, profile)
    if options.explain_ratings:
        await explain_items(serving, catalogue, ranking, answer["items"], num_ratings=options.explain_ratings)
    return answer


def write_items(catalogue: Catalogue, items: RankedItems, profile: UserProfile) -> list[dict[str, Any]]:
    """Write items."""
    rated = set(profile.slots.tolist())
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
            items.slots, items.scores, items.predicted, items.sources, strict=True
        )
    ]


async def explain_items(
    serving: Serving, catalogue: Catalogue, ranking: Ranking, items: list[dict[str, Any]], *, num_ratings: int
) -> None:
    """Add `because` to items; what is not the model's choice for this user is due to none of their ratings."""
    live, fold = ranking.inputs.live, ranking.inputs.fold
    for item in items:
        item |= {"because": [], "because_together": None}
    personal = [item for item in items if item["source"] == Source.PERSONAL]
    if live is None or fold is None or not personal:
        return
    slots = [catalogue.slot_of_external_id[item["item_id"]] for item in personal]
    columns = live.column_of_slot[slots].astype(np.int32)
    num_cells = len(fold.columns) * max(MIN_ITEMS, len(fold.preference))
    if len(columns) <= MAX_ITEMS_AT_ONCE and num_cells <= MAX_CELLS_AT_ONCE:
        await asyncio.sleep(0)  # others first, also between the users of a batch
        explanations = explain(fold, columns, num_ratings)
    else:
        explanations = await serving.compute(explain, fold, columns, num_ratings)
    for item, explanation in zip(personal, explanations, strict=True):
        item |= write_explanation(catalogue, live, fold, explanation)


def write_explanation(
    catalogue: Catalogue, live: LoadedModel, fold: FoldIn, explanation: Explanation
) -> dict[str, Any]:
    """Write one item's causes."""
    slots = live.slot_of_column[fold.columns[list(explanation.places)]].tolist()
    causes = [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "value": round(float(fold.values[place]), 6),
            "effect": effect,
            "score_effect": score_effect,
        }
        for slot, place, (effect, score_effect) in zip(slots, explanation.places, explanation.effects, strict=True)
    ]
    if explanation.together is None:
        return {"because": causes, "because_together": None}
    effect, score_effect = explanation.together
    together = {"num_ratings": len(explanation.raising), "effect": effect, "score_effect": score_effect}
    return {"because": causes, "because_together": together}
