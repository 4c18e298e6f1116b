"""Items like an item: who is asked for, what may come, in which order."""

import asyncio
from typing import Any

import numpy as np

from app.kit.errors import ItemNotFound
from app.recommendations.catalogue.index import Factors
from app.recommendations.items.similarity import Similarity, likeness
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import RerankInputs, UserProfile
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.rankers import Ranker, boosted
from app.recommendations.ranking.scope import Scope
from app.recommendations.request.options import Options
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.naming import shelf_id
from app.recommendations.tokens.recommendation_id import ListType
from models.evaluation.top_k import top_k

NOBODY = UserProfile.of([], [])


async def similar_items(serving: Serving, item_id: str, options: Options) -> dict[str, Any]:
    """Return the items most like one of them.

    Raises:
        ItemNotFound: if there is no such item.
    """
    await serving.refresh_catalogue()
    catalogue, live = serving.catalogue, serving.live
    slot = catalogue.slot_of_external_id.get(item_id)
    if slot is None or catalogue.deleted[slot]:
        raise ItemNotFound(f"There is no item {item_id!r}: PUT /v1/items/... creates one.")
    traits = await serving.traits.vectors()
    vectors = None if live is None else await serving.item_vectors.of(live.model)
    if live is not None:
        live.fit_to(catalogue)
    alike = await asyncio.to_thread(likeness, slot, len(catalogue), live, vectors, traits)
    if live is not None:
        live.fit_to(catalogue)
    order = by_similarity(alike, slot, pipeline.factors_of(catalogue, options))
    scope = pipeline.scope_of(catalogue, NOBODY, options).less(np.array([slot]))
    aids = RerankInputs(live, vectors, live.popularity if live else None)
    chosen = pipeline.rerank(order, catalogue, NOBODY, options, aids)(scope)
    items = [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "similarity": score,
            "source": source,
        }
        for slot, score, source in zip(chosen.slots, chosen.scores, chosen.sources, strict=True)
    ]
    return {
        "recommendation_id": shelf_id(catalogue, chosen, live, options, ListType.SIMILAR, catalogue.ids[slot]),
        "item_id": item_id,
        "model_version": live.version if live else None,
        "items": items,
    }


def by_similarity(alike: Similarity, slot: int, factors: Factors | None) -> Ranker:
    """Order the items that are like one of them at all, each with what says so: the larger part of it."""
    likeness, num_slots = alike.total, len(alike.total)
    unlike = likeness <= 0
    unlike[slot] = True
    scores = likeness if factors is None else boosted(likeness, factors[:num_slots])

    def order(scope: Scope) -> RankedItems:
        allowed = scope.mask()[:num_slots]  # items that came while the likeness was computed are not in it
        slots = top_k(scores, scope.limit, ~allowed | unlike).astype(np.int64)
        by_model = alike.by_model[slots] >= alike.by_traits[slots]
        chosen = RankedItems()
        chosen.add(slots, scores[slots], None, Source.SIMILAR)
        chosen.sources = [Source.SIMILAR if each else Source.ATTRIBUTES for each in by_model.tolist()]
        return chosen

    return order
