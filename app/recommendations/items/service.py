"""Lists of items that are not for one user: popular items, new items, items similar to another."""

import asyncio
from functools import partial
from typing import Any

import numpy as np

from app.kit.errors import ItemNotFound
from app.recommendations.catalogue.index import Catalogue, Factors
from app.recommendations.items.similarity import ItemSimilarity, compute_similarity
from app.recommendations.ranking.pipeline import RankingInputs, choose, rank_new, rank_popular
from app.recommendations.ranking.profile import EMPTY_PROFILE
from app.recommendations.ranking.rankers import RankedItems, Ranker, Scope, boost, multiply
from app.recommendations.request.enums import Source
from app.recommendations.request.options import Options
from app.recommendations.state.popularity import Popularity
from app.recommendations.state.popularity_cache import HalfLife
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.recommendation_id import ListType
from app.recommendations.users.response import encode_id, write_items
from app.recommendations.users.service import first_page, read_vectors
from models.inference.top_k import top_k


async def popular_items(serving: Serving, half_life_days: HalfLife, options: Options) -> dict[str, Any]:
    """Return the popular items, then those without ratings."""
    await serving.refresh_catalogue()
    counted = await serving.popularity_cache.get(half_life_days)
    inputs = await item_list_inputs(serving, options, counted.popularity)
    ranking = rank_popular(
        serving.catalogue, inputs, EMPTY_PROFILE, options, limit=options.limit, popularity=counted.popularity
    )
    return {
        "recommendation_id": encode_id(
            serving.catalogue,
            ranking,
            options,
            start=first_page(serving, inputs.live, None),
            list_type=ListType.POPULAR,
            subject=half_life_days,
            popularity=counted.popularity,
        ),
        "half_life_days": half_life_days,
        "counted_at": counted.counted_at,
        "items": write_items(serving.catalogue, ranking.items, EMPTY_PROFILE),
    }


async def new_items(serving: Serving, options: Options) -> dict[str, Any]:
    """Return the newest items."""
    await serving.refresh_catalogue()
    inputs = await item_list_inputs(serving, options)
    ranking = rank_new(serving.catalogue, inputs, EMPTY_PROFILE, options, limit=options.limit)
    start = first_page(serving, inputs.live, None)
    return {
        "recommendation_id": encode_id(serving.catalogue, ranking, options, start=start, list_type=ListType.NEW),
        "items": write_items(serving.catalogue, ranking.items, EMPTY_PROFILE),
    }


async def item_list_inputs(serving: Serving, options: Options, popularity: Popularity | None = None) -> RankingInputs:
    """Return what a list that is for no one user is made from."""
    live = serving.live
    vectors = await read_vectors(serving, live) if options.diversity else None
    return RankingInputs(live, counted=popularity, vectors=vectors)


async def similar_items(serving: Serving, item_id: str, options: Options) -> dict[str, Any]:
    """Return the items most similar to one of them.

    Raises:
        ItemNotFound: if there is no such item.
    """
    await serving.refresh_catalogue()
    catalogue, live = serving.catalogue, serving.live
    slot = slot_of(catalogue, item_id)
    features = await serving.feature_index.vectors()
    vectors = await read_vectors(serving, live)
    if live is not None:
        live.fit_to(catalogue)
    similarity = await asyncio.to_thread(
        compute_similarity, slot, len(catalogue), live=live, vectors=vectors, features=features
    )
    ranking = choose(
        partial(by_similarity, similarity, slot),
        catalogue,
        RankingInputs(live, vectors=vectors),
        EMPTY_PROFILE,
        options=options,
        limit=options.limit,
        excluded=np.array([slot]),
    )
    start, subject = first_page(serving, live, None), catalogue.ids[slot]
    return {
        "recommendation_id": encode_id(
            catalogue, ranking, options, start=start, list_type=ListType.SIMILAR, subject=subject
        ),
        "item_id": item_id,
        "model_version": live.version if live else None,
        "items": write_similar(catalogue, ranking.items),
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


def by_similarity(
    similarity: ItemSimilarity, slot: int, *, boosts: Factors | None, discounts: Factors | None
) -> Ranker:
    """Order the items that are at all similar to one of them, each with the larger part of its similarity as source."""
    total, num_slots = similarity.total, len(similarity.total)
    excluded = total <= 0
    excluded[slot] = True
    factors = multiply(boosts, discounts)
    scores = total if factors is None else boost(total, factors[:num_slots])

    def rank(scope: Scope) -> RankedItems:
        allowed = scope.mask()[:num_slots]  # items added while the similarity was computed are not in it
        slots = top_k(scores, scope.limit, ~allowed | excluded).astype(np.int64)
        is_by_model = similarity.by_model[slots] >= similarity.by_features[slots]
        items = RankedItems()
        items.add(slots, scores[slots], None, Source.SIMILAR)
        items.sources = [Source.SIMILAR if each else Source.ATTRIBUTES for each in is_by_model.tolist()]
        return items

    return rank


def write_similar(catalogue: Catalogue, items: RankedItems) -> list[dict[str, Any]]:
    """Write the items out."""
    return [
        {
            "item_id": catalogue.external_ids[slot],
            "title": catalogue.titles[slot],
            "similarity": score,
            "source": source,
        }
        for slot, score, source in zip(items.slots, items.scores, items.sources, strict=True)
    ]
