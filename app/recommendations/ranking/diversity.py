"""Lists whose items differ: the best candidates in an order in which no two neighbours are much alike."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.ranking.rankers import Ranker
from app.recommendations.ranking.scope import Scope
from app.recommendations.state.loaded_model import LoadedModel
from models.core.interactions import Values
from models.evaluation.mmr import mmr

POOL = 200  # candidates that are put in another order together; the next so many follow for longer lists

MIN_LENGTH = np.float32(1e-9)


def diversified(order: Ranker, live: LoadedModel, vectors: Values, diversity: float) -> Ranker:
    """Put the items of an order that have scores, or are all without, into the order of marginal relevance.

    ``vectors`` are the model's: float32 (I, D).
    """

    def diverse(scope: Scope) -> RankedItems:
        found = order(replace(scope, limit=-(-scope.limit // POOL) * POOL))
        chosen = RankedItems()
        for start in range(0, min(scope.limit, len(found.slots)), POOL):
            block = np.array(found.slots[start : start + POOL], np.int64)
            worth = relevance(found.scores[start : start + POOL])
            head = mmr(worth, of_slots(live, vectors, block[: len(worth)]), diversity, scope.limit - start)
            rest = range(len(worth), min(len(block), scope.limit - start))
            for place in [*head.tolist(), *rest]:
                chosen.take(found, start + place)
        return chosen

    return diverse


def relevance(scores: list[float | None]) -> NDArray[np.float64]:
    """Return the scores of those that have one, who come first; if nobody has, one that falls from item to item."""
    known = [score for score in scores if score is not None]
    return np.array(known, np.float64) if known else np.arange(len(scores), 0, -1, dtype=np.float64)


def of_slots(live: LoadedModel, vectors: Values, slots: NDArray[np.int64]) -> Values:
    """Return the vectors of slots: float32 (C, D).

    Those of new items point to the middle of the known items they are like; who is like none has 0.
    """
    columns = live.column_of_slot[slots]
    found: Values = np.where(columns[:, None] >= 0, vectors[columns], np.float32(0))
    is_cold = np.isin(slots, live.cold.slots) & (columns < 0)
    places = np.searchsorted(live.cold.slots, slots[is_cold])
    weights, neighbours = live.cold.weights[places], live.cold.neighbours[places]
    middle = np.einsum("nk,nkd->nd", weights, vectors[neighbours])
    found[is_cold] = middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), MIN_LENGTH)
    return found
