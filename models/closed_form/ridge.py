"""The solve of the `linear` kind: a ridge regression of every item on all the others, from the Gram matrix.

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020 (EDLAE), sections 2 and 3; here
with one or two inputs per item (`models.closed_form.encoding`), which may not predict that item, and a constant input.
Shape letters: U users, I items, C items that have an output,
F features: item liked, item disliked or item graded, those that occur, and the constant 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import blas, lapack
from scipy.sparse import csr_array
from torch import Tensor

from models.core.interactions import Offsets

Matrix = NDArray[np.float32]
PerOutput = NDArray[np.float64]
MIN_CONSTANT = 1.0  # penalty of the constant, before the part that grows with the users
USERS = 256  # made dense at once
DENSE_ENOUGH = 300  # multiplications of a dense product in the time of one of a sparse product
BLOCK = 1_024  # rows worked on at once, so that no second matrix of F x F is needed


@dataclass(frozen=True)
class ChannelPairs:
    """The features of a model, those that occurred in training, paired by item.

    Attributes:
        inputs: int64 (F,), columns of `models.closed_form.encoding.Encoding`; the constant comes last.
        outputs: int64 (C,), the items that at least one user liked, or graded; the others are indistinguishable.
        liked: int64 (C,), place in ``inputs`` of each output's liked or graded channel, which is its target.
        disliked: int64 (C,), place of its disliked channel, -1 if there is none.
        disliked_target: target where the item was disliked; where it was liked the target is 1.
    """

    inputs: Offsets
    outputs: Offsets
    liked: Offsets
    disliked: Offsets
    _: KW_ONLY
    disliked_target: float

    @classmethod
    def of(cls, inputs: Offsets, num_items: int, disliked_target: float) -> ChannelPairs:
        """Pair the channels of the items that were liked."""
        outputs = inputs[inputs < num_items]
        place = np.searchsorted(inputs, outputs + num_items)
        found = inputs[place] == outputs + num_items
        liked, disliked = np.arange(len(outputs)), np.where(found, place, -1)
        return cls(inputs, outputs, liked, disliked, disliked_target=disliked_target)

    def zero_own_weights(self, weights_FC: Tensor) -> None:
        """Set each output's weights from its own channels to exactly 0."""
        outputs, both = np.arange(len(self.outputs)), self.disliked >= 0
        weights_FC[self.liked, outputs] = 0
        weights_FC[self.disliked[both], outputs[both]] = 0


def gram(encoded_UF: csr_array, check_cancelled: Callable[[], None]) -> Matrix:
    """Compute X'X: float32 (F, F), dense, block by block so that no second matrix of its size is held."""
    num_users, num_features = encoded_UF.shape
    num_products = float((np.diff(encoded_UF.indptr).astype(np.float64) ** 2).sum())
    if num_users * num_features**2 < DENSE_ENOUGH * num_products:
        return _dense_gram(encoded_UF, check_cancelled)
    transposed_FU = encoded_UF.T.tocsr()
    gram_FF = np.empty((num_features, num_features), np.float32)
    for start in range(0, num_features, BLOCK):
        check_cancelled()
        (transposed_FU[start : start + BLOCK] @ encoded_UF).toarray(out=gram_FF[start : start + BLOCK])
    return gram_FF


def _dense_gram(encoded_UF: csr_array, check_cancelled: Callable[[], None]) -> Matrix:
    """Compute X'X from dense batches of users."""
    num_users, num_features = encoded_UF.shape
    gram_FF = np.zeros((num_features, num_features), np.float32)
    for start in range(0, num_users, USERS):
        check_cancelled()
        columns_FB = encoded_UF[start : start + USERS].toarray().T
        blas.ssyrk(1.0, columns_FB, beta=1.0, c=gram_FF.T, lower=1, overwrite_c=1)
    _mirror(gram_FF)
    return gram_FF


