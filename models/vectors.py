"""Item vectors: what a model knows of items, so that a cosine says how alike two of them are.

Shape letters: I items, D dimensions of a vector; of a product, R rows and N columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.interactions import Values

WIDTH = 128  # D of vectors that have been shortened
MOST_ROWS = 2_048  # of a matrix whose columns are shortened
BLOCK = 1_024  # rows turned into float32 at once
FAINT = np.float32(1e-4)  # of the longest vector: a shorter one says nothing


def directions(vectors_ID: Values) -> Values:
    """Give vectors length 1, measured from their mean: float32 (I, D); one that says nothing is all 0.

    What all items have in common is in the mean, and would make all of them alike.
    """
    length_I = np.linalg.norm(vectors_ID, axis=1)
    says_I = length_I > FAINT * length_I.max(initial=0)
    if says_I.sum() < 2:
        return np.zeros(vectors_ID.shape, np.float32)
    centred_ID: Values = vectors_ID - vectors_ID[says_I].mean(axis=0)
    centred_ID[~says_I] = 0
    length_I = np.linalg.norm(centred_ID, axis=1, keepdims=True)
    centred_ID /= np.maximum(length_I, np.finfo(np.float32).tiny)
    return centred_ID


def joined(parts: Sequence[Values]) -> Values:
    """Put vectors of several models side by side, so that the cosine is the mean of theirs: float32 (I, sum of D)."""
    return np.hstack(parts) / np.float32(len(parts) ** 0.5)


def principal(weights_RN: Tensor) -> Values:
    """Shorten the columns of a matrix to their parts along its principal directions: float32 (N, at most `WIDTH`).

    Of many rows the `MOST_ROWS` largest are looked at: the others, of items with few ratings, change little.

    Source: Halko, Martinsson & Tropp, "Finding Structure with Randomness", SIAM Review 2011, algorithms 4.4 and 5.1,
    with one power iteration and a fixed seed. A random projection alone blurs neighbours (docs/experiments.md).
    """
    if len(weights_RN) > MOST_ROWS:
        size_R = np.concatenate([np.square(block).sum(axis=1) for block in _blocks(weights_RN)])
        weights_RN = weights_RN[torch.from_numpy(np.sort(np.argsort(-size_R)[:MOST_ROWS]))]
    num_rows, num_columns = weights_RN.shape
    width = min(WIDTH, num_rows, num_columns)
    drawn_RD = np.random.default_rng(0).normal(size=(num_rows, width)).astype(np.float32)
    basis_ND = _orthonormal(_down(weights_RN, drawn_RD))
    basis_ND = _orthonormal(_down(weights_RN, _across(weights_RN, basis_ND)))
    seen_RD = _across(weights_RN, basis_ND)
    values_D, turn_DD = np.linalg.eigh(seen_RD.T.astype(np.float64) @ seen_RD)
    scaled_DD = turn_DD * np.sqrt(np.maximum(values_D, 0))
    short_ND: Values = (basis_ND @ scaled_DD.astype(np.float32))[:, ::-1]
    return short_ND


def spread(codes_ND: Values) -> Values:
    """Give the directions in which codes differ, each as long as they do: float32 (D, at most `WIDTH`)."""
    centred_ND = codes_ND - codes_ND.mean(axis=0)
    values_D, turn_DD = np.linalg.eigh(centred_ND.T.astype(np.float64) @ centred_ND / max(1, len(codes_ND)))
    longest = slice(None, -WIDTH - 1, -1)
    spread_DD: Values = (turn_DD * np.sqrt(np.maximum(values_D, 0)))[:, longest].astype(np.float32)
    return spread_DD


def _orthonormal(vectors_ND: Values) -> Values:
    basis_ND: Values = np.linalg.qr(vectors_ND)[0]
    return basis_ND


def _across(weights_RN: Tensor, vectors_ND: Values) -> Values:
    """Multiply from the right, some rows at a time: float32 (R, D)."""
    return np.concatenate([block @ vectors_ND for block in _blocks(weights_RN)])


def _down(weights_RN: Tensor, vectors_RD: Values) -> Values:
    """Multiply the transpose from the right, some rows at a time: float32 (N, D)."""
    total_ND = np.zeros((weights_RN.shape[1], vectors_RD.shape[1]), np.float32)
    for number, block in enumerate(_blocks(weights_RN)):
        total_ND += block.T @ vectors_RD[number * BLOCK : (number + 1) * BLOCK]
    return total_ND


def _blocks(weights_RN: Tensor) -> Iterator[Values]:
    return (weights_RN[start : start + BLOCK].float().numpy() for start in range(0, len(weights_RN), BLOCK))
