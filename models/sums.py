"""Sums of rows of a weight matrix without some of their terms, to the last bit as the whole sums are made.

Sums over all outputs are kept in half as many bits as they are computed in, which shows in a single score; so what is
asked for is summed anew, in the same order, over the few outputs that are asked for. For mean and spread over all
outputs what a group adds up to is taken off the whole sum and its square; the largest outputs are rounded likewise.
Shape letters: E terms, F inputs, C outputs, N groups of G terms, K outputs asked for, L largest outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.ablation import Groups
from models.interactions import Offsets, Values

BLOCK = 32  # terms at a time: they stay in the cache
ROUNDED = 512  # outputs of the largest sums, whose rounding counts; that of the others is lost in the mean of many

Float64s = NDArray[np.float64]


class Terms(NamedTuple):
    """What mean and spread need to know of every term.

    Attributes:
        along: float64 (E,), its product with the whole sum.
        total: float64 (E,), over all outputs.
        square: float64 (E,), with itself.
        largest: float32 (E, L), at the largest outputs of the sum.
    """

    along: Tensor
    total: Tensor
    square: Tensor
    largest: Tensor


class RowMoments(NamedTuple):
    """Total and length of every row of the weights: float32 (F,)."""

    total: Tensor
    length: Tensor

    @classmethod
    def of(cls, weights: Tensor) -> RowMoments:
        """Add every row up."""
        blocks = (weights[start : start + BLOCK].float() for start in range(0, len(weights), BLOCK))
        found = [(block.sum(dim=1), torch.linalg.vector_norm(block, dim=1)) for block in blocks]
        return cls(*(torch.cat(parts) for parts in zip(*found, strict=True)))


@dataclass(frozen=True)
class Sum:
    """A sum of E rows, each with a factor.

    Attributes:
        weights: float16 (F, C).
        places: int64 (E,), which rows; -1 for a term that is not there.
        amounts: float16 (E,), their factors.
        row_moments: gives those of the weights; asked for mean and spread only.
    """

    weights: Tensor
    places: Offsets
    amounts: NDArray[np.float16]
    row_moments: Callable[[], RowMoments]

    def without(self, groups: Groups, wanted: Offsets) -> Values:
        """Give the wanted outputs of the sum without each of one group or more: float32 (N, K)."""
        kept_NE = np.broadcast_to(self.places >= 0, (len(groups), len(self.places))).copy()
        np.put_along_axis(kept_NE, groups, False, 1)
        terms = np.nonzero(kept_NE)[1]
        offsets = np.concatenate(([0], np.cumsum(kept_NE.sum(axis=1))[:-1]))
        table_EK = self.weights[self._rows[:, None], torch.from_numpy(wanted)]
        amounts = torch.from_numpy(self.amounts[terms])
        bags = torch.from_numpy(terms), table_EK, torch.from_numpy(offsets)
        sums_NK: Values = embedding_bag(*bags, mode="sum", per_sample_weights=amounts).float().numpy()
        return sums_NK

    def moments_without(self, groups: Groups, num_items: int) -> tuple[Float64s, Float64s]:
        """Give mean and spread over I items without each group, where items that are no output have 0: float64 (N,)."""
        terms, places = self._terms, torch.from_numpy(groups)
        rest_NL = self._whole[self._largest] - added(terms.largest, places)
        rounded_NL = rest_NL.half().float()
        more_N = (rounded_NL - rest_NL).sum(dim=1, dtype=torch.float64)
        more_squares_N = (rounded_NL.square() - rest_NL.square()).sum(dim=1, dtype=torch.float64)
        square_N = added(terms.square, places) if groups.shape[1] == 1 else self._square(places)
        whole_C = self._whole.double()
        squares_N = whole_C @ whole_C - 2 * added(terms.along, places) + square_N + more_squares_N
        mean_N = (whole_C.sum() - added(terms.total, places) + more_N) / num_items
        return mean_N.numpy(), (squares_N / num_items - mean_N**2).clamp(min=0).sqrt().numpy()

    def _square(self, places: Tensor) -> Tensor:
        """Give the square of each group's sum: float64 (N,)."""
        removed = (self._factors[group] @ self._stored[group].float() for group in places)
        return torch.stack([torch.linalg.vector_norm(each) for each in removed]).double().square()

    def _blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give all rows, some at a time, with their factors."""
        for start in range(0, len(self.places), BLOCK):
            yield self._stored[start : start + BLOCK].float(), self._factors[start : start + BLOCK]

    @cached_property
    def _terms(self) -> Terms:
        found = [
            (factors * (rows @ self._whole), rows.index_select(1, self._largest).mul_(factors[:, None]))
            for rows, factors in self._blocks()
        ]
        along, largest = (torch.cat(parts) for parts in zip(*found, strict=True))
        total, length = (self._factors * each[self._rows] for each in self.row_moments())
        return Terms(along.double(), total.double(), length.double().square(), largest)

    @cached_property
    def _stored(self) -> Tensor:
        """The rows as they are stored, half the size of the terms: float16 (E, C)."""
        return self.weights.index_select(0, self._rows)

    @cached_property
    def _factors(self) -> Tensor:
        return torch.from_numpy(self.amounts * (self.places >= 0)).float()

    @cached_property
    def _whole(self) -> Tensor:
        """The sum of all terms, not rounded: float32 (C,)."""
        return torch.stack([factors @ rows for rows, factors in self._blocks()]).sum(dim=0)

    @cached_property
    def _largest(self) -> Tensor:
        """The outputs whose rounding shows in the sum of squares: int64 (L,)."""
        return self._whole.abs().topk(min(ROUNDED, len(self._whole)), sorted=False).indices

    @property
    def _rows(self) -> Tensor:
        """Place of each term's row; any for one that is not there."""
        return torch.from_numpy(np.maximum(self.places, 0))


def added(terms: Tensor, places: Tensor) -> Tensor:
    """Add up the terms of each group: (N, ...)."""
    return terms[places[:, 0]] if places.shape[1] == 1 else terms[places].sum(dim=1)
