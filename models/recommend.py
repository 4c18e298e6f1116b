"""From scores to a list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.interactions import Indices, Values


def top_k(preference: Values, k: int, excluded: NDArray[np.bool_] | NDArray[np.integer] | None = None) -> Indices:
    """Pick the best columns, best first; of equal scores the lower column comes first.

    Args:
        preference: float32 (I,), left unchanged; NaN counts as the lowest score.
        k: how many at most.
        excluded: columns never to pick, as bool (I,) or as indices; the list may get shorter than ``k``.

    Returns:
        int32 (at most k,).
    """
    scores = np.where(np.isnan(preference), np.finfo(np.float32).min, preference)
    num_left = len(scores)
    if excluded is not None and len(excluded):
        scores[excluded] = -np.inf
        num_left -= int(np.isneginf(scores).sum())
    k = min(k, num_left)
    if k <= 0:
        return np.empty(0, np.int32)
    kth_best = np.partition(scores, len(scores) - k)[len(scores) - k]
    better = np.flatnonzero(scores > kth_best)
    tied = np.flatnonzero(scores == kth_best)[: k - len(better)]
    columns = np.concatenate((better, tied))
    return columns[np.argsort(-scores[columns], kind="stable")].astype(np.int32)
