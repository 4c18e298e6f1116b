"""What of a rating a ranking method sees: one of the choices that a peer may tune."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from benchmarks.peers.methods.files import Matrix, Scale

POSITIVES = ("liked", "all", "graded")


def positives(ratings: Matrix, how: str, scale: Scale) -> Matrix:
    """Turn ratings into weights of positives, all else is absent: float32 (U, I).

    Args:
        ratings: the stored ratings (U, I).
        how: ``liked``: 1 for what was liked. ``all``: 1 for whatever was rated. ``graded``: whatever was rated by its
            place on the scale, above 0 (for the lowest rating) to 1.
        scale: the declared scale.
    """
    values = ratings.data
    if how == "liked":
        weights = values >= scale.like_threshold
    elif how == "all":
        weights = np.ones(len(values))
    else:
        weights = (values - scale.minimum + scale.step) / (scale.maximum - scale.minimum + scale.step)
    parts = weights.astype(np.float32), ratings.indices, ratings.indptr
    found = sparse.csr_matrix(parts, shape=ratings.shape, copy=True)  # dropping zeros moves entries in place
    found.eliminate_zeros()
    return found
