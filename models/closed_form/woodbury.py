"""Ridge solutions without some of the rows, all computed from one solve.

With P the inverse of X'X plus the ridge, z the solution of all rows, and X_g and t_g rows and targets of a group, the
solution without the group is  z - P X_g' (1 - X_g P X_g')^-1 (t_g - X_g z), by Woodbury's identity.
Shape letters: E rows, D factors, N groups of G rows each, R rows that are in at least one group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from models.core.ablation import Groups

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Ridge:
    """A ridge regression: a code minimises the squared error of its rows' targets, plus a penalty.

    Attributes:
        rows: X, float64 or, where that is precise enough, float32 (E, D).
        targets: t, of the same type (E,).
    """

    rows: Matrix
    targets: Matrix

    def without(self, penalty_D: Matrix, groups: Groups, shift_N: Matrix | None = None) -> Matrix:
        """Solve without each group of rows: (N, D).

        Args:
            penalty_D: of each factor, above 0, for the number of rows that remain.
            groups: int64 (N, G), places of rows.
            shift_N: subtracted from all targets of each group's solve.
        """
        used_R, place = (groups[:, 0], None) if groups.shape[1] == 1 else np.unique(groups, return_inverse=True)
        code_2D, solved_RD = self._solve(penalty_D, used_R)
        miss_2E = self._targets_and_ones - code_2D @ self.rows.T
        whole_ND, misses_NG = code_2D[:1], miss_2E[0][groups]
        if shift_N is not None:
            whole_ND, misses_NG = (
                whole_ND - shift_N[:, None] * code_2D[1],
                misses_NG - shift_N[:, None] * miss_2E[1][groups],
            )
        if place is None:
            lever_N = np.einsum("nd,nd->n", self.rows[used_R], solved_RD)
            code_ND: Matrix = whole_ND - misses_NG / (1 - lever_N)[:, None] * solved_RD
            return code_ND
        solved_NGD = solved_RD[place.reshape(groups.shape)]
        lever_NGG = np.einsum("ngd,nhd->ngh", self.rows[groups], solved_NGD)
        weights_NG1 = np.linalg.solve(np.eye(groups.shape[1]) - lever_NGG, misses_NG[:, :, None])
        change_ND: Matrix = (weights_NG1 * solved_NGD).sum(axis=1)
        return whole_ND - change_ND

    @cached_property
    def _targets_and_ones(self) -> Matrix:
        """Targets, and ones: (2, E)."""
        return np.stack((self.targets, np.ones_like(self.targets)))

    @cached_property
    def _gram(self) -> Matrix:
        return self.rows.T @ self.rows

    def _solve(self, penalty_D: Matrix, used_R: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        """Solve for targets and for ones, (2, D), and return them with  P X'  of some rows, (R, D).

        The smaller of the two sides is inverted.
        """
        num_rows, num_factors = self.rows.shape
        posv = lapack.sposv if self.rows.dtype == np.float32 else lapack.dposv
        if 0 < num_rows < num_factors:
            scaled_ED = self.rows / penalty_D
            inner_EE = self.rows @ scaled_ED.T
            inner_EE.flat[:: num_rows + 1] += 1
            solved_ED = posv(inner_EE, scaled_ED)[1]
            return self._targets_and_ones @ solved_ED, solved_ED[used_R]
        matrix_DD = self._gram.copy()
        matrix_DD.flat[:: num_factors + 1] += penalty_D
        solved = posv(matrix_DD, np.concatenate((self._targets_and_ones @ self.rows, self.rows[used_R])).T)[1].T
        return solved[:2], solved[2:]
