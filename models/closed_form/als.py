"""Weighted ridge solves of many short rows at once, where the cells that a row lacks count a little too.

Row b minimises  sum_e w_e (z.y_e - t_e)^2  +  sum_d g_d z_d^2  +  r_b |z|^2  over its entries e. The factors are turned
beforehand so that the weighted sum of all cells, z' Y'Y z, is the diagonal g: then nothing of a row's solve is larger
than its own entries, and the diagonal preconditions the conjugate gradients so well that a few steps do.

Sources: Hu, Koren & Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008 (the objective);
Takács, Pilászy & Tikk, "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering",
RecSys 2011 (the solver). The turn and the preconditioner are ours.
Shape letters: B rows, N factors' rows of the other side, D factors, E entries; b rows of one block, L its longest row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from models.core.interactions import Offsets

CELLS_PER_BLOCK = 1_000_000  # numbers gathered at once: they stay in the cache over the steps
ROWS_PER_BLOCK = 8_192


@dataclass(frozen=True)
class Cells:
    """A sparse matrix (B, N) of targets with weights, by rows.

    Attributes:
        offsets: int64 (B + 1,).
        columns: int32 (E,).
        weights: float32 (E,), above 0; one number where all are equal.
        targets: float32 (E,).
        num_columns: N.
    """

    offsets: Offsets
    columns: Tensor
    weights: Tensor
    targets: Tensor
    num_columns: int

    @property
    def counts(self) -> Offsets:
        """Entries of each row: int64 (B,)."""
        return np.diff(self.offsets)

    def to(self, device: torch.device) -> Cells:
        """Copy the entries to a device."""
        columns, weights, targets = (each.to(device) for each in (self.columns, self.weights, self.targets))
        return Cells(self.offsets, columns, weights, targets, self.num_columns)

    def transposed(self) -> Cells:
        """The same cells by column."""
        shape = (len(self.offsets) - 1, self.num_columns)
        places = np.arange(len(self.columns), dtype=np.int32 if len(self.columns) < 2**31 else np.int64)
        by_column = csr_array((places, self.columns.numpy(), self.offsets), shape=shape).tocsc()
        rows = torch.from_numpy(by_column.indices.astype(np.int32, copy=False))
        order = torch.from_numpy(by_column.data)
        offsets = by_column.indptr.astype(np.int64)
        return Cells(offsets, rows, self.weights_of(order), self.targets[order], shape[0])

    def weights_of(self, entries: Tensor) -> Tensor:
        """Return the weights of some entries, in their shape; a single number as it is."""
        return _picked(self.weights, entries) if self.weights.ndim else self.weights


@dataclass(frozen=True)
class Side:
    """Factors of one side, turned so that their weighted Gram matrix is diagonal.

    Attributes:
        factors: float32 (N, D).
        gram: float32 (D,), the diagonal of weight * factors' factors.
    """

    factors: Tensor
    gram: Tensor

    @classmethod
    def turned(cls, factors_ND: Tensor, weight: float) -> tuple[Side, Tensor]:
        """Turn factors, and give the rotation (D, D) with which the other side's follow."""
        spectrum_D, rotation_DD = torch.linalg.eigh(factors_ND.T @ factors_ND)
        return cls(factors_ND @ rotation_DD, weight * spectrum_D.clamp(min=0)), rotation_DD


@dataclass(frozen=True)
class _Block:
    """Rows of about one length: factors (b, L, D) and weights and targets (b, L) of their entries, diagonal (b, D)."""

    rows: NDArray[np.int64]
    factors: Tensor
    weights: Tensor
    targets: Tensor
    diagonal: Tensor

    def product(self, z_bD: Tensor) -> Tensor:
        """Multiply with the matrix of each row's solve: (b, D)."""
        return self.diagonal * z_bD + self.back(self.weights * self.along(z_bD))

    def along(self, z_bD: Tensor) -> Tensor:
        """Score every entry: (b, L). The other way round, factors times z, `bmm` takes five times as long."""
        return torch.bmm(z_bD[:, None, :], self.factors.transpose(1, 2))[:, 0]

    def back(self, entries_bL: Tensor) -> Tensor:
        """Sum the factors of every entry: (b, D)."""
        return torch.bmm(entries_bL[:, None, :], self.factors)[:, 0]