class Penalty(NamedTuple):
    """Ridge penalties of the weights.

    Attributes:
        dropout: p, the share of inputs dropped in training, 0..1 (exclusive).
        regularisation: of every weight but the constant's.
        constant: of the constant's weights, for each training user, on top of `MIN_CONSTANT`.
    """

    dropout: float
    regularisation: float
    constant: float = 0.0

    def of_ratings(self, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the penalty of each feature from its sum of squares, the diagonal of X'X: float64 (F,)."""
        return squares * (self.dropout / (1 - self.dropout)) + self.regularisation

    def of_constant(self, num_users: float) -> float:
        """Return the penalty of the constant, never 0, so that the matrix can be inverted."""
        return MIN_CONSTANT + self.constant * num_users


def solve(gram_FF: Matrix, pairs: ChannelPairs, penalty: Penalty, check_cancelled: Callable[[], None]) -> Tensor:
    """Regress every liked item on all other features: float16 (F, C). ``gram_FF`` is overwritten.

    With P = (G + L)^-1 and L = diag(G) p / (1 - p) + regularisation (the constant has its own), the weights of an item
    are its targets - P[:, liked] a - P[:, disliked] b, where a and b make its own two rows zero.

    Args:
        gram_FF: X'X of the training users.
        pairs: the features that are the two channels of each output.
        penalty: of the weights.
        check_cancelled: called between the blocks.
    """
    squares_F = np.diagonal(gram_FF).astype(np.float64)
    penalty_F = penalty.of_ratings(squares_F)
    penalty_F[-1] = penalty.of_constant(squares_F[-1])
    np.fill_diagonal(gram_FF, squares_F + penalty_F)
    invert(gram_FF, check_cancelled)
    return _constrain(gram_FF, pairs, check_cancelled)


def invert(matrix: Matrix, check_cancelled: Callable[[], None]) -> None:
    """Invert a symmetric positive definite matrix in place.

    Raises:
        ValueError: if it is not positive definite.
    """
    if not len(matrix):
        return
    column_major = matrix.T  # the same memory, as LAPACK wants it
    factor, failed = lapack.spotrf(column_major, lower=1, overwrite_a=1, clean=0)
    check_cancelled()
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    check_cancelled()
    if failed or failed_too:
        raise ValueError("the Gram matrix is not positive definite: raise the regularisation")
    if inverse.base is not matrix and not np.shares_memory(inverse, matrix):
        column_major[:] = inverse
    _mirror(matrix)


def _mirror(matrix: Matrix) -> None:
    """Copy the upper triangle to the lower one: LAPACK and BLAS fill only one."""
    for start in range(0, len(matrix), BLOCK):
        stop = start + BLOCK
        diagonal = np.triu(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = diagonal + np.triu(diagonal, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T


def coefficients(
    liked_C: PerOutput, disliked_C: PerOutput, cross_C: PerOutput, disliked_target: float
) -> tuple[PerOutput, PerOutput]:
    """Compute -a and -b of each output from the entries of P at its own two channels: float64 (C,) each."""
    determinant_C = liked_C * disliked_C - cross_C**2
    a_C = (disliked_C - disliked_target * cross_C) / determinant_C
    b_C = (disliked_target * liked_C - cross_C) / determinant_C
    return -a_C, -b_C


def _constrain(inverse_FF: Matrix, pairs: ChannelPairs, check_cancelled: Callable[[], None]) -> Tensor:
    """Combine the columns of P so that no item predicts itself: float16 (F, C)."""
    both = pairs.disliked >= 0
    disliked = pairs.disliked[both]
    liked_C = inverse_FF[pairs.liked, pairs.liked].astype(np.float64)
    disliked_C, cross_C = np.ones_like(liked_C), np.zeros_like(liked_C)
    disliked_C[both] = inverse_FF[disliked, disliked]
    cross_C[both] = inverse_FF[pairs.liked[both], disliked]
    a_C, b_C = (each.astype(np.float32) for each in coefficients(liked_C, disliked_C, cross_C, pairs.disliked_target))
    weights_FC = torch.empty((len(inverse_FF), len(pairs.liked)), dtype=torch.float16)
    for start in range(0, len(inverse_FF), BLOCK):
        check_cancelled()
        rows = inverse_FF[start : start + BLOCK]
        block_FC = rows[:, pairs.liked] * a_C
        block_FC[:, both] += rows[:, disliked] * b_C[both]
        weights_FC[start : start + BLOCK] = torch.from_numpy(block_FC)
    pairs.zero_own_weights(weights_FC)
    return weights_FC
