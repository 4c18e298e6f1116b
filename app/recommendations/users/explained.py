"""Writes into an answer why each of its items is there."""

import asyncio
from typing import Any

import numpy as np

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.explain.leave_one_out import Explanation, explain
from app.recommendations.ranking.ranked_items import Source
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.serving import Serving
from models.core.model import FoldIn

AT_ONCE = 1_000_000  # cells, ratings of the user times items: explained in milliseconds (docs/decisions/0016)
MIN_ITEMS = 5_000  # a smaller catalogue does not make it quicker
MAX_ITEMS_AT_ONCE = 20  # items of a page


async def explain_items(
    serving: Serving,
    catalogue: Catalogue,
    live: LoadedModel | None,
    fold: FoldIn | None,
    items: list[dict[str, Any]],
    most: int,
) -> None:
    """Add `because` to items; what is not the model's choice for this user is due to none of his ratings."""
    for item in items:
        item |= {"because": [], "because_together": None}
    personal = [item for item in items if item["source"] == Source.PERSONAL]
    if live is None or fold is None or not personal:
        return
    slots = [catalogue.slot_of_external_id[item["item_id"]] for item in personal]
    wanted = live.column_of_slot[slots].astype(np.int32)
    if len(wanted) <= MAX_ITEMS_AT_ONCE and len(fold.columns) * max(MIN_ITEMS, len(fold.preference)) <= AT_ONCE:
        await asyncio.sleep(0)  # others first, also between the users of a batch
        causes = explain(fold, wanted, most)
    else:
        causes = await serving.compute(explain, fold, wanted, most)
    for item, because in zip(personal, causes, strict=True):
        item |= written(catalogue, live, fold, because)


def written(catalogue: Catalogue, live: LoadedModel, fold: FoldIn, because: Explanation) -> dict[str, Any]:
    """Write one item's causes out."""
    slots = live.slot_of_column[fold.columns[list(because.places)]].tolist()
    causes = [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "value": round(float(fold.values[place]), 6),
            "effect": effect,
            "score_effect": score_effect,
        }
        for slot, place, (effect, score_effect) in zip(slots, because.places, because.effects, strict=True)
    ]
    if because.together is None:
        return {"because": causes, "because_together": None}
    effect, score_effect = because.together
    together = {"num_ratings": len(because.raising), "effect": effect, "score_effect": score_effect}
    return {"because": causes, "because_together": together}
