"""Sums of rows of a weight matrix without some of their terms.

Mean and spread over all outputs are those of the whole sum, less what a group adds to the sum and to its square.
Shape letters: E terms, F rows, C outputs, N groups of G terms, K outputs asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.ablation import Groups, summed
from models.interactions import Offsets, Values
from models.rounded import Rounded

BLOCK = 256  # rows at a time

Float64s = NDArray[np.float64]


class RowMoments(NamedTuple):
    """Total and square length of every row of the weights: float64 (F,)."""

    total: Float64s
    square: Float64s

    @classmethod
    def of(cls, weights: Rounded) -> RowMoments:
        """Add every row up."""
        total_F, square_F = np.empty((2, weights.num_rows))
        for start in range(0, weights.num_rows, BLOCK):
            rows = weights.weights(slice(start, start + BLOCK), slice(None))
            total_F[start : start + BLOCK] = rows.sum(axis=1, dtype=np.float64)
            square_F[start : start + BLOCK] = np.einsum("fc,fc->f", rows, rows)
        return cls(total_F, square_F)


@dataclass(frozen=True)
class Sum:
    """A sum of E rows, each with a factor.

    Attributes:
        weights: (F, C).
        rows: int64 (E,), which rows; any for a term that is not there.
        factors: float32 (E,), 0 for such a term.
        wanted: int64 (K,), outputs that are asked for.
        row_moments: gives those of the weights; asked for mean and spread only.
    """

    weights: Rounded
    rows: Offsets
    factors: Values
    wanted: Offsets
    row_moments: Callable[[], RowMoments]

    def without(self, groups: Groups) -> Values:
        """Give the wanted outputs of the sum without each group: float32 (N, K)."""
        left_NK = self._terms.sum(axis=0) - summed(self._terms, groups)
        return cast("Values", left_NK.astype(np.float32))

    @cached_property
    def _terms(self) -> Float64s:
        """What each term adds to the wanted outputs: float64 (E, K)."""
        return self.weights.weights(self.rows, self.wanted) * self.factors.astype(np.float64)[:, None]

    def moments_without(self, groups: Groups, num_items: int) -> tuple[Float64s, Float64s]:
        """Give mean and spread over I items without each group, where items that are no output have 0: float64 (N,)."""
        total_E, along_E = self._total, self._along
        mean_N = (total_E.sum() - summed(total_E, groups)) / num_items
        squares_N = along_E.sum() - 2 * summed(along_E, groups) + self._square(groups)
        return mean_N, np.sqrt(np.maximum(squares_N / num_items - mean_N**2, 0))

    def _square(self, groups: Groups) -> Float64s:
        """Give the square of each group's sum: float64 (N,)."""
        if groups.shape[1] == 1:
            squares_N: Float64s = (self.factors.astype(np.float64)[groups[:, 0]] ** 2) * self._moments.square[
                groups[:, 0]
            ]
            return squares_N
        offsets = torch.arange(len(groups)) * groups.shape[1]
        sums_NC = self._sums(groups.ravel(), offsets)
        return cast("Float64s", np.einsum("nc,nc->n", sums_NC, sums_NC).astype(np.float64))

    def _sums(self, terms: NDArray[np.int64], offsets: Tensor) -> Values:
        """Add terms up, some for each offset: float32 (N, C)."""
        rows, factors = (torch.from_numpy(each[terms]) for each in (self.rows, self.factors))
        return self.weights.sums(rows, factors, offsets)

    @cached_property
    def _moments(self) -> RowMoments:
        """Those of the terms' rows: float64 (E,)."""
        return RowMoments(*(each[self.rows] for each in self.row_moments()))

    @cached_property
    def _total(self) -> Float64s:
        """Each term over all outputs: float64 (E,)."""
        return self.factors * self._moments.total

    @cached_property
    def _along(self) -> Float64s:
        """Each term's product with the whole sum: float64 (E,)."""
        whole_C = self._sums(np.arange(len(self.rows)), torch.zeros(1, dtype=torch.int64))[0]
        return self.factors.astype(np.float64) * self.weights.products(self.rows, whole_C)
