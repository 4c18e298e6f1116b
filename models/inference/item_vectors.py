"""Item vectors: what a model has learned about items, with cosine as similarity.

Shape letters: I items, D dimensions of a vector; of a product, R rows and N columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Values

WIDTH = 128  # D of projected vectors
MAX_ROWS = 2_048  # rows kept of a matrix whose columns are projected; the others, of rarely rated items, change little
MIN_LENGTH = np.float32(1e-4)  # of a vector with information, in lengths of the longest


def unit_vectors(vectors_ID: Values) -> Values:
    """Centre vectors and scale them to length 1: float32 (I, D); one without information becomes 0.

    The mean holds what all items have in common, and would make all of them similar.
    """
    length_I = np.linalg.norm(vectors_ID, axis=1)
    informative_I = length_I > MIN_LENGTH * length_I.max(initial=0)
    if informative_I.sum() < 2:
        return np.zeros(vectors_ID.shape, np.float32)
    centred_ID: Values = vectors_ID - vectors_ID[informative_I].mean(axis=0)
    centred_ID[~informative_I] = 0
    length_I = np.linalg.norm(centred_ID, axis=1, keepdims=True)
    centred_ID /= np.maximum(length_I, np.finfo(np.float32).tiny)
    return centred_ID


def join_vectors(parts: Sequence[Values]) -> Values:
    """Concatenate vectors of several models, so that the cosine is the mean of theirs: float32 (I, sum of D)."""
    return np.hstack(parts) / np.float32(len(parts) ** 0.5)


def largest_rows(sizes_R: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of the `MAX_ROWS` largest rows, ascending; the others belong to rarely rated items."""
    return np.sort(np.argsort(-sizes_R)[:MAX_ROWS])


def principal_components(weights_RN: Values) -> Values:
    """Project the columns of a matrix onto its principal directions: float32 (N, at most `WIDTH`).

    Source: Halko, Martinsson & Tropp, "Finding Structure with Randomness", SIAM Review 2011, algorithms 4.4 and 5.1,
    with one power iteration and a fixed seed. A random projection alone blurs neighbours
    (docs/explanation/experiments.md).
    """
    num_rows, num_columns = weights_RN.shape
    width = min(WIDTH, num_rows, num_columns)
    drawn_RD = np.random.default_rng(0).normal(size=(num_rows, width)).astype(np.float32)
    basis_ND = _orthonormal(weights_RN.T @ drawn_RD)
    basis_ND = _orthonormal(weights_RN.T @ (weights_RN @ basis_ND))
    seen_RD = weights_RN @ basis_ND
    values_D, turn_DD = np.linalg.eigh(seen_RD.T.astype(np.float64) @ seen_RD)
    scaled_DD = turn_DD * np.sqrt(np.maximum(values_D, 0))
    short_ND: Values = (basis_ND @ scaled_DD.astype(np.float32))[:, ::-1]
    return short_ND


def scaled_axes(codes_ND: Values) -> Values:
    """Return the principal axes of codes, scaled by standard deviation: float32 (D, at most `WIDTH`)."""
    centred_ND = codes_ND - codes_ND.mean(axis=0)
    values_D, turn_DD = np.linalg.eigh(centred_ND.T.astype(np.float64) @ centred_ND / max(1, len(codes_ND)))
    longest = slice(None, -WIDTH - 1, -1)
    axes_DD: Values = (turn_DD * np.sqrt(np.maximum(values_D, 0)))[:, longest].astype(np.float32)
    return axes_DD


def _orthonormal(vectors_ND: Values) -> Values:
    basis_ND: Values = np.linalg.qr(vectors_ND)[0]
    return basis_ND
