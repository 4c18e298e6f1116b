"""Lists of items that are not for one user: popular items, new items, items similar to another."""

import asyncio
from typing import Any

import numpy as np

from app.kit.errors import ItemNotFound
from app.recommendations.catalogue.index import Catalogue, Factors
from app.recommendations.items.similarity import ItemSimilarity, compute_similarity
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import RerankInputs
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.rankers import Ranker, boosted
from app.recommendations.ranking.scope import Scope
from app.recommendations.request.options import Options
from app.recommendations.state.popularity_cache import HalfLife
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.naming import shelf_id
from app.recommendations.tokens.recommendation_id import ListType
from app.recommendations.users.profile import EMPTY_PROFILE, vectors_for
from models.evaluation.top_k import top_k


async def popular_items(serving: Serving, half_life_days: HalfLife, options: Options) -> dict[str, Any]:
    """Return the popular items, then those without ratings."""
    await serving.refresh_catalogue()
    catalogue, live = serving.catalogue, serving.live
    ranking = await serving.popularity_cache.get(half_life_days)
    vectors = await vectors_for(serving, live, options)
    if live is not None:
        live.fit_to(catalogue)
    chosen = pipeline.select_popular(catalogue, ranking.popularity, EMPTY_PROFILE, options, live, vectors)
    return {
        "recommendation_id": shelf_id(
            catalogue, chosen, live, options, ListType.POPULAR, half_life_days, ranking.popularity
        ),
        "half_life_days": half_life_days,
        "counted_at": ranking.counted_at,
        "items": pipeline.items_of(catalogue, chosen, EMPTY_PROFILE),
    }


async def new_items(serving: Serving, options: Options) -> dict[str, Any]:
    """Return the newest items."""
    await serving.refresh_catalogue()
    catalogue, live = serving.catalogue, serving.live
    vectors = await vectors_for(serving, live, options)
    if live is not None:
        live.fit_to(catalogue)
    chosen = pipeline.select_new(catalogue, EMPTY_PROFILE, options, live, vectors)
    return {
        "recommendation_id": shelf_id(catalogue, chosen, live, options, ListType.NEW),
        "items": pipeline.items_of(catalogue, chosen, EMPTY_PROFILE),
    }


async def similar_items(serving: Serving, item_id: str, options: Options) -> dict[str, Any]:
    """Return the items most similar to one of them.

    Raises:
        ItemNotFound: if there is no such item.
    """
    await serving.refresh_catalogue()
    catalogue, live = serving.catalogue, serving.live
    slot = slot_of(catalogue, item_id)
    features = await serving.feature_index.vectors()
    vectors = None if live is None else await serving.item_vectors.of(live.model)
    if live is not None:
        live.fit_to(catalogue)
    similarity = await asyncio.to_thread(
        compute_similarity, slot, len(catalogue), live=live, vectors=vectors, features=features
    )
    if live is not None:
        live.fit_to(catalogue)
    ranker = by_similarity(similarity, slot, pipeline.factors_of(catalogue, options))
    scope = pipeline.scope_of(catalogue, EMPTY_PROFILE, options).less(np.array([slot]))
    inputs = RerankInputs(live, vectors, live.popularity if live else None)
    chosen = pipeline.rerank(ranker, catalogue, EMPTY_PROFILE, options, inputs)(scope)
    return {
        "recommendation_id": shelf_id(catalogue, chosen, live, options, ListType.SIMILAR, catalogue.ids[slot]),
        "item_id": item_id,
        "model_version": live.version if live else None,
        "items": write_similar(catalogue, chosen),
    }


def slot_of(catalogue: Catalogue, item_id: str) -> int:
    """Return an item's slot.

    Raises:
        ItemNotFound: if there is no such item.
    """
    slot = catalogue.slot_of_external_id.get(item_id)
    if slot is None or catalogue.deleted[slot]:
        raise ItemNotFound(f"There is no item {item_id!r}: PUT /v1/items/... creates one.")
    return slot


def by_similarity(similarity: ItemSimilarity, slot: int, factors: Factors | None) -> Ranker:
    """Order the items that are at all similar to one of them, each with the larger part of its similarity as source."""
    total, num_slots = similarity.total, len(similarity.total)
    excluded = total <= 0
    excluded[slot] = True
    scores = total if factors is None else boosted(total, factors[:num_slots])

    def order(scope: Scope) -> RankedItems:
        allowed = scope.mask()[:num_slots]  # items added while the similarity was computed are not in it
        slots = top_k(scores, scope.limit, ~allowed | excluded).astype(np.int64)
        is_by_model = similarity.by_model[slots] >= similarity.by_features[slots]
        chosen = RankedItems()
        chosen.add(slots, scores[slots], None, Source.SIMILAR)
        chosen.sources = [Source.SIMILAR if each else Source.ATTRIBUTES for each in is_by_model.tolist()]
        return chosen

    return order


def write_similar(catalogue: Catalogue, chosen: RankedItems) -> list[dict[str, Any]]:
    """Write the items out."""
    return [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "similarity": score,
            "source": source,
        }
        for slot, score, source in zip(chosen.slots, chosen.scores, chosen.sources, strict=True)
    ]
