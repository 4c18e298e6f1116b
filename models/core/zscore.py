"""Z-scores over all items, which put the scores of different models on a common scale.

Shape letters: I items.
"""

from __future__ import annotations

import numpy as np

from models.core.interactions import Values

MIN_STD = np.float32(1e-9)


def zscore(scores: Values) -> Values:
    """Standardise each user's scores to mean 0 and standard deviation 1 over all items, or 0 where all are equal.

    Args:
        scores: float32 (..., I).
    """
    centred: Values = scores - scores.mean(axis=-1, keepdims=True)
    std = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True))
    centred /= np.maximum(std, MIN_STD)
    return centred
