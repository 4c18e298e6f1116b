"""NDCG@k on the validation users, as `models.evaluation.ranking` counts it: full ranking, ties against the method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.methods.files import Matrix, Scores


def ndcg(scores_UI: Scores, given: Matrix, liked: Matrix, k: int = 100) -> float:
    """Return the mean over the users who have a target.

    Args:
        scores_UI: float32 (U, I).
        given: what the method saw of each user (U, I); not ranked.
        liked: the targets (U, I).
        k: length of the list.
    """
    found = [_of_user(scores_UI[user], _row(given, user), _row(liked, user), k) for user in range(len(scores_UI))]
    return float(np.mean([value for value in found if value is not None] or [0.0]))


def _row(matrix: Matrix, user: int) -> NDArray[np.int32]:
    """Return the columns of one row."""
    columns: NDArray[np.int32] = matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]
    return columns


def _of_user(scores_I: Scores, given: NDArray[np.int32], liked: NDArray[np.int32], k: int) -> float | None:
    """NDCG@k of one user; of equal scores the targets come last, and what is not finite ranks last."""
    if not len(liked):
        return None
    scores_I = np.where(np.isfinite(scores_I), scores_I, -np.finfo(np.float32).max)
    others = np.sort(np.delete(scores_I, np.concatenate((given, liked))))
    targets = -np.sort(-scores_I[liked])
    ranks = len(others) - np.searchsorted(others, targets, side="left") + np.arange(1, len(targets) + 1)
    discounts = 1 / np.log2(np.arange(min(k, len(targets))) + 2.0)
    return float((1 / np.log2(ranks[ranks <= k] + 1.0)).sum() / discounts.sum())
