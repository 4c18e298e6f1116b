"""Mean and standard deviation of a linear output's scores over all items, without computing the scores.

The scores  W c  of a code c have the mean  mean(W) c  and the variance  c' cov(W) c: so the z-scores of
`models.core.zscore` follow for any code from two moments of the weights over the items.
Shape letters: I items, D units of a code, N codes, K columns asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Values
from models.core.zscore import MIN_STD

BLOCK = 1_024  # items at a time
LEADING = 96  # directions in which codes differ most
MAX_ERROR = 5e-5  # of a variance, relative: 2.5e-5 of a standard deviation, and usually far less


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
        """Compute the moments of an output's weights, read for some items at a time: float32 (some of I, D)."""
        blocks = [slice(start, min(start + BLOCK, num_items)) for start in range(0, num_items, BLOCK)]
        middle_D = sum(weights(block).sum(axis=0, dtype=np.float64) for block in blocks) / num_items
        centre_D = middle_D.astype(np.float32)
        products_DD = np.zeros((len(middle_D), len(middle_D)))
        for block in blocks:
            centred_ID = weights(block) - centre_D
            products_DD += centred_ID.T @ centred_ID
        return cls(middle_D, products_DD / num_items)

    def standardise(self, scores_NK: Values, codes_ND: Values) -> Values:
        """Standardise some items' scores of codes over all items: float32 (N, K)."""
        if not len(codes_ND):
            return scores_NK
        centred_NK = scores_NK - (codes_ND @ self.mean)[:, None]
        return (centred_NK / self._std(codes_ND)[:, None]).astype(np.float32)

    def _std(self, codes_ND: Values) -> NDArray[np.float64]:
        """Return the standard deviation of each code's scores: float64 (N,).

        Codes of rows that differ in a few ratings are similar: their mean is multiplied once, in float64, and float32
        is precise enough for the rest.
        """
        shared_D = codes_ND.mean(axis=0, dtype=np.float64)
        rest_ND = (codes_ND - shared_D).astype(np.float32)
        along_D = self.covariance @ shared_D
        variance_N = shared_D @ along_D + 2 * (rest_ND @ along_D)
        is_many = len(codes_ND) > LEADING // 2 and len(shared_D) > 2 * LEADING
        if not is_many or not self.add_approximate(variance_N, rest_ND):
            variance_N += np.einsum("nd,nd->n", rest_ND @ self._single, rest_ND)
        std_N: NDArray[np.float64] = np.maximum(np.sqrt(np.maximum(variance_N, 0)), MIN_STD)
        return std_N

    def add_approximate(self, variance_N: NDArray[np.float64], rest_ND: Values) -> bool:
        """Add variances, approximated beyond the leading directions; return False if that is not precise enough."""
        variance_K, mean_other, largest_other, directions_DK = self._leading
        square_NK = np.square(rest_ND @ directions_DK)
        other_N = np.maximum(np.einsum("nd,nd->n", rest_ND, rest_ND) - square_NK.sum(axis=1), 0)
        if (largest_other * other_N > MAX_ERROR * variance_N).any():
            return False
        variance_N += square_NK @ variance_K + mean_other * other_N
        return True

    @cached_property
    def _single(self) -> Values:
        return self.covariance.astype(np.float32)

    @cached_property
    def _leading(self) -> tuple[Values, float, float, Values]:
        """Return variances along the leading directions, mean and maximum of the others, and the directions."""
        variance_D, directions_DD = np.linalg.eigh(self.covariance)
        others_D, variance_K = variance_D[:-LEADING], variance_D[-LEADING:]
        directions_DK = np.ascontiguousarray(directions_DD[:, -LEADING:])
        return (
            variance_K.astype(np.float32),
            float(others_D.mean()),
            float(others_D.max()),
            directions_DK.astype(np.float32),
        )
