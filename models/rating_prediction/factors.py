"""The residuals of the biases as a low-rank linear autoencoder: a ridge solve encodes, a product decodes.

Source: Zhou et al., "Large-Scale Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008
(alternating ridge solves); the encoder is the last of those solves, so it encodes users who were not in the training
data too.
Shape letters: B users in a batch, U training users, I items, E ratings in a batch, D factors, F factors and a bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, from_numpy, tensor

from models.closed_form.als import Cells, Side, descend, solve
from models.core.interactions import Indices, Rows, Values
from models.rating_prediction.biases import Biases
from models.rating_prediction.implicit_prior import ImplicitPrior

ROUNDS = 8  # of alternating
STEPS = 2  # of conjugate gradients a round; a third changes nothing
PRIOR = 100.0  # ratings added to every row's count in its penalty, which shrinks short rows more
LEGACY_PRIOR = 30.0  # of models stored without one


@dataclass(frozen=True)
class Factors:
    """Item factors and the penalty of the encoder.

    Attributes:
        item: float32 (I, D), 0 for an item without ratings.
        penalty: ridge penalty per rating of a row.
        prior: ratings added to the row's own in its penalty.
    """

    item: Values
    penalty: float
    prior: float

    def encode(self, rows: Rows, residuals: Values) -> Values:
        """Encode a batch of users: float32 (B, D)."""
        cells = cells_of(rows, residuals, len(self.item))
        code: Values = solve(cells, _side(from_numpy(self.item)), _ridge(cells, self.penalty, self.prior)).numpy()
        return code

    def encode_row(self, columns: Indices, residuals: Values) -> Values:
        """Encode one user: float32 (D,), as `encode` does."""
        items_ED = self.item[columns].astype(np.float64)
        gram_DD = items_ED.T @ items_ED
        np.fill_diagonal(gram_DD, np.diagonal(gram_DD) + self.penalty_of(len(columns)))
        return np.linalg.solve(gram_DD, items_ED.T @ residuals).astype(np.float32)

    def penalty_of(self, num_ratings: int) -> float:
        """Return the ridge of one row with that many ratings."""
        return self.penalty * (num_ratings + self.prior)

    def tensors(self) -> dict[str, Tensor]:
        """Return the factors under the names that `from_tensors` reads."""
        return {"factors": from_numpy(self.item), "factor_penalty": tensor([self.penalty, self.prior]).double()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Factors:
        """Build from the result of `tensors`."""
        penalty, prior = [*tensors["factor_penalty"].tolist(), LEGACY_PRIOR][:2]
        return cls(tensors["factors"].numpy(), penalty, prior)


def fit_factors(
    rows: Rows, start: Biases, *, num_factors: int, penalty: float, seed: int, check_cancelled: Callable[[], None]
) -> tuple[Biases, Factors]:
    """Alternate between the users' and the items' ridge solves, over rated cells only; items' biases are a factor too.

    Args:
        rows: the training ratings (U, I).
        start: initial biases.
        num_factors: D.
        penalty: see `Factors`.
        seed: of the draw of the initial factors.
        check_cancelled: called between steps.
    """
    by_user = cells_of(rows, rows.values - np.float32(start.mean), len(start.item))
    by_item = by_user.transpose()
    ridge_U, ridge_I = _ridge(by_user, penalty), _ridge(by_item, penalty)
    drawn = np.random.default_rng(seed).normal(0, 0.1, (len(start.item), num_factors))
    item_IF = from_numpy(np.column_stack((start.item, drawn * (by_item.counts > 0)[:, None])).astype(np.float32))
    user_UD = torch.zeros(len(rows), num_factors)
    prior = ImplicitPrior(by_user, by_item, ridge_I, 1 + num_factors)
    for _ in range(ROUNDS):
        biases = replace(start, item=item_IF[:, 0].numpy())
        bias_U = from_numpy(biases.of_users(rows))
        residuals = replace(by_user, targets=from_numpy(biases.residuals(rows)))
        user_UD = descend(
            residuals,
            _side(item_IF[:, 1:].contiguous()),
            ridge_U,
            user_UD,
            steps=STEPS,
            check_cancelled=check_cancelled,
        )
        side = _side(torch.column_stack((torch.ones(len(rows)), user_UD)))
        wanted = replace(by_item, targets=by_item.targets - bias_U[by_item.columns])
        item_IF = descend(
            wanted, side, ridge_I, item_IF, steps=STEPS, check_cancelled=check_cancelled, prior_mean_BD=prior.prior_mean
        )
        item_IF = item_IF + prior.update(item_IF, (side.factors**2).sum(0) / max(1, len(rows)))
    item = item_IF.numpy()
    return replace(start, item=item[:, 0].copy()), Factors(item[:, 1:].copy(), penalty, PRIOR)


def cells_of(rows: Rows, targets: Values, num_items: int) -> Cells:
    """Lay out targets of weight 1: (B, I)."""
    return Cells(rows.offsets, from_numpy(rows.columns), tensor(1.0), from_numpy(targets), num_columns=num_items)


def _side(factors_ND: Tensor) -> Side:
    """Return factors for which unrated cells have no weight."""
    return Side(factors_ND, torch.zeros(factors_ND.shape[1]))


def _ridge(cells: Cells, penalty: float, prior: float = PRIOR) -> Tensor:
    return from_numpy((penalty * (cells.counts + prior)).astype(np.float32))
