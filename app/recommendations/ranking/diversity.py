"""Lists whose items differ: the best candidates, ordered so that neighbours are not much alike."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.recommendations.ranking.rankers import RankedItems, Ranker, Scope
from app.recommendations.state.loaded_model import LoadedModel
from models.core.interactions import Values
from models.inference.mmr import mmr

POOL = 200  # candidates that are reordered together; longer lists go on with the next so many
MIN_LENGTH = np.float32(1e-9)


def diversify(ranker: Ranker, live: LoadedModel, vectors: Values, diversity: float) -> Ranker:
    """Order items that have scores, or that all have none, by their maximal marginal relevance.

    ``vectors`` are the model's: float32 (I, D).
    """

    def rank(scope: Scope) -> RankedItems:
        found = ranker(replace(scope, limit=-(-scope.limit // POOL) * POOL))
        items = RankedItems()
        for start in range(0, min(scope.limit, len(found.slots)), POOL):
            block = np.array(found.slots[start : start + POOL], np.int64)
            scores = relevance(found.scores[start : start + POOL])
            head = mmr(scores, vectors_of(live, vectors, block[: len(scores)]), diversity, scope.limit - start)
            rest = range(len(scores), min(len(block), scope.limit - start))
            for place in [*head.tolist(), *rest]:
                items.take(found, start + place)
        return items

    return rank


def relevance(scores: list[float | None]) -> NDArray[np.float64]:
    """Return the scores of those that have one, which come first; if none has, one that falls from item to item."""
    known = [score for score in scores if score is not None]
    return np.array(known, np.float64) if known else np.arange(len(scores), 0, -1, dtype=np.float64)


def vectors_of(live: LoadedModel, vectors: Values, slots: NDArray[np.int64]) -> Values:
    """Return the vectors of slots: float32 (C, D).

    A new item's points to the middle of the known items it is like; it is 0 if it is like none.
    """
    columns = live.column_of_slot[slots]
    found: Values = np.where(columns[:, None] >= 0, vectors[columns], np.float32(0))
    is_cold = np.isin(slots, live.cold.slots) & (columns < 0)
    places = np.searchsorted(live.cold.slots, slots[is_cold])
    weights, neighbours = live.cold.weights[places], live.cold.neighbours[places]
    middle = np.einsum("nk,nkd->nd", weights, vectors[neighbours])
    found[is_cold] = middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), MIN_LENGTH)
    return found
