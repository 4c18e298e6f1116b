"""What the biases leave of a rating, as a low-rank linear autoencoder: a ridge solve encodes, a product decodes.

Source: Zhou et al., "Large-Scale Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008
(alternating ridge solves); the encoder is the last of those solves, so a user whom training never saw is encoded too.
Shape letters: B users in a batch, I items, E ratings in a batch, D factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from torch import Tensor, from_numpy, tensor

from models.interactions import Indices, Rows, Values

ROUNDS = 8  # of alternating; more do not lower the validation error
PRIOR = 30.0  # ratings that every row is penalised for on top of its own: short rows are trusted less
BLOCK = 4_096  # rows solved at once


@dataclass(frozen=True)
class Factors:
    """Item factors and the penalty of the encoder.

    Attributes:
        item: float32 (I, D), 0 for an item without ratings.
        penalty: ridge penalty for each rating of a row, and for `PRIOR` more.
    """

    item: Values
    penalty: float

    def encode(self, rows: Rows, residuals: Values) -> Values:
        """Encode users: float32 (B, D)."""
        shape = (len(rows), len(self.item))
        return _solve(csr_array((residuals, rows.columns, rows.offsets), shape=shape), self.item, self.penalty)

    def encode_row(self, columns: Indices, residuals: Values) -> Values:
        """Encode one user: float32 (D,), as `encode` does."""
        items_ED = self.item[columns].astype(np.float64)
        gram_DD = items_ED.T @ items_ED
        np.fill_diagonal(gram_DD, np.diagonal(gram_DD) + self.penalty * (len(columns) + PRIOR))
        return np.linalg.solve(gram_DD, items_ED.T @ residuals).astype(np.float32)

    def tensors(self) -> dict[str, Tensor]:
        """Give the factors under the names that `from_tensors` reads."""
        return {"factors": from_numpy(self.item), "factor_penalty": tensor([self.penalty]).double()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Factors:
        """Build from what `tensors` gave."""
        return cls(tensors["factors"].numpy(), float(tensors["factor_penalty"]))


def fit_factors(
    rows: Rows, residuals: Values, num_items: int, num_factors: int, penalty: float, seed: int, tick: Callable[[], None]
) -> Factors:
    """Alternate between the users' and the items' ridge solves, over rated cells alone."""
    by_user = csr_array((residuals, rows.columns, rows.offsets), shape=(len(rows), num_items))
    by_item = by_user.T.tocsr()
    start = np.random.default_rng(seed).normal(0, 0.1, (num_items, num_factors)).astype(np.float32)
    item = start * (np.diff(by_item.indptr) > 0)[:, None]
    for _ in range(ROUNDS):
        tick()
        user = _solve(by_user, item, penalty)
        tick()
        item = _solve(by_item, user, penalty)
    return Factors(item, penalty)


def _solve(ratings: csr_array, other_ND: Values, penalty: float) -> Values:
    """Ridge solve of every row on the factors of the other side: float32 (rows, D)."""
    num_factors = other_ND.shape[1]
    wide_ND = other_ND.astype(np.float64)
    outer = (wide_ND[:, :, None] * wide_ND[:, None, :]).reshape(len(wide_ND), num_factors**2)
    solved = np.empty((ratings.shape[0], num_factors), np.float32)
    for start in range(0, len(solved), BLOCK):
        block = ratings[start : start + BLOCK].astype(np.float64)
        seen = csr_array((np.ones_like(block.data), block.indices, block.indptr), shape=block.shape)
        gram_BDD = (seen @ outer).reshape(-1, num_factors, num_factors)
        ridge_B = penalty * (np.diff(block.indptr) + PRIOR)
        gram_BDD += ridge_B[:, None, None] * np.eye(num_factors)
        solved[start : start + BLOCK] = np.linalg.solve(gram_BDD, (block @ wide_ND)[:, :, None])[:, :, 0]
    return solved
