"""The solve behind the `linear` kind: a ridge regression of every item on all the others, from the Gram matrix.

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020 (EDLAE), sections 2 and 3; here
with two input channels an item, both barred from predicting it, and a constant input.
Shape letters: U users, I items, C items that anybody liked,
F features: item liked, item disliked, as far as they occur, and the constant 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array

from models.interactions import Indices, Offsets, Rows, Values

Matrix = NDArray[np.float32]
CONSTANT_PENALTY = 1.0
FEW_USERS = 2  # features for each user, from which on the users' side is the cheaper one to invert
BLOCK = 1_024  # rows worked on at once, so that no second matrix of F x F is needed


def features_of(columns: Indices, values: Values, like_threshold: float, num_items: int) -> Offsets:
    """Map ratings to input features: int64 (E,), column i if liked, I + i if not."""
    return np.where(values >= like_threshold, columns, columns + np.int64(num_items)).astype(np.int64)


@dataclass(frozen=True)
class Pairs:
    """The features a model has: those that occurred in training.

    Attributes:
        inputs: int64 (F,), each feature as column i (item i liked) or I + i (not); 2 I, the constant, comes last.
        outputs: int64 (C,), the items that anybody liked: the others cannot be told from one another.
        liked: int64 (C,), place in ``inputs`` of each output's liked channel.
        disliked: int64 (C,), place of its disliked channel, -1 where nobody disliked it.
    """

    inputs: Offsets
    outputs: Offsets
    liked: Offsets
    disliked: Offsets

    @classmethod
    def of(cls, inputs: Offsets, num_items: int) -> Pairs:
        """Pair the channels of the items that were liked."""
        outputs = inputs[inputs < num_items]
        place = np.searchsorted(inputs, outputs + num_items)
        found = inputs[place] == outputs + num_items
        return cls(inputs, outputs, np.arange(len(outputs)), np.where(found, place, -1))


def encode(rows: Rows, like_threshold: float, num_items: int) -> tuple[csr_array, Offsets]:
    """Encode rows over the features that occur, the constant last.

    Returns:
        float32 (U, F), and ``inputs`` of `Pairs`.
    """
    features = features_of(rows.columns, rows.values, like_threshold, num_items)
    occurring = np.flatnonzero(np.bincount(features, minlength=2 * num_items + 1))
    inputs = np.append(occurring, 2 * num_items)
    with_constant = np.insert(features, rows.offsets[1:], 2 * num_items)
    encoded_UF = csr_array(
        (
            np.ones(len(with_constant), np.float32),
            np.searchsorted(inputs, with_constant),
            rows.offsets + np.arange(len(rows) + 1),
        ),
        shape=(len(rows), len(inputs)),
    )
    return encoded_UF, inputs


def gram(encoded_UF: csr_array, tick: Callable[[], None]) -> Matrix:
    """Multiply X'X: float32 (F, F), dense, block by block so that no sparse product of its size is held."""
    transposed_FU = encoded_UF.T.tocsr()
    num_features = encoded_UF.shape[1]
    gram_FF = np.empty((num_features, num_features), np.float32)
    for start in range(0, num_features, BLOCK):
        tick()
        (transposed_FU[start : start + BLOCK] @ encoded_UF).toarray(out=gram_FF[start : start + BLOCK])
    return gram_FF


