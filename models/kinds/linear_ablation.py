"""Sums of rows of a weight matrix without some of their terms.

Mean and standard deviation over all outputs follow from the whole sum and what a group adds to it and to its square.
Shape letters: E terms, F rows, C outputs, N groups of G terms, K outputs asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.core.ablation import Ablation, Groups, places_without, sum_groups
from models.core.interactions import Offsets, Values
from models.core.zscore import MIN_STD
from models.inference.quantized import QuantizedMatrix
from models.rating_prediction.head import RatingsAblation

BLOCK = 256  # rows at a time
MIN_SHARE = 0.05  # of the whole sum's square; if less remains, it is computed directly

Float64s = NDArray[np.float64]


class RowMoments(NamedTuple):
    """Total and square length of every row of the weights: float64 (F,)."""

    total: Float64s
    square: Float64s

    @classmethod
    def of(cls, weights: QuantizedMatrix) -> RowMoments:
        """Compute the moments of every row."""
        total_F, square_F = np.empty((2, weights.num_rows))
        for start in range(0, weights.num_rows, BLOCK):
            rows = weights.weights(slice(start, start + BLOCK), slice(None))
            total_F[start : start + BLOCK] = rows.sum(axis=1, dtype=np.float64)
            square_F[start : start + BLOCK] = np.einsum("fc,fc->f", rows, rows)
        return cls(total_F, square_F)


@dataclass(frozen=True)
class WeightSum:
    """A sum of E rows, each with a factor.

    Attributes:
        weights: (F, C).
        rows: int64 (E,), row of each term; any row for a missing term.
        factors: float32 (E,), 0 for a missing term.
        wanted: int64 (K,), outputs to return.
        row_moments: returns those of the weights; called only for mean and standard deviation.
    """

    weights: QuantizedMatrix
    rows: Offsets
    factors: Values
    _: KW_ONLY
    wanted: Offsets
    row_moments: Callable[[], RowMoments]

    def without(self, groups: Groups) -> Values:
        """Return the wanted outputs of the sum without each group: float32 (N, K)."""
        left_NK = self._terms.sum(axis=0) - sum_groups(self._terms, groups)
        return cast("Values", left_NK.astype(np.float32))

    @cached_property
    def _terms(self) -> Float64s:
        """Contribution of each term to the wanted outputs: float64 (E, K)."""
        return self.weights.weights(self.rows, self.wanted) * self.factors.astype(np.float64)[:, None]

    def moments_without(self, groups: Groups, num_items: int) -> tuple[Float64s, Float64s]:
        """Return mean and standard deviation over I items without each group: float64 (N,); other items count as 0."""
        total_E, along_E = self._total, self._products
        mean_N = (total_E.sum() - sum_groups(total_E, groups)) / num_items
        squares_N = along_E.sum() - 2 * sum_groups(along_E, groups) + self._square(groups)
        variance_N = squares_N / num_items - mean_N**2
        faint = np.flatnonzero(variance_N * num_items < MIN_SHARE * along_E.sum())  # most of it is rounding
        if len(faint):
            variance_N[faint] = self._square_left(groups[faint]) / num_items - mean_N[faint] ** 2
        return mean_N, np.sqrt(np.maximum(variance_N, 0))

    def _square(self, groups: Groups) -> Float64s:
        """Return the squared norm of each group's sum: float64 (N,)."""
        if groups.shape[1] == 1:
            squares_N: Float64s = (self.factors.astype(np.float64)[groups[:, 0]] ** 2) * self._moments.square[
                groups[:, 0]
            ]
            return squares_N
        return self._squares(groups.ravel(), groups.shape[1])

    def _square_left(self, groups: Groups) -> Float64s:
        """Return the squared norm of the sum without each group, computed from its terms: float64 (N,)."""
        num_left = len(self.rows) - groups.shape[1]
        return self._squares(places_without(len(self.rows), groups), num_left)

    def _squares(self, terms: Offsets, each: int) -> Float64s:
        """Return the squared norms of sums of ``each`` consecutive terms: float64 (N,)."""
        sums_NC = self._sums(terms, torch.arange(0, len(terms), each))
        return cast("Float64s", np.einsum("nc,nc->n", sums_NC, sums_NC).astype(np.float64))

    def _sums(self, terms: NDArray[np.int64], offsets: Tensor) -> Values:
        """Add up terms, those of each sum starting at its offset: float32 (N, C)."""
        rows, factors = (torch.from_numpy(each[terms]) for each in (self.rows, self.factors))
        return self.weights.sums(rows, factors, offsets)

    @cached_property
    def _moments(self) -> RowMoments:
        """Moments of the terms' rows: float64 (E,)."""
        return RowMoments(*(each[self.rows] for each in self.row_moments()))

    @cached_property
    def _total(self) -> Float64s:
        """Sum of each term over all outputs: float64 (E,)."""
        return self.factors * self._moments.total

    @cached_property
    def _products(self) -> Float64s:
        """Dot product of each term with the whole sum: float64 (E,)."""
        whole_C = self._sums(np.arange(len(self.rows)), torch.zeros(1, dtype=torch.int64))[0]
        return self.factors.astype(np.float64) * self.weights.products(self.rows, whole_C)


@dataclass(frozen=True)
class LinearAblation(Ablation):
    """Scores from sums of weights without some of them, with predicted ratings.

    Attributes:
        num_items: I.
        whole: the sum of all of the row's weights, the constant's last.
        is_output: bool (K,), which of the wanted columns have weights; the others score 0.
        rating_ablation: predicts ratings.
    """

    num_items: int
    whole: WeightSum
    is_output: NDArray[np.bool_]
    rating_ablation: RatingsAblation

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Subtract each group's weights."""
        scores_NK = np.zeros((len(groups), len(self.is_output)), np.float32)
        if not self.whole.weights.num_columns or not len(groups):
            return scores_NK
        scores_NK[:, self.is_output] = self.whole.without(groups)
        if not standard:
            return scores_NK
        mean_N, std_N = self.whole.moments_without(groups, self.num_items)
        standard_NK = (scores_NK - mean_N[:, None]) / np.maximum(std_N, MIN_STD)[:, None]
        return cast("Values", standard_NK.astype(np.float32))

    def ratings(self, groups: Groups) -> Values:
        """Predict from biases and factors."""
        return self.rating_ablation.ratings(groups)
