"""Scores on a common scale: z-scores over all items.

Shape letters: I items.
"""

from __future__ import annotations

import numpy as np

from models.core.interactions import Values

MIN_STD = np.float32(1e-9)


def zscore(scores: Values) -> Values:
    """Give each user's scores mean 0 and standard deviation 1 over all items, or 0 where all are the same.

    Args:
        scores: float32 (..., I).
    """
    centred: Values = scores - scores.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True))
    centred /= np.maximum(spread, MIN_STD)
    return centred
