"""Lists whose items differ: maximal marginal relevance.

Source: Carbonell & Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
Summaries", SIGIR 1998. Their lambda is 1 minus the pull here; scores have no unit, so those of the candidates are
first put on 0..1.
Shape letters: C candidates, D dimensions of an item vector, K items chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Values

CURVE = 1.5  # of the pull over the diversity asked for: were it straight, 0.3 would cost `linear` 3 % of NDCG@10


def mmr(relevance: NDArray[np.float64], vectors: Values, diversity: float, k: int) -> NDArray[np.int64]:
    """Choose one after the other what is relevant and unlike everything chosen before.

    The value of a candidate is (1 - pull) * relevance - pull * likeness, with pull = diversity ** 1.5.

    Args:
        relevance: float64 (C,), no unit; higher is better.
        vectors: float32 (C, D) of length 1, or 0 for a candidate that is like nothing.
        diversity: 0..1; 0 is the order of relevance, 1 looks at the vectors alone once the first is chosen.
        k: how many at most.

    Returns:
        int64 (at most k,), places of candidates; of equal ones the first comes first. For a smaller k: its head.
    """
    k = min(k, len(relevance))
    if k <= 0 or diversity <= 0:
        return np.argsort(-relevance, kind="stable")[: max(k, 0)]
    spread = float(relevance.max() - relevance.min())
    pull = diversity**CURVE
    worth_C = (1 - pull) * (relevance - relevance.min()) / (spread or 1.0)
    first = int(relevance.argmax())
    chosen, likeness_C = [first], np.full(len(relevance), -1.0)
    for _ in range(k - 1):
        likeness_C = np.maximum(likeness_C, vectors @ vectors[chosen[-1]])
        value_C = worth_C - pull * likeness_C
        value_C[chosen] = -np.inf
        chosen.append(int(value_C.argmax()))
    return np.array(chosen, np.int64)


def list_distance(vectors: Values) -> float:
    """Return the mean distance of two items of a list, 1 minus their cosine: ``vectors`` float32 (K, D), K above 1."""
    num_items = len(vectors)
    total = float((vectors @ vectors.T).sum() - (vectors * vectors).sum())
    return 1 - total / (num_items * (num_items - 1))
