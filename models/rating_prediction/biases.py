"""Baseline predictors: the part of a rating due to the mean, the item's bias and the user's bias.

Source: Koren, "Collaborative Filtering with Temporal Dynamics", KDD 2009, section 2.1 (baseline predictors).
Shape letters: B users in a batch, I items, E ratings in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy, tensor

from models.core.ablation import Groups, sum_groups
from models.core.interactions import Indices, Interactions, Rows, Values

ROUNDS = 4  # of alternating between the users' and the items' biases, which no longer change after that
ITEM_SHRINKAGE = 5.0  # an item with this many ratings keeps half of its bias
USER_SHRINKAGE = 4.0


@dataclass(frozen=True)
class Biases:
    """Baseline predictor ``mean + item[i] + user``, where the user's bias is computed from their row.

    So a user who was not in the training data has one too.

    Attributes:
        mean: mean rating of the training rows.
        item: float32 (I,), 0 for an item without ratings.
    """

    mean: float
    item: Values

    def deviations(self, columns: Indices, values: Values) -> Values:
        """Subtract mean and item bias from ratings: float32 (E,)."""
        return values - self.mean - self.item[columns]

    def of_users(self, rows: Rows) -> Values:
        """Compute each user's bias from their row: float32 (B,), 0 for an empty one."""
        return _shrunk_mean(self.deviations(rows.columns, rows.values), rows.row_of_entry, len(rows))

    def of_user(self, columns: Indices, values: Values) -> float:
        """Compute one user's bias, as `of_users` does."""
        return float(self.deviations(columns, values).sum(dtype=np.float64) / (len(columns) + USER_SHRINKAGE))

    def of_user_without(self, deviation_E: NDArray[np.floating[Any]], groups: Groups) -> NDArray[np.float64]:
        """Compute one user's bias from their `deviations` without each of N groups of ratings: float64 (N,)."""
        left_N = deviation_E.sum() - sum_groups(deviation_E, groups)
        biases_N: NDArray[np.float64] = left_N / (len(deviation_E) - groups.shape[1] + USER_SHRINKAGE)
        return biases_N

    def residuals(self, rows: Rows) -> Values:
        """Subtract the baseline from every rating: float32 (E,)."""
        return self.deviations(rows.columns, rows.values) - self.of_users(rows)[rows.row_of_entry]

    def tensors(self) -> dict[str, Tensor]:
        """Return mean and item biases under the names that `from_tensors` reads."""
        return {"mean": tensor([self.mean]).double(), "item_bias": from_numpy(self.item)}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Biases:
        """Build from the result of `tensors`."""
        return cls(float(tensors["mean"]), tensors["item_bias"].numpy())

    @classmethod
    def fit(cls, train: Interactions) -> Biases:
        """Estimate mean and item biases from the training rows."""
        rows = train.rows
        if not rows.num_ratings:
            middle = (train.scale.minimum + train.scale.maximum) / 2
            return cls(middle, np.zeros(train.num_items, np.float32))
        biases = cls(float(rows.values.mean(dtype=np.float64)), np.zeros(train.num_items, np.float32))
        for _ in range(ROUNDS):
            deviations = rows.values - biases.mean - biases.of_users(rows)[rows.row_of_entry]
            item = _shrunk_mean(deviations, rows.columns, train.num_items, ITEM_SHRINKAGE)
            biases = cls(biases.mean, item)
        return biases


def _shrunk_mean(values: Values, groups: np.ndarray, num_groups: int, shrinkage: float = USER_SHRINKAGE) -> Values:
    """Return the mean of each group, shrunk as if it had ``shrinkage`` zeros more: float32 (num_groups,)."""
    sums = np.bincount(groups, weights=values, minlength=num_groups)
    return (sums / (np.bincount(groups, minlength=num_groups) + shrinkage)).astype(np.float32)
