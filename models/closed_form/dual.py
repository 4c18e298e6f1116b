"""The dual form of the solve in `models.closed_form.ridge`: users instead of features.

It is used where there are fewer users than features, and never builds a matrix of F x F.

Let X be the rows of the V users with two ratings or more, without the constant, and D the inverse of the penalties
plus the squares of the other users' ratings. By Woodbury's identity the inverse of X'X + 1/D is
D - DX' (1 + XDX')^-1 XD, so only a matrix of (V, V) has to be inverted; the constant is a border around it.
Shape letters: U users, V of them with two ratings or more, F features, C output items, B of those at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.closed_form.ridge import BLOCK, ChannelPairs, Matrix, Penalty, coefficients, gram, invert
from models.core.interactions import Offsets, Values


@dataclass(frozen=True)
class FactoredWeights:
    """The weights as a product of two factors, which scores a few users quickly.

    Attributes:
        left: float32 (F, V + 1), sparse.
        right: float32 (V + 1, C).
    """

    left: csr_array
    right: Matrix

    def scores(self, encoded_BF: csr_array) -> Values:
        """Score the outputs: float32 (B, C). They equal the weights' scores except for items that the row rates."""
        scores_BC: Values = (encoded_BF @ self.left) @ self.right
        return scores_BC

    def weights(self, pairs: ChannelPairs, check_cancelled: Callable[[], None]) -> Tensor:
        """Multiply the factors: float16 (F, C), without a weight from any item to itself."""
        weights_FC = torch.empty((self.left.shape[0], self.right.shape[1]), dtype=torch.float16)
        for start in range(0, len(weights_FC), BLOCK):
            check_cancelled()
            weights_FC[start : start + BLOCK] = torch.from_numpy(
                _multiply(self.left[start : start + BLOCK], self.right)
            )
        pairs.zero_own_weights(weights_FC)
        return weights_FC


def num_inner(encoded_UF: csr_array) -> int:
    """Count the users (V) in the matrix that would be inverted."""
    return int(np.count_nonzero(np.diff(encoded_UF.indptr) > 2))  # the constant is one entry of each


def solve_by_users(
    encoded_UF: csr_array, pairs: ChannelPairs, penalty: Penalty, check_cancelled: Callable[[], None]
) -> FactoredWeights:
    """Regress every liked item on all other features, as `models.closed_form.ridge.solve` does."""
    inner = _WoodburyTerms.of(encoded_UF, penalty, check_cancelled)
    right_VC = np.empty((inner.inverse.shape[0] + 1, len(pairs.outputs)), np.float32)
    for start in range(0, len(pairs.outputs), BLOCK):
        check_cancelled()
        part = slice(start, start + BLOCK)
        right_VC[:, part] = inner.columns(pairs.liked[part], pairs.disliked[part], pairs.disliked_target)
    border = csr_array(inner.border.astype(np.float32)[:, None])
    constant = csr_array(np.array([[-1]], np.float32))
    return FactoredWeights(block_array([[-inner.scaled, border], [None, constant]], format="csr"), right_VC)


@dataclass(frozen=True, kw_only=True)
class _WoodburyTerms:
    """The terms of Woodbury's identity.

    Attributes:
        scaled: float32 (F - 1, V), DX'.
        inverse: float32 (V, V), (1 + XDX')^-1.
        diagonal: float64 (F - 1,), D.
        border: float64 (F - 1,), the inverse times the constant's column.
        schur_complement: of the constant's diagonal entry.
    """

    scaled: csr_array
    inverse: Matrix
    diagonal: NDArray[np.float64]
    border: NDArray[np.float64]
    schur_complement: float

    @classmethod
    def of(cls, encoded_UF: csr_array, penalty: Penalty, check_cancelled: Callable[[], None]) -> _WoodburyTerms:
        """Compute the terms for these rows and penalties."""
        sums_F, squares_F = _column_sums(encoded_UF)[:-1], _column_sums(encoded_UF**2)[:-1]
        rows_VF = encoded_UF[np.diff(encoded_UF.indptr) > 2][:, :-1]
        single_F = squares_F - _column_sums(rows_VF**2)
        diagonal_F = 1 / (penalty.of_ratings(squares_F) + single_F)
        inverse_VV = gram(_scale_columns(rows_VF, np.sqrt(diagonal_F)).T.tocsr(), check_cancelled)
        np.fill_diagonal(inverse_VV, np.diagonal(inverse_VV) + 1)
        invert(inverse_VV, check_cancelled)
        scaled_FV = _scale_columns(rows_VF, diagonal_F).T.tocsr()
        border_F = diagonal_F * sums_F - scaled_FV @ (inverse_VV @ (scaled_FV.T @ sums_F).astype(np.float32))
        num_users = encoded_UF.shape[0]
        return cls(
            scaled=scaled_FV,
            inverse=inverse_VV,
            diagonal=diagonal_F,
            border=border_F,
            schur_complement=num_users + penalty.of_constant(num_users) - float(sums_F @ border_F),
        )

    def columns(self, liked: Offsets, disliked: Offsets, disliked_target: float) -> Matrix:
        """Return the right factor's columns of some outputs, given the places of their channels: float32 (V + 1, B)."""
        both = np.flatnonzero(disliked >= 0)
        disliked = disliked[both]
        liked_BV, disliked_BV = (_multiply(self.scaled[each], self.inverse) for each in (liked, disliked))
        liked_B = self.diagonal[liked] + self._correction(liked, liked, liked_BV)
        disliked_B, cross_B = np.ones_like(liked_B), np.zeros_like(liked_B)
        disliked_B[both] = self.diagonal[disliked] + self._correction(disliked, disliked, disliked_BV)
        cross_B[both] = self._correction(liked[both], disliked, disliked_BV)
        a_B, b_B = coefficients(liked_B, disliked_B, cross_B, disliked_target)
        columns_BV = np.empty((len(liked), liked_BV.shape[1] + 1), np.float32)
        columns_BV[:, :-1] = liked_BV * a_B[:, None]
        columns_BV[:, -1] = self.border[liked] * a_B / self.schur_complement
        columns_BV[both, :-1] += disliked_BV * b_B[both, None]
        columns_BV[both, -1] += self.border[disliked] * b_B[both] / self.schur_complement
        return columns_BV.T

    def _correction(self, left: Offsets, right: Offsets, right_BV: Matrix) -> NDArray[np.float64]:
        """Return single entries of the whole inverse minus D: float64 (B,)."""
        among_users = self.scaled[left].multiply(right_BV).sum(axis=1, dtype=np.float64)
        explained_B: NDArray[np.float64] = self.border[left] * self.border[right] / self.schur_complement - among_users
        return explained_B


def _scale_columns(rows: csr_array, factor_F: NDArray[np.float64]) -> csr_array:
    """Multiply every column by its own factor."""
    data = rows.data * factor_F.astype(np.float32)[rows.indices]
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)


def _multiply(sparse: csr_array, dense: Matrix) -> Matrix:
    """Multiply with all threads, which scipy does not."""
    places, offsets = (torch.from_numpy(each.astype(np.int64)) for each in (sparse.indices, sparse.indptr[:-1]))
    weights = torch.from_numpy(sparse.data.astype(np.float32, copy=False))
    bags = embedding_bag(places, torch.from_numpy(dense), offsets, mode="sum", per_sample_weights=weights)
    product: Matrix = bags.numpy()
    return product


def _column_sums(encoded: csr_array) -> NDArray[np.float64]:
    """Add up every column: float64 (F,)."""
    return np.bincount(encoded.indices, encoded.data, encoded.shape[1]).astype(np.float64)
