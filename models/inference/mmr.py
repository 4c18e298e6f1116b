"""Diverse lists by maximal marginal relevance (MMR).

Source: Carbonell & Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
Summaries", SIGIR 1998. Scores have no unit, so those of the candidates are first scaled to 0..1.
Shape letters: C candidates, D dimensions of an item vector, K items chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Values

# Diversity to this power is its weight: with a straight line, 0.3 would cost `linear` 3 % of NDCG@10.
DIVERSITY_EXPONENT = 1.5


def mmr(relevance: NDArray[np.float64], vectors: Values, diversity: float, k: int) -> NDArray[np.int64]:
    """Choose one item after the other that is relevant and not similar to those chosen before.

    The value of a candidate is lambda * relevance - (1 - lambda) * similarity, with lambda = 1 - diversity ** 1.5.

    Args:
        relevance: float64 (C,), no unit; higher is better.
        vectors: float32 (C, D) of length 1, or 0 for a candidate similar to none.
        diversity: 0..1; 0 is the order of relevance, 1 uses only the vectors once the first is chosen.
        k: how many at most.

    Returns:
        int64 (at most k,), places of candidates; ties go to the first. A smaller k gives the head of the same list.
    """
    k = min(k, len(relevance))
    if k <= 0 or diversity <= 0:
        return np.argsort(-relevance, kind="stable")[: max(k, 0)]
    span = float(relevance.max() - relevance.min())
    penalty = diversity**DIVERSITY_EXPONENT
    lambda_ = 1 - penalty
    relevance_C = lambda_ * (relevance - relevance.min()) / (span or 1.0)
    first = int(relevance.argmax())
    chosen, similarity_C = [first], np.full(len(relevance), -1.0)
    for _ in range(k - 1):
        similarity_C = np.maximum(similarity_C, vectors @ vectors[chosen[-1]])
        value_C = relevance_C - penalty * similarity_C
        value_C[chosen] = -np.inf
        chosen.append(int(value_C.argmax()))
    return np.array(chosen, np.int64)
