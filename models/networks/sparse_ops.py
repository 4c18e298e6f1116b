"""Sums and products over the rated cells only, with gradients that are sums over these cells too.

The forward pass of torch's `embedding_bag` is fast, but its gradient is ten times slower than the same kernel run on
the transposed rows, which is used here. Every sum has a fixed order, so a fit repeats to the last bit.
Shape letters: B rows, N columns, H hidden units, E entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn.functional import embedding_bag

DENSE_ENOUGH = 50  # a whole product (B, N) is faster than chunks if at least one entry in this many is needed
CHUNK = 4_096  # entries multiplied at once, so that no (E, H) product is held in memory


@dataclass(frozen=True)
class Bags:
    """A sparse matrix (B, N) by rows.

    Attributes:
        row: int64 (E,), ascending.
        column: int64 (E,).
        weight: float32 (E,).
        shape: (B, N).
    """

    row: Tensor
    column: Tensor
    weight: Tensor
    shape: tuple[int, int]

    @cached_property
    def offsets(self) -> Tensor:
        """First entry of each row: int64 (B,)."""
        counts = torch.bincount(self.row, minlength=self.shape[0])
        return torch.cumsum(counts, 0) - counts

    @cached_property
    def order(self) -> Tensor:
        """Entries by column: int64 (E,)."""
        if self.column.is_cuda:
            return torch.argsort(self.column, stable=True)
        ends = np.append(self.offsets.numpy(), len(self.column))
        by_row = csr_array((np.arange(len(self.column)), self.column.numpy(), ends), shape=self.shape)
        return torch.from_numpy(by_row.tocsc().data)  # a counting sort: 20 times faster than argsort

    @cached_property
    def transpose(self) -> Bags:
        """The same entries by column."""
        order = self.order
        return Bags(self.column[order], self.row[order], self.weight[order], (self.shape[1], self.shape[0]))

    def with_weights(self, weight: Tensor) -> Bags:
        """Return the same entries with other weights, reusing the sorted order."""
        other = Bags(self.row, self.column, weight, self.shape)
        other.__dict__["offsets"] = self.offsets
        other.__dict__["order"] = self.order
        by_column = Bags(self.transpose.row, self.transpose.column, weight[self.order], self.transpose.shape)
        by_column.__dict__["offsets"] = self.transpose.offsets
        other.__dict__["transpose"] = by_column
        return other

    def product(self, table: Tensor) -> Tensor:
        """Multiply by a table (N, H), without a gradient: (B, H)."""
        return embedding_bag(self.column, table, self.offsets, mode="sum", per_sample_weights=self.weight)


def sum_bags(bags: Bags, table_NH: Tensor) -> Tensor:
    """Sum the weighted table rows of every bag: (B, H), zeros for an empty one."""
    return cast("Tensor", _SumBags.apply(table_NH, bags))  # type: ignore[no-untyped-call]


def sampled_products(bags: Bags, left_BH: Tensor, right_NH: Tensor) -> Tensor:
    """Multiply left row and right row at every entry, ignoring the weights: (E,)."""
    return cast("Tensor", _SampledProducts.apply(left_BH, right_NH, bags))  # type: ignore[no-untyped-call]


class _SumBags(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table_NH: Tensor, bags: Bags) -> Tensor:
        ctx.bags = bags
        return bags.product(table_NH)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.bags.transpose.product(gradients[0].contiguous()), None


class _SampledProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, left_BH: Tensor, right_NH: Tensor, bags: Bags) -> Tensor:
        ctx.bags = bags
        ctx.save_for_backward(left_BH, right_NH)
        if len(bags.row) * DENSE_ENOUGH > bags.shape[0] * bags.shape[1]:
            return (left_BH @ right_NH.T)[bags.row, bags.column]
        out = torch.empty_like(bags.weight)
        for start in range(0, len(out), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = torch.linalg.vecdot(left_BH[bags.row[part]], right_NH[bags.column[part]])
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        left_BH, right_NH = ctx.saved_tensors
        bags = ctx.bags.with_weights(gradients[0].contiguous())
        return bags.product(right_NH), bags.transpose.product(left_BH), None
