"""Ridge solutions without some of their rows, all from one solve.

With P the inverse of X'X plus the ridge, z the solution of all rows, and X_g and t_g rows and targets of a group, the
solution without the group is  z - P X_g' (1 - X_g P X_g')^-1 (t_g - X_g z), by Woodbury's identity.
Shape letters: E rows, D factors, N groups of G rows each, R rows that are in any group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from models.ablation import Groups

Matrix = NDArray[np.float64]


def solutions_without(
    rows_ED: Matrix, targets_E: Matrix, ridge_D: Matrix, groups: Groups, shift_N: Matrix | None = None
) -> Matrix:
    """Minimise the squared error of the rows that are left, and the ridge: float64 (N, D).

    Args:
        rows_ED: X.
        targets_E: t.
        ridge_D: penalty of each factor, above 0, as it is for the rows that are left.
        groups: int64 (N, G), places of rows.
        shift_N: what each group takes off all targets.
    """
    matrix_DD = rows_ED.T @ rows_ED
    matrix_DD.flat[:: len(ridge_D) + 1] += ridge_D
    named, place = np.unique(groups, return_inverse=True)
    sums_2D = np.stack((targets_E, np.ones_like(targets_E))) @ rows_ED
    solved: Matrix = lapack.dposv(matrix_DD, np.concatenate((sums_2D, rows_ED[named])).T)[1].T
    whole_ND, misses = solved[:1], targets_E[groups]
    if shift_N is not None:
        whole_ND, misses = whole_ND - shift_N[:, None] * solved[1], misses - shift_N[:, None]
    taken_NGD, solved_NGD = rows_ED[groups], solved[2:][place.reshape(groups.shape)]
    misses = misses - (taken_NGD * whole_ND[:, None]).sum(axis=2)
    return whole_ND - _change(taken_NGD, solved_NGD, misses)


def _change(taken_NGD: Matrix, solved_NGD: Matrix, misses_NG: Matrix) -> Matrix:
    """Give what each group's rows have done to the solution: float64 (N, D)."""
    left_NGG = np.eye(taken_NGD.shape[1]) - taken_NGD @ solved_NGD.transpose(0, 2, 1)
    weights_NG1 = np.linalg.solve(left_NGG, misses_NG[:, :, None])
    change_ND: Matrix = (weights_NG1 * solved_NGD).sum(axis=1)
    return change_ND
