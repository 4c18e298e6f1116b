"""Mean and spread of the scores that a linear output gives to all items, without giving them.

The scores  W c  of a code c have the mean  mean(W) c, and their variance is  c' cov(W) c: what `models.standard` makes
of scores is known for any code from two moments of the weights over the items.
Shape letters: I items, D units of a code, N codes, K columns asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.interactions import Values
from models.standard import LEAST_SPREAD

BLOCK = 1_024  # items at a time


@dataclass(frozen=True)
class Moments:
    """Moments of an output's weights over all items.

    Attributes:
        mean: float64 (D,).
        covariance: float64 (D, D).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def of(cls, weights: Callable[[slice], Values], num_items: int) -> Moments:
        """Add up an output's weights, given for some items at a time: float32 (some of I, D)."""
        blocks = [slice(start, min(start + BLOCK, num_items)) for start in range(0, num_items, BLOCK)]
        middle_D = sum(weights(block).sum(axis=0, dtype=np.float64) for block in blocks) / num_items
        centre_D = middle_D.astype(np.float32)
        products_DD = np.zeros((len(middle_D), len(middle_D)))
        for block in blocks:
            centred_ID = weights(block) - centre_D
            products_DD += centred_ID.T @ centred_ID
        return cls(middle_D, products_DD / num_items)

    def standardised(self, scores_NK: Values, codes_ND: Values) -> Values:
        """Standardise some of the scores that codes have, as if all were there: float32 (N, K)."""
        if not len(codes_ND):
            return scores_NK
        centred_NK = scores_NK - (codes_ND @ self.mean)[:, None]
        return (centred_NK / self._spread(codes_ND)[:, None]).astype(np.float32)

    @cached_property
    def _single(self) -> Values:
        return self.covariance.astype(np.float32)

    def _spread(self, codes_ND: Values) -> NDArray[np.float64]:
        """Give the standard deviation of each code's scores: float64 (N,).

        Codes of rows that differ in a few ratings are alike: what they share is multiplied once, in float64, and
        float32 does for the rest.
        """
        shared_D = codes_ND.mean(axis=0, dtype=np.float64)
        rest_ND = (codes_ND - shared_D).astype(np.float32)
        along_D = self.covariance @ shared_D
        square_N = np.einsum("nd,nd->n", rest_ND @ self._single, rest_ND, dtype=np.float64)
        variance_N = shared_D @ along_D + 2 * (rest_ND @ along_D) + square_N
        spread_N: NDArray[np.float64] = np.maximum(np.sqrt(np.maximum(variance_N, 0)), LEAST_SPREAD)
        return spread_N