def descend(
    cells: Cells,
    side: Side,
    ridge_B: Tensor,
    start_BD: Tensor,
    steps: int,
    check_cancelled: Callable[[], None],
    pull_BD: Tensor | None = None,
) -> Tensor:
    """Take ``steps`` of conjugate gradients from ``start_BD``: float32 (B, D), 0 for a row without entries.

    ``pull_BD`` float32 (B, D): its double product with z is taken off what a row minimises; ridge times m draws z to m.
    """
    solved_BD = torch.zeros_like(start_BD)
    for block in _blocks(cells, side, ridge_B):
        check_cancelled()
        pull_bD = 0 if pull_BD is None else pull_BD[block.rows]
        solved_BD[block.rows] = _descend(block, start_BD[block.rows], steps, pull_bD)
    return solved_BD


def _descend(block: _Block, z_bD: Tensor, steps: int, pull_bD: Tensor | int) -> Tensor:
    residual_bD = block.back(block.weights * block.targets) + pull_bD - block.product(z_bD)
    step_bD = scaled_bD = residual_bD / block.diagonal
    square_b = (residual_bD * scaled_bD).sum(1)
    for _ in range(steps):
        along_bD = block.product(step_bD)
        length_b = _ratio(square_b, (step_bD * along_bD).sum(1))
        z_bD = z_bD + length_b[:, None] * step_bD
        residual_bD = residual_bD - length_b[:, None] * along_bD
        scaled_bD = residual_bD / block.diagonal
        before_b, square_b = square_b, (residual_bD * scaled_bD).sum(1)
        step_bD = scaled_bD + _ratio(square_b, before_b)[:, None] * step_bD
    return z_bD


def _ratio(above_b: Tensor, below_b: Tensor) -> Tensor:
    """Divide; 0 where a row has converged already."""
    return torch.where(below_b > 0, above_b / below_b.clamp(min=1e-30), 0.0)


def solve(cells: Cells, side: Side, ridge_B: Tensor) -> Tensor:
    """Solve every row exactly: float32 (B, D), 0 for a row without entries.

    Rows are padded to powers of two: how a row's sums are rounded does not depend on the other rows.
    """
    solved_BD = torch.zeros(len(cells.counts), side.factors.shape[1], device=side.factors.device)
    powers = 2 ** np.ceil(np.log2(np.maximum(cells.counts, 1))).astype(np.int64)
    for block in _blocks(cells, side, ridge_B, powers):
        matrix_bDD = torch.bmm((block.weights[:, :, None] * block.factors).transpose(1, 2), block.factors)
        matrix_bDD += torch.diag_embed(block.diagonal)
        wanted_bD = block.back(block.weights * block.targets)
        lower_bDD = torch.linalg.cholesky(matrix_bDD)  # LU of a batch fails where there are threads (pytorch#142815)
        solved_BD[block.rows] = torch.cholesky_solve(wanted_bD[:, :, None], lower_bDD)[:, :, 0]
    return solved_BD


def _blocks(cells: Cells, side: Side, ridge_B: Tensor, lengths: NDArray[np.int64] | None = None) -> Iterator[_Block]:
    """Cut the rows that have entries into blocks of about one length, so that little is padded.

    ``lengths`` int64 (B,): pad each row to exactly this length.
    """
    counts, num_factors, device = cells.counts, side.factors.shape[1], side.factors.device
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]

    def is_apart(first: int, last: int) -> bool:
        if lengths is not None:
            return bool(lengths[first] != lengths[last])
        return bool(counts[last] > 2 * counts[first])

    start = 0
    while start < len(order):
        room = max(1, CELLS_PER_BLOCK // (num_factors * max(num_factors, int(counts[order[start]]))))
        stop = min(len(order), start + min(room, ROWS_PER_BLOCK))
        while stop - start > 1 and is_apart(order[start], order[stop - 1]):
            stop = start + (stop - start) // 2
        rows = order[start:stop]
        places = np.arange((counts if lengths is None else lengths)[rows[-1]])
        inside = torch.from_numpy(places < counts[rows, None]).to(device)
        entries = torch.from_numpy(cells.offsets[rows, None] + np.minimum(places, counts[rows, None] - 1)).to(device)
        factors_bLD = _picked(side.factors, _picked(cells.columns, entries))
        weights_bL = cells.weights_of(entries) * inside
        diagonal_bD = side.gram + ridge_B[rows][:, None]
        yield _Block(rows, factors_bLD, weights_bL, _picked(cells.targets, entries), diagonal_bD)
        start = stop


def _picked(table: Tensor, places: Tensor) -> Tensor:
    """Index the rows of a table, in half the time that square brackets take."""
    return table.index_select(0, places.reshape(-1)).view(*places.shape, *table.shape[1:])
