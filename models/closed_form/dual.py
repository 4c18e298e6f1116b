"""The solve of `models.closed_form.ridge` from the side of the users.

It serves where there are fewer users than features: nothing of F x F is ever built.

Let X be the rows of the V users with two ratings or more, without the constant, and D the inverse of the penalties
with the squares of the other users' ratings added. By Woodbury's identity the inverse of X'X + 1/D is
D - DX' (1 + XDX')^-1 XD, and a matrix of (V, V) is all that must be inverted; the constant is a border around it.
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

from models.closed_form.ridge import BLOCK, Matrix, Pairs, Penalty, coefficients, gram, invert
from models.core.interactions import Offsets, Values


@dataclass(frozen=True)
class Product:
    """The weights as a product, quick to score a few users with.

    Attributes:
        left: float32 (F, V + 1), sparse.
        right: float32 (V + 1, C).
    """

    left: csr_array
    right: Matrix

    def scores(self, encoded_BF: csr_array) -> Values:
        """Score the outputs: float32 (B, C). Only those of items that the row rates differ from the weights' own."""
        scores_BC: Values = (encoded_BF @ self.left) @ self.right
        return scores_BC

    def weights(self, pairs: Pairs, check_cancelled: Callable[[], None]) -> Tensor:
        """Multiply out: float16 (F, C), no item with a weight to itself."""
        weights_FC = torch.empty((self.left.shape[0], self.right.shape[1]), dtype=torch.float16)
        for start in range(0, len(weights_FC), BLOCK):
            check_cancelled()
            weights_FC[start : start + BLOCK] = torch.from_numpy(_product(self.left[start : start + BLOCK], self.right))
        pairs.clear(weights_FC)
        return weights_FC


def num_inner(encoded_UF: csr_array) -> int:
    """Count the users (V) whose side would be inverted."""
    return int(np.count_nonzero(np.diff(encoded_UF.indptr) > 2))  # the constant is one entry of each


def solve_by_users(
    encoded_UF: csr_array, pairs: Pairs, penalty: Penalty, check_cancelled: Callable[[], None]
) -> Product:
    """Fit every liked item on all other features, as `models.closed_form.ridge.solve` does."""
    inner = _Inner.of(encoded_UF, penalty, check_cancelled)
    right_VC = np.empty((inner.inverse.shape[0] + 1, len(pairs.outputs)), np.float32)
    for start in range(0, len(pairs.outputs), BLOCK):
        check_cancelled()
        part = slice(start, start + BLOCK)
        right_VC[:, part] = inner.columns(pairs.liked[part], pairs.disliked[part], pairs.disliked_target)
    border = csr_array(inner.border.astype(np.float32)[:, None])
    constant = csr_array(np.array([[-1]], np.float32))
    return Product(block_array([[-inner.scaled, border], [None, constant]], format="csr"), right_VC)


@dataclass(frozen=True)
class _Inner:
    """What the identity needs.

    Attributes:
        scaled: float32 (F - 1, V), DX'.
        inverse: float32 (V, V), (1 + XDX')^-1.
        diagonal: float64 (F - 1,), D.
        border: float64 (F - 1,), the inverse times the constant's own column.
        rest: what the constant's column leaves of its diagonal.
    """

    scaled: csr_array
    inverse: Matrix
    diagonal: NDArray[np.float64]
    border: NDArray[np.float64]
    rest: float

    @classmethod
    def of(cls, encoded_UF: csr_array, penalty: Penalty, check_cancelled: Callable[[], None]) -> _Inner:
        """Invert for these rows and penalties."""
        sums_F, squares_F = _sums(encoded_UF)[:-1], _sums(encoded_UF**2)[:-1]
        rows_VF = encoded_UF[np.diff(encoded_UF.indptr) > 2][:, :-1]
        alone_F = squares_F - _sums(rows_VF**2)
        diagonal_F = 1 / (penalty.of_ratings(squares_F) + alone_F)
        inverse_VV = gram(_times(rows_VF, np.sqrt(diagonal_F)).T.tocsr(), check_cancelled)
        np.fill_diagonal(inverse_VV, np.diagonal(inverse_VV) + 1)
        invert(inverse_VV, check_cancelled)
        scaled_FV = _times(rows_VF, diagonal_F).T.tocsr()
        border_F = diagonal_F * sums_F - scaled_FV @ (inverse_VV @ (scaled_FV.T @ sums_F).astype(np.float32))
        num_users = encoded_UF.shape[0]
        rest = num_users + penalty.of_constant(num_users) - float(sums_F @ border_F)
        return cls(scaled_FV, inverse_VV, diagonal_F, border_F, rest)

    def columns(self, liked: Offsets, disliked: Offsets, disliked_target: float) -> Matrix:
        """Return the right factor's columns of some outputs, by the places of their channels: float32 (V + 1, B)."""
        both = np.flatnonzero(disliked >= 0)
        disliked = disliked[both]
        liked_BV, disliked_BV = (_product(self.scaled[each], self.inverse) for each in (liked, disliked))
        liked_B = self.diagonal[liked] + self._explained(liked, liked, liked_BV)
        disliked_B, cross_B = np.ones_like(liked_B), np.zeros_like(liked_B)
        disliked_B[both] = self.diagonal[disliked] + self._explained(disliked, disliked, disliked_BV)
        cross_B[both] = self._explained(liked[both], disliked, disliked_BV)
        a_B, b_B = coefficients(liked_B, disliked_B, cross_B, disliked_target)
        columns_BV = np.empty((len(liked), liked_BV.shape[1] + 1), np.float32)
        columns_BV[:, :-1] = liked_BV * a_B[:, None]
        columns_BV[:, -1] = self.border[liked] * a_B / self.rest
        columns_BV[both, :-1] += disliked_BV * b_B[both, None]
        columns_BV[both, -1] += self.border[disliked] * b_B[both] / self.rest
        return columns_BV.T

    def _explained(self, left: Offsets, right: Offsets, right_BV: Matrix) -> NDArray[np.float64]:
        """Return single entries of the whole inverse less D: float64 (B,)."""
        among_users = self.scaled[left].multiply(right_BV).sum(axis=1, dtype=np.float64)
        explained_B: NDArray[np.float64] = self.border[left] * self.border[right] / self.rest - among_users
        return explained_B


def _times(rows: csr_array, factor_F: NDArray[np.float64]) -> csr_array:
    """Multiply every column by a number of its own."""
    data = rows.data * factor_F.astype(np.float32)[rows.indices]
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)


def _product(sparse: csr_array, dense: Matrix) -> Matrix:
    """Multiply on all threads, which scipy does not."""
    places, offsets = (torch.from_numpy(each.astype(np.int64)) for each in (sparse.indices, sparse.indptr[:-1]))
    weights = torch.from_numpy(sparse.data.astype(np.float32, copy=False))
    bags = embedding_bag(places, torch.from_numpy(dense), offsets, mode="sum", per_sample_weights=weights)
    product: Matrix = bags.numpy()
    return product


def _sums(encoded: csr_array) -> NDArray[np.float64]:
    """Add every column up: float64 (F,)."""
    return np.bincount(encoded.indices, encoded.data, encoded.shape[1]).astype(np.float64)
