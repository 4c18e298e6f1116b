"""The solve behind the `linear` kind: a ridge regression of every item on all the others, from the Gram matrix.

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020 (EDLAE), sections 2 and 3; here
with two input channels an item, both barred from predicting it, and a constant input.
Shape letters: U users, I items, F = 2 I + 1 features: liked item, disliked item, the constant 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array

from models.interactions import Indices, Interactions, Offsets, Rows, Values

Matrix = NDArray[np.float32]
BLOCK = 1_024  # rows worked on at once, so that no second matrix of F x F is needed


def features_of(columns: Indices, values: Values, like_threshold: float, num_items: int) -> Offsets:
    """Map ratings to input features: int64 (E,), column i if liked, I + i if not."""
    return np.where(values >= like_threshold, columns, columns + np.int64(num_items)).astype(np.int64)


def feature_rows(rows: Rows, like_threshold: float, num_items: int) -> csr_array:
    """Encode rows as sparse features with the constant as the last one: float32 (U, F)."""
    features = features_of(rows.columns, rows.values, like_threshold, num_items)
    constant = np.full(len(rows), 2 * num_items)
    return csr_array(
        (
            np.ones(rows.num_ratings + len(rows), np.float32),
            np.insert(features, rows.offsets[1:], constant),
            rows.offsets + np.arange(len(rows) + 1),
        ),
        shape=(len(rows), 2 * num_items + 1),
    )


def gram(encoded_UF: csr_array, tick: Callable[[], None]) -> Matrix:
    """Multiply X'X: float32 (F, F), dense, block by block so that no sparse product of its size is held."""
    transposed_FU = encoded_UF.T.tocsr()
    num_features = encoded_UF.shape[1]
    gram_FF = np.empty((num_features, num_features), np.float32)
    for start in range(0, num_features, BLOCK):
        tick()
        (transposed_FU[start : start + BLOCK] @ encoded_UF).toarray(out=gram_FF[start : start + BLOCK])
    return gram_FF


def solve(gram_FF: Matrix, dropout: float, regularisation: float, tick: Callable[[], None]) -> Matrix:
    """Fit every item on all the others: float32 (F, I). ``gram_FF`` is overwritten.

    With P = (G + L)^-1 and L = diag(G) p / (1 - p) + regularisation, the weights of item i are
    e_i - P[:, i] a_i - P[:, I + i] b_i, where a_i and b_i make rows i and I + i of them zero.

    Args:
        gram_FF: X'X of the training users.
        dropout: p, the share of inputs whose absence is trained for, 0..1 (exclusive).
        regularisation: ridge penalty of every weight but the constant's.
        tick: called between the blocks.
    """
    num_items = len(gram_FF) // 2
    penalty = np.diagonal(gram_FF) * np.float32(dropout / (1 - dropout)) + np.float32(regularisation)
    penalty[-1] = 1.0
    np.fill_diagonal(gram_FF, np.diagonal(gram_FF) + penalty)
    invert(gram_FF, tick)
    return _constrained(gram_FF, num_items, tick)


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


def _constrained(inverse_FF: Matrix, num_items: int, tick: Callable[[], None]) -> Matrix:
    """Combine the columns of P so that no item predicts itself: float32 (F, I)."""
    items = np.arange(num_items)
    liked_I = inverse_FF[items, items].astype(np.float64)
    disliked_I = inverse_FF[items + num_items, items + num_items].astype(np.float64)
    both_I = inverse_FF[items, items + num_items].astype(np.float64)
    determinant_I = liked_I * disliked_I - both_I**2
    a_I = (disliked_I / determinant_I).astype(np.float32)
    b_I = (-both_I / determinant_I).astype(np.float32)
    weights_FI = np.empty((len(inverse_FF), num_items), np.float32)
    for start in range(0, len(inverse_FF), BLOCK):
        tick()
        rows = slice(start, start + BLOCK)
        np.multiply(inverse_FF[rows, :num_items], -a_I, out=weights_FI[rows])
        weights_FI[rows] -= inverse_FF[rows, num_items:-1] * b_I
    weights_FI[items, items] = 0
    weights_FI[items + num_items, items] = 0
    return weights_FI


def encode(train: Interactions) -> csr_array:
    """Encode the training users: float32 (U, F)."""
    return feature_rows(train.rows, train.scale.like_threshold, train.num_items)