def solve(
    gram_FF: Matrix,
    pairs: Pairs,
    dropout: float,
    regularisation: float,
    tick: Callable[[], None],
    encoded_UF: csr_array | None = None,
) -> Matrix:
    """Fit every liked item on all other features: float32 (F, C). ``gram_FF`` is overwritten.

    With P = (G + L)^-1 and L = diag(G) p / (1 - p) + regularisation, the weights of an item are
    e - P[:, liked] a - P[:, disliked] b, where a and b make its own two rows zero.

    Args:
        gram_FF: X'X of the training users.
        pairs: which features are the two channels of each output.
        dropout: p, the share of inputs whose absence is trained for, 0..1 (exclusive).
        regularisation: ridge penalty of every weight but the constant's.
        tick: called between the blocks.
        encoded_UF: the rows behind the Gram matrix: where users are few, a matrix of their number is inverted instead.
    """
    penalty = np.diagonal(gram_FF) * np.float32(dropout / (1 - dropout)) + np.float32(regularisation)
    penalty[-1] = CONSTANT_PENALTY
    if encoded_UF is not None and encoded_UF.shape[0] * FEW_USERS < len(gram_FF):
        invert_by_users(encoded_UF, penalty, gram_FF, tick)
    else:
        np.fill_diagonal(gram_FF, np.diagonal(gram_FF) + penalty)
        invert(gram_FF, tick)
    return _constrained(gram_FF, pairs, tick)


def invert(matrix: Matrix, tick: Callable[[], None]) -> None:
    """Invert a symmetric positive definite matrix in its own memory."""
    column_major = matrix.T  # the same memory, as LAPACK wants it
    factor, failed = lapack.spotrf(column_major, lower=1, overwrite_a=1, clean=0)
    tick()
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    tick()
    if failed or failed_too:
        raise ValueError("the Gram matrix is not positive definite: raise the regularisation")
    if inverse.base is not matrix and not np.shares_memory(inverse, matrix):
        column_major[:] = inverse
    for start in range(0, len(matrix), BLOCK):  # LAPACK fills one triangle
        stop = start + BLOCK
        diagonal = np.triu(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = diagonal + np.triu(diagonal, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T


def invert_by_users(encoded_UF: csr_array, penalty_F: Values, out_FF: Matrix, tick: Callable[[], None]) -> None:
    """Invert X'X + L by Woodbury's identity, with one inverse of the size of the users (U, U)."""
    inverse_F = (1 / penalty_F).astype(np.float32)
    scaled_UF = csr_array(encoded_UF.multiply(inverse_F))
    inner_UU = (scaled_UF @ encoded_UF.T).toarray().astype(np.float64)
    np.fill_diagonal(inner_UU, np.diagonal(inner_UU) + 1)
    inner_UU = np.linalg.inv(inner_UU).astype(np.float32)
    transposed_FU = scaled_UF.T.tocsr()
    for start in range(0, len(penalty_F), BLOCK):
        tick()
        block_BU = transposed_FU[start : start + BLOCK] @ inner_UU
        np.negative((transposed_FU @ np.ascontiguousarray(block_BU.T)).T, out=out_FF[start : start + BLOCK])
    np.fill_diagonal(out_FF, np.diagonal(out_FF) + inverse_F)


def _constrained(inverse_FF: Matrix, pairs: Pairs, tick: Callable[[], None]) -> Matrix:
    """Combine the columns of P so that no item predicts itself: float32 (F, C)."""
    both = pairs.disliked >= 0
    disliked = pairs.disliked[both]
    liked_C = inverse_FF[pairs.liked, pairs.liked].astype(np.float64)
    disliked_C, cross_C = np.ones_like(liked_C), np.zeros_like(liked_C)
    disliked_C[both] = inverse_FF[disliked, disliked]
    cross_C[both] = inverse_FF[pairs.liked[both], disliked]
    determinant_C = liked_C * disliked_C - cross_C**2
    a_C = (-disliked_C / determinant_C).astype(np.float32)
    b_C = (cross_C / determinant_C).astype(np.float32)[both]
    weights_FC = np.empty((len(inverse_FF), len(pairs.liked)), np.float32)
    for start in range(0, len(inverse_FF), BLOCK):
        tick()
        rows = inverse_FF[start : start + BLOCK]
        block_FC = rows[:, pairs.liked] * a_C
        block_FC[:, both] += rows[:, disliked] * b_C
        weights_FC[start : start + BLOCK] = block_FC
    outputs = np.arange(len(pairs.liked))
    weights_FC[pairs.liked, outputs] = 0
    weights_FC[disliked, outputs[both]] = 0
    return weights_FC
