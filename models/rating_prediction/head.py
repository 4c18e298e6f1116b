"""The rating output of the closed-form kinds: biases, and a low-rank linear autoencoder of their residuals.

Shape letters: B users in a batch, I items, E ratings in a batch, K columns asked for,
N groups of G ratings left out, D factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

import numpy as np
from torch import Tensor

from models.closed_form.line_search import hill_climb
from models.closed_form.woodbury import Ridge
from models.core.ablation import Groups
from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import clip_to_scale
from models.evaluation.ranking import squared_error
from models.fitting.fitter import FitTask, vocabulary_map
from models.rating_prediction.biases import Biases
from models.rating_prediction.factors import Factors, fit_factors

PENALTIES = (0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3)
DEFAULT_PENALTY = 0.05  # where there are no validation users to choose on
MAX_RATINGS = 100_000  # that the choice is made on; the penalty is per rating, so a sample of the users is enough


@dataclass(frozen=True)
class LinearRatings:
    """Predicts ratings from biases and factors."""

    biases: Biases
    factors: Factors
    scale: RatingScale

    def predict(self, rows: Rows) -> Values:
        """Predict every rating: float32 (B, I), on the scale."""
        user_B = self.biases.of_users(rows)
        predicted_BI = self.factors.encode(rows, self.biases.residuals(rows)) @ self.factors.item.T
        predicted_BI += self.biases.mean + self.biases.item + user_B[:, None]
        return clip_to_scale(predicted_BI, self.scale)

    def predict_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings of the wanted columns: float32 (K,), on the scale."""
        baseline = self.biases.mean + np.float32(self.biases.of_user(columns, values))
        residuals = values - baseline - self.biases.item[columns]
        residual_K = self.factors.item[wanted] @ self.factors.encode_row(columns, residuals)
        return clip_to_scale(residual_K + self.biases.item[wanted] + baseline, self.scale)

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> RatingsAblation:
        """Return what predicts one user's ratings of the wanted columns without some of those they gave."""
        return RatingsAblation(self, columns, values, wanted)

    def tensors(self) -> dict[str, Tensor]:
        """Return biases and factors by name."""
        return {**self.biases.tensors(), **self.factors.tensors()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], scale: RatingScale) -> Self:
        """Build from the result of `tensors`."""
        return cls(Biases.from_tensors(tensors), Factors.from_tensors(tensors), scale)

    @classmethod
    def fit(cls, task: FitTask, num_factors: int, penalty: float | None) -> LinearRatings:
        """Fit to the training rows; if the penalty is None, choose it on the validation users.

        Factors that do not improve predictions for those users are set to 0.
        """
        if penalty is None and task.train.rows.num_ratings > MAX_RATINGS:
            penalty = cls._best(sample_users(task), num_factors, None).factors.penalty
        return cls._best(task, num_factors, penalty)

    @classmethod
    def _best(cls, task: FitTask, num_factors: int, penalty: float | None) -> LinearRatings:
        """Fit with the given or the best penalty, or to biases only where that is better."""
        train, biases = task.train, Biases.fit(task.train)

        @cache
        def fitted(penalty: float) -> LinearRatings:
            return cls(
                *fit_factors(
                    train.rows,
                    biases,
                    num_factors=num_factors,
                    penalty=penalty,
                    seed=task.options.seed,
                    check_cancelled=task.check_cancelled,
                ),
                train.scale,
            )

        def error(model: LinearRatings) -> float:
            return squared_error(model.predict, task.given, task.targets)

        if penalty is None and task.targets.num_ratings:
            penalty = hill_climb(PENALTIES, DEFAULT_PENALTY, lambda each: -error(fitted(each)))
        best = fitted(DEFAULT_PENALTY if penalty is None else penalty)
        none = cls(biases, replace(best.factors, item=np.zeros_like(best.factors.item)), train.scale)
        return min(best, none, key=error)

    @classmethod
    def carry_over(cls, task: FitTask, tensors: dict[str, Tensor], item_ids: Sequence[str]) -> Self:
        """Map biases and factors to the vocabulary of a task; new items get its biases, and factors of 0."""
        biases, factors, known = Biases.from_tensors(tensors), Factors.from_tensors(tensors), Biases.fit(task.train)
        old, new = (columns.numpy() for columns in vocabulary_map(item_ids, task.train.item_ids))
        item = np.zeros((task.train.num_items, factors.item.shape[1]), np.float32)
        item[new] = factors.item[old]
        bias = known.item.copy()
        bias[new] = biases.item[old]
        return cls(replace(biases, item=bias), replace(factors, item=item), task.train.scale)


class RatingsAblation:
    """Predicted ratings of K columns for one user without some of their ratings."""

    def __init__(self, model: LinearRatings, columns: Indices, values: Values, wanted: Indices) -> None:
        deviation_E = model.biases.deviations(columns, values).astype(np.float64)
        self._model = model
        self._row = Ridge(model.factors.item[columns].astype(np.float64), deviation_E)
        self._factors_KD = model.factors.item[wanted]
        self._baseline_K = model.biases.item[wanted] + model.biases.mean

    def ratings(self, groups: Groups) -> Values:
        """Predict without each of N groups of ratings: float32 (N, K), on the scale."""
        model, row = self._model, self._row
        user_N = model.biases.of_user_without(row.targets, groups)
        penalty = model.factors.penalty_of(len(row.targets) - groups.shape[1])
        code_ND = row.without(np.full(row.rows.shape[1], penalty), groups, user_N)
        predicted_NK = self._baseline_K + user_N[:, None] + code_ND @ self._factors_KD.T
        return clip_to_scale(predicted_NK.astype(np.float32), model.scale)


def sample_users(task: FitTask) -> FitTask:
    """Keep a random sample of the training users with about `MAX_RATINGS` ratings; at least one user."""
    order = np.random.default_rng(task.options.seed).permutation(task.train.num_users)
    num_kept = np.searchsorted(np.cumsum(task.train.rows.counts[order]), MAX_RATINGS)
    return replace(task, train=task.train.take(np.sort(order[: max(1, int(num_kept))])))
