"""Alternating least squares: weighted ridge solves of many short rows at once, in which empty cells count a little too.

Row b minimises  sum_e w_e (z.y_e - t_e)^2  +  sum_d g_d z_d^2  +  r_b |z|^2  over its entries e. The factors are
rotated beforehand so that the weighted sum over all cells, z' Y'Y z, has a diagonal matrix g: then no part of a row's
solve is larger than its own entries, and the diagonal preconditions the conjugate gradients so well that a few steps
are enough.

Sources: Hu, Koren & Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008 (the objective);
Takács, Pilászy & Tikk, "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative Filtering",
RecSys 2011 (the solver). The rotation and the preconditioner are ours.
Shape letters: B rows, N factors' rows of the other side, D factors, E entries; b rows of one block, L its longest row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from models.core.interactions import Offsets

CELLS_PER_BLOCK = 1_000_000  # numbers gathered at once: they stay in the cache during the steps
ROWS_PER_BLOCK = 8_192


@dataclass(frozen=True)
class Cells:
    """A sparse matrix (B, N) of targets with weights, by rows.

    Attributes:
        offsets: int64 (B + 1,).
        columns: int32 (E,).
        weights: float32 (E,), above 0; a single number if all are equal.
        targets: float32 (E,).
        num_columns: N.
    """

    offsets: Offsets
    columns: Tensor
    weights: Tensor
    targets: Tensor
    _: KW_ONLY
    num_columns: int

    @property
    def counts(self) -> Offsets:
        """Number of entries in each row: int64 (B,)."""
        return np.diff(self.offsets)

    def to(self, device: torch.device) -> Cells:
        """Copy the entries to a device."""
        columns, weights, targets = (each.to(device) for each in (self.columns, self.weights, self.targets))
        return Cells(self.offsets, columns, weights, targets, num_columns=self.num_columns)

    def transpose(self) -> Cells:
        """Return the same cells by column."""
        shape = (len(self.offsets) - 1, self.num_columns)
        places = np.arange(len(self.columns), dtype=np.int32 if len(self.columns) < 2**31 else np.int64)
        by_column = csr_array((places, self.columns.numpy(), self.offsets), shape=shape).tocsc()
        rows = torch.from_numpy(by_column.indices.astype(np.int32, copy=False))
        order = torch.from_numpy(by_column.data)
        offsets = by_column.indptr.astype(np.int64)
        return Cells(offsets, rows, self.weights_of(order), self.targets[order], num_columns=shape[0])

    def weights_of(self, entries: Tensor) -> Tensor:
        """Return the weights of some entries, in their shape; a single number if all weights are equal."""
        return _take_rows(self.weights, entries) if self.weights.ndim else self.weights


@dataclass(frozen=True)
class Side:
    """Factors of one side, rotated so that their weighted Gram matrix is diagonal.

    Attributes:
        factors: float32 (N, D).
        gram: float32 (D,), the diagonal of weight * factors' factors.
    """

    factors: Tensor
    gram: Tensor

    @classmethod
    def diagonalise(cls, factors_ND: Tensor, weight: float) -> tuple[Side, Tensor]:
        """Rotate factors, and return the rotation (D, D) to apply to the other side's factors too."""
        spectrum_D, rotation_DD = torch.linalg.eigh(factors_ND.T @ factors_ND)
        return cls(factors_ND @ rotation_DD, weight * spectrum_D.clamp(min=0)), rotation_DD


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Rows of similar length: factors (b, L, D), weights and targets (b, L) of their entries, diagonal (b, D)."""

    rows: NDArray[np.int64]
    factors: Tensor
    weights: Tensor
    targets: Tensor
    diagonal: Tensor

    def product(self, z_bD: Tensor) -> Tensor:
        """Multiply by the matrix of each row's solve: (b, D)."""
        return self.diagonal * z_bD + self.sum_factors(self.weights * self.scores(z_bD))

    def scores(self, z_bD: Tensor) -> Tensor:
        """Score every entry: (b, L). Factors times z, the other way round, takes `bmm` five times as long."""
        return torch.bmm(z_bD[:, None, :], self.factors.transpose(1, 2))[:, 0]

    def sum_factors(self, entries_bL: Tensor) -> Tensor:
        """Sum the factors of each row's entries, weighted: (b, D)."""
        return torch.bmm(entries_bL[:, None, :], self.factors)[:, 0]


def descend(
    cells: Cells,
    side: Side,
    ridge_B: Tensor,
    start_BD: Tensor,
    *,
    steps: int,
    check_cancelled: Callable[[], None],
    prior_mean_BD: Tensor | None = None,
) -> Tensor:
    """Take ``steps`` of conjugate gradients from ``start_BD``: float32 (B, D), 0 for a row without entries.

    ``prior_mean_BD`` float32 (B, D): the ridge shrinks each row towards this mean instead of 0.
    """
    solved_BD = torch.zeros_like(start_BD)
    for block in _blocks(cells, side, ridge_B):
        check_cancelled()
        prior_bD = 0 if prior_mean_BD is None else ridge_B[block.rows, None] * prior_mean_BD[block.rows]
        solved_BD[block.rows] = _descend(block, start_BD[block.rows], steps, prior_bD)
    return solved_BD


def _descend(block: _Block, z_bD: Tensor, steps: int, prior_bD: Tensor | int) -> Tensor:
    residual_bD = block.sum_factors(block.weights * block.targets) + prior_bD - block.product(z_bD)
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
    """Divide; 0 where a row has already converged."""
    return torch.where(below_b > 0, above_b / below_b.clamp(min=1e-30), 0.0)


def solve(cells: Cells, side: Side, ridge_B: Tensor) -> Tensor:
    """Solve every row exactly: float32 (B, D), 0 for a row without entries.

    Rows are padded to powers of two, so that the rounding of a row's sums does not depend on the other rows.
    """
    solved_BD = torch.zeros(len(cells.counts), side.factors.shape[1], device=side.factors.device)
    powers = 2 ** np.ceil(np.log2(np.maximum(cells.counts, 1))).astype(np.int64)
    for block in _blocks(cells, side, ridge_B, powers):
        matrix_bDD = torch.bmm((block.weights[:, :, None] * block.factors).transpose(1, 2), block.factors)
        matrix_bDD += torch.diag_embed(block.diagonal)
        wanted_bD = block.sum_factors(block.weights * block.targets)
        lower_bDD = torch.linalg.cholesky(matrix_bDD)  # LU of a batch fails where there are threads (pytorch#142815)
        solved_BD[block.rows] = torch.cholesky_solve(wanted_bD[:, :, None], lower_bDD)[:, :, 0]
    return solved_BD


def _blocks(cells: Cells, side: Side, ridge_B: Tensor, lengths: NDArray[np.int64] | None = None) -> Iterator[_Block]:
    """Yield blocks of rows of similar length, so that little is padded; rows without entries are left out.

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
        factors_bLD = _take_rows(side.factors, _take_rows(cells.columns, entries))
        weights_bL = cells.weights_of(entries) * inside
        diagonal_bD = side.gram + ridge_B[rows][:, None]
        targets_bL = _take_rows(cells.targets, entries)
        yield _Block(rows=rows, factors=factors_bLD, weights=weights_bL, targets=targets_bL, diagonal=diagonal_bD)
        start = stop


def _take_rows(table: Tensor, places: Tensor) -> Tensor:
    """Index the rows of a table in half the time that square brackets take."""
    return table.index_select(0, places.reshape(-1)).view(*places.shape, *table.shape[1:])
