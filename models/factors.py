"""What the biases leave of a rating, as a low-rank linear autoencoder: a ridge solve encodes, a product decodes.

Source: Zhou et al., "Large-Scale Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008
(alternating ridge solves); the encoder is the last of those solves, so a user whom training never saw is encoded too.
Shape letters: B users in a batch, I items, E ratings in a batch, D factors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, from_numpy, tensor

from models.interactions import Indices, Rows, Values
from models.weighted import Cells, Side, descend, solve

ROUNDS = 6  # of alternating; eight lower the error by less than .001
STEPS = 3  # of conjugate gradients a round; a fourth changes nothing
PRIOR = 30.0  # ratings that every row is penalised for on top of its own: short rows are trusted less


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
        cells = cells_of(rows, residuals, len(self.item))
        code: Values = solve(cells, _side(from_numpy(self.item)), _ridge(cells, self.penalty)).numpy()
        return code

    def encode_row(self, columns: Indices, residuals: Values) -> Values:
        """Encode one user: float32 (D,), as `encode` does."""
        items_ED = self.item[columns].astype(np.float64)
        gram_DD = items_ED.T @ items_ED
        np.fill_diagonal(gram_DD, np.diagonal(gram_DD) + self.penalty_of(len(columns)))
        return np.linalg.solve(gram_DD, items_ED.T @ residuals).astype(np.float32)

    def penalty_of(self, num_ratings: int) -> float:
        """Give the ridge of one row of so many ratings."""
        return self.penalty * (num_ratings + PRIOR)

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
    by_user = cells_of(rows, residuals, num_items)
    by_item = by_user.transposed()
    start = np.random.default_rng(seed).normal(0, 0.1, (num_items, num_factors)).astype(np.float32)
    item_ID = from_numpy(start * (by_item.counts > 0)[:, None])
    user_UD = torch.zeros(len(rows), num_factors)
    for _ in range(ROUNDS):
        user_UD = descend(by_user, _side(item_ID), _ridge(by_user, penalty), user_UD, STEPS, tick)
        item_ID = descend(by_item, _side(user_UD), _ridge(by_item, penalty), item_ID, STEPS, tick)
    return Factors(item_ID.numpy(), penalty)


def cells_of(rows: Rows, residuals: Values, num_items: int) -> Cells:
    """Take residuals as targets, each with weight 1: (B, I)."""
    return Cells(rows.offsets, from_numpy(rows.columns), tensor(1.0), from_numpy(residuals), num_items)


def _side(factors_ND: Tensor) -> Side:
    """Cells that are not rated count nothing."""
    return Side(factors_ND, torch.zeros(factors_ND.shape[1]))


def _ridge(cells: Cells, penalty: float) -> Tensor:
    return from_numpy((penalty * (cells.counts + PRIOR)).astype(np.float32))
