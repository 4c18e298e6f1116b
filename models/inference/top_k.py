"""The k items with the best scores."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Indices, Values


def top_k(preference: Values, k: int, excluded: NDArray[np.bool_] | NDArray[np.integer] | None = None) -> Indices:
    """Return the columns with the best scores, best first; of equal scores the lower column comes first.

    Args:
        preference: float32 (I,), left unchanged; NaN counts as the lowest score.
        k: how many at most.
        excluded: columns to leave out, as bool (I,) or as indices; the list may be shorter than ``k``.

    Returns:
        int32 (at most k,).
    """
    mask = cast("NDArray[np.bool_]", excluded) if excluded is not None and excluded.dtype == np.bool_ else None
    num_left = len(preference) - (0 if mask is None else int(np.count_nonzero(mask)))
    if mask is not None and 4 * num_left < 3 * len(preference):  # `partition` is slow with many equal scores
        left = np.flatnonzero(~mask)
        return left[top_k(preference[left], k)].astype(np.int32)
    scores = np.fmax(preference, np.finfo(np.float32).min)  # fmax passes NaN over
    if excluded is not None and len(excluded):
        scores[excluded] = -np.inf
        num_left -= int(np.isneginf(scores).sum()) if mask is None else 0
    k = min(k, num_left)
    if k <= 0:
        return np.empty(0, np.int32)
    kth_best = np.partition(scores, len(scores) - k)[len(scores) - k]
    columns = np.flatnonzero(scores >= kth_best)
    return columns[np.argsort(-scores[columns], kind="stable")[:k]].astype(np.int32)
