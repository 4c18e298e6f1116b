"""Sums of rows of a weight matrix without some of their terms, to the last bit as the whole sums are made.

Sums over all outputs are kept in half as many bits as they are computed in, which shows in a single score; so what is
asked for is summed anew, in the same order, over the few outputs that are asked for. For mean and spread over all
outputs the terms are taken off the whole sum, which is then rounded likewise.
Shape letters: E terms, F inputs, C outputs, N groups of G terms, K outputs asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.ablation import Groups
from models.interactions import Offsets, Values

BLOCK = 4  # groups at a time: their sums stay in the cache

Float64s = NDArray[np.float64]


@dataclass(frozen=True)
class Sum:
    """A sum of E rows, each with a factor.

    Attributes:
        weights: float16 (F, C).
        places: int64 (E,), which rows; -1 for a term that is not there.
        amounts: float16 (E,), their factors.
    """

    weights: Tensor
    places: Offsets
    amounts: NDArray[np.float16]

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
        totals_N, squares_N = (np.concatenate(each) for each in zip(*self._sums_without(groups), strict=True))
        mean_N = totals_N / num_items
        return mean_N, np.sqrt(np.maximum(squares_N / num_items - mean_N**2, 0))

    def _sums_without(self, groups: Groups) -> Iterator[tuple[Float64s, Float64s]]:
        """Add up the outputs and their squares, some groups at a time."""
        terms_EC = self.weights.index_select(0, self._rows).float()
        terms_EC *= torch.from_numpy(self.amounts * (self.places >= 0)).float()[:, None]
        whole_C = terms_EC.sum(dim=0)
        for start in range(0, len(groups), BLOCK):
            removed = [terms_EC.index_select(0, places) for places in torch.from_numpy(groups[start : start + BLOCK].T)]
            rest_NC = whole_C - removed[0]
            for more_NC in removed[1:]:
                rest_NC -= more_NC
            rest_NC = rest_NC.half().float()
            spread_N = torch.linalg.vector_norm(rest_NC, dim=1)
            yield rest_NC.sum(dim=1).double().numpy(), spread_N.double().square().numpy()

    @property
    def _rows(self) -> Tensor:
        """Place of each term's row; any for one that is not there."""
        return torch.from_numpy(np.maximum(self.places, 0))
