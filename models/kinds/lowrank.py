"""Low-rank linear autoencoder over all cells: a ridge solve encodes, a product decodes (iALS, with graded targets).

The decoder's rows are item factors y. A user's code z minimises the sum, over the items they rated, of
(z.y - grade)^2, plus a small weight on (z.y)^2 of every item there is, plus a ridge: so every user with ratings has a
code, in closed form, whether or not they were in the training data. The same solve from the other side fits the
factors; an epoch is one of each.
The grade of a rating is its place on the scale, 0..1: that ranks much better than only telling liked from disliked
(docs/explanation/experiments.md). Every row ends with a constant item, rated 1 with a small weight, so that a code is
never all 0.

Sources: Hu, Koren & Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008; Rendle, Krichene,
Zhang & Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks", RecSys 2022 (the ridge).
Shape letters: B users in a batch, U training users, I items, D factors, E ratings in a batch, K columns asked for,
N groups of G ratings left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, cast

import numpy as np
import torch
from scipy.linalg import lapack
from torch import Tensor

from models.closed_form.als import Cells, Side, descend, solve
from models.closed_form.woodbury import Ridge
from models.core.ablation import Ablation, Groups
from models.core.interactions import Indices, Interactions, RatingScale, Rows, Values
from models.core.model import Model
from models.fitting.fitter import FitTask, Fitter, config_from, vocabulary_map
from models.inference.decoder import Decoder
from models.inference.item_vectors import unit_vectors
from models.inference.moments import Moments
from models.rating_prediction.head import LinearRatings, RatingsAblation

EPOCHS = 16  # the factors hardly move after a few
SHORT_ROW = 20  # mean ratings of a user below which rows count as short: see `default_config`
LONG_COLUMN = 40  # mean ratings of an item above which a stronger ridge and weight did better: see `default_config`
STEPS = 3  # of conjugate gradients a row; more change nothing


@dataclass(frozen=True, kw_only=True)
class LowRankConfig:
    """Hyper-parameters of `lowrank`."""

    num_items: int  # I
    num_factors: int = 128  # D
    unrated_weight: float = 0.2  # of an item that the user has not rated; one they have rated has 1
    regularisation: float = 0.005  # ridge of a row, for each rating of it and each weighted cell
    lowest_grade: float = 0.0  # target of the lowest rating of the scale; the highest has 1
    constant_weight: float = 0.3  # of the constant item at the end of every row
    num_rating_factors: int = 32  # of the rating output
    factor_penalty: float | None = (
        None  # of the rating output, for each rating of a row; None: chosen on the validation users
    )

    def __post_init__(self) -> None:
        if self.num_factors < 1:
            raise ValueError("num_factors must be 1 or more")
        for name in ("unrated_weight", "regularisation", "constant_weight"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")

    def grades(self, values: Values, scale: RatingScale) -> Values:
        """Turn ratings into targets: float32 (E,)."""
        place = (values - scale.minimum) / (scale.maximum - scale.minimum)
        return np.asarray(self.lowest_grade + (1 - self.lowest_grade) * place, np.float32)

    def cells(self, rows: Rows, scale: RatingScale) -> Cells:
        """Lay out rows as weighted targets, each ending with the constant item: (B, I + 1)."""
        ends = rows.offsets[1:]
        targets = np.insert(self.grades(rows.values, scale), ends, 1)
        weights = np.insert(np.ones(rows.num_ratings, np.float32), ends, self.constant_weight)
        columns = np.insert(rows.columns, ends, self.num_items)
        entries = torch.from_numpy(columns), torch.from_numpy(weights), torch.from_numpy(targets)
        return Cells(rows.offsets + np.arange(len(rows) + 1), *entries, num_columns=self.num_items + 1)

    def ridge_of(self, num_ratings: int) -> float:
        """Return the ridge of one row with that many ratings."""
        return self.regularisation * (num_ratings + 1 + self.unrated_weight * (self.num_items + 1))

    def ridge(self, cells: Cells) -> Tensor:
        """Return the ridge of every row: float32 (B,)."""
        ridge_B = self.regularisation * (cells.counts + self.unrated_weight * cells.num_columns)
        return torch.from_numpy(ridge_B.astype(np.float32))


class LowRankAutoencoder(Model):
    """Item factors, turned so that their Gram matrix is diagonal."""

    kind: ClassVar[str] = "lowrank"

    def __init__(self, config: LowRankConfig, scale: RatingScale, side: Side, ratings: LinearRatings) -> None:
        self.config: LowRankConfig = config
        self.scale = scale
        self._side = side
        self._ratings = ratings
        self._factors_ID, self._gram_D = side.factors.numpy(), side.gram.numpy()

    def preference(self, rows: Rows) -> Values:
        """Encode by the exact solve and decode: float32 (B, I)."""
        cells = self.config.cells(rows, self.scale)
        code_BD = solve(cells, self._side, self.config.ridge(cells))
        return self._decoder.scores(code_BD)

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Score every item for one user, in numpy: float32 (I,)."""
        entries = self.entries(columns, values)
        code_D = _code(entries.rows, entries.targets, np.reciprocal(self.penalty(len(columns))))
        return self._decoder.row(code_D)

    def rating(self, rows: Rows) -> Values:
        """Predict from biases and factors: float32 (B, I)."""
        return self._ratings.predict(rows)

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings: float32 (K,)."""
        return self._ratings.predict_row(columns, values, wanted)

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Encode what each group leaves, all from one solve, and decode."""
        weights_KD, rating_ablation = self._decoder.weights(wanted), self._ratings.ablation(columns, values, wanted)
        return LowRankAblation(self, self.entries(columns, values), weights_KD, rating_ablation)

    def entries(self, columns: Indices, values: Values) -> Ridge:
        """Lay out the regression that one user's code solves, the constant item last: float32 (E + 1, D), (E + 1,)."""
        root = np.float32(self.config.constant_weight**0.5)
        factors_ED = np.vstack((self._factors_ID[columns], self._factors_ID[-1:] * root))
        return Ridge(factors_ED, np.append(self.config.grades(values, self.scale), root))

    def penalty(self, num_ratings: int) -> Values:
        """Return the penalty on the code of a row with that many ratings, unrated items included: float32 (D,)."""
        return self._gram_D + np.float32(self.config.ridge_of(num_ratings))

    @cached_property
    def moments(self) -> Moments:
        """Moments of the decoder's weights."""
        return Moments.of(self._decoder.weights, self.config.num_items)

    @cached_property
    def _decoder(self) -> Decoder:
        """The quantized factors that score; those that encode are not quantized."""
        return Decoder.of(self._side.factors[: self.config.num_items])

    def item_vectors(self) -> Values:
        """Return the decoder's rows, from their mean and with length 1: float32 (I, D)."""
        return unit_vectors(self._factors_ID[: self.config.num_items])

    def tensors(self) -> dict[str, Tensor]:
        """Return the item factors with their spectrum, and the rating output."""
        return {"decoder": self._side.factors, "spectrum": self._side.gram, **self._ratings.tensors()}

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from the result of `tensors`."""
        known = LowRankConfig(**config)  # type: ignore[arg-type]
        side = Side(tensors["decoder"], tensors["spectrum"])
        return cls(known, scale, side, LinearRatings.from_tensors(tensors, scale))


@dataclass(frozen=True)
class LowRankAblation(Ablation):
    """Codes without some of the ratings that they are solved from.

    Attributes:
        model: the autoencoder.
        entries: one user's row, the constant last.
        weights: float32 (K, D), the decoder's.
        rating_ablation: predicts ratings.
    """

    model: LowRankAutoencoder
    entries: Ridge
    weights: Values
    rating_ablation: RatingsAblation

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Solve and decode, with the penalty of the shorter row."""
        penalty_D = self.model.penalty(len(self.entries.targets) - 1 - groups.shape[1])
        code_ND = self.entries.without(penalty_D, groups).astype(np.float32)
        scores_NK: Values = code_ND @ self.weights.T
        return self.model.moments.standardise(scores_NK, code_ND) if standard else scores_NK

    def ratings(self, groups: Groups) -> Values:
        """Predict from biases and factors."""
        return self.rating_ablation.ratings(groups)


def _code(factors_ED: Values, grades_E: Values, inverse_D: Values) -> Values:
    """Solve one user's ridge from the smaller side, entries or factors: float32 (D,)."""
    num_entries, num_factors = factors_ED.shape
    if num_entries < num_factors:
        scaled_ED = factors_ED * inverse_D
        inner_EE = scaled_ED @ factors_ED.T
        inner_EE.flat[:: num_entries + 1] += 1
        return cast("Values", scaled_ED.T @ lapack.sposv(inner_EE, grades_E)[1])
    matrix_DD = factors_ED.T @ factors_ED
    matrix_DD.flat[:: num_factors + 1] += 1 / inverse_D
    return cast("Values", lapack.sposv(matrix_DD, factors_ED.T @ grades_E)[1])


def default_config(train: Interactions) -> dict[str, float]:
    """Return the hyper-parameters that did best on data with rows this long and a catalogue this large."""
    if not train.rows.num_ratings:
        return {}
    length = train.rows.num_ratings / train.num_users
    weight, ridge, most = (0.03, 0.01, 60) if length < SHORT_ROW else (0.2, 0.005, 30)
    if length >= SHORT_ROW and train.rows.num_ratings > LONG_COLUMN * train.num_items:
        weight, ridge = 0.3, 0.007
    return {"unrated_weight": min(weight, most * length / train.num_items), "regularisation": ridge}


class LowRankFitter(Fitter):
    """Alternates between the users' and the items' solves; only the items' factors are kept between epochs."""

    starts_warm = True
    max_epochs = EPOCHS

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(LowRankConfig, task.train.num_items, {**default_config(task.train), **task.config})
        self._device = task.options.torch_device()
        self.figures: dict[str, float] = {}
        self._side = self._initial_side()

    def _initial_side(self) -> Side:
        """Draw small factors and copy those of items that the warm start has; all, if the vocabulary is the same."""
        config, warm, item_ids = self._config, self._task.warm, self._task.train.item_ids
        known = warm.tensors["decoder"] if warm is not None else torch.empty(0, 0)
        if warm is None or known.shape[1] != config.num_factors:
            return self._diagonalise(self._draw_factors())
        if list(warm.item_ids) == list(item_ids):
            return Side(known.to(self._device), warm.tensors["spectrum"].to(self._device))
        old, new = vocabulary_map(warm.item_ids, item_ids)
        factors_ID = self._draw_factors()
        factors_ID[new], factors_ID[-1] = known[old], known[-1]
        return self._diagonalise(factors_ID)

    def _draw_factors(self) -> Tensor:
        generator = torch.Generator().manual_seed(self._task.options.seed)
        shape = self._config.num_items + 1, self._config.num_factors
        drawn_ID: Tensor = torch.randn(shape, generator=generator) * (0.1 / shape[1] ** 0.5)
        return drawn_ID

    def _diagonalise(self, factors_ID: Tensor) -> Side:
        return Side.diagonalise(factors_ID.to(self._device), self._config.unrated_weight)[0]

    @cached_property
    def _cells(self) -> tuple[Cells, Cells]:
        """The training ratings by user and by item."""
        by_user = self._config.cells(self._task.train.rows, self._task.train.scale)
        return by_user.to(self._device), by_user.transpose().to(self._device)

    @cached_property
    def _ratings(self) -> LinearRatings:
        """The rating output, which the epochs do not change."""
        return LinearRatings.fit(self._task, self._config.num_rating_factors, self._config.factor_penalty)

    def run_epoch(self) -> None:
        """Solve for the users from zero, then for the items from their current factors."""
        _ = self._ratings  # first, so that its copies of the ratings are freed before those of the cells are made
        config, side, check_cancelled = self._config, self._side, self._task.check_cancelled
        by_user, by_item = self._cells
        start_UD = torch.zeros(self._task.train.num_users, config.num_factors, device=self._device)
        ridge_U = config.ridge(by_user).to(self._device)
        users_UD = descend(by_user, side, ridge_U, start_UD, steps=STEPS, check_cancelled=check_cancelled)
        users, rotation_DD = Side.diagonalise(users_UD, config.unrated_weight)
        ridge_I = config.ridge(by_item).to(self._device)
        items_ID = descend(
            by_item, users, ridge_I, side.factors @ rotation_DD, steps=STEPS, check_cancelled=check_cancelled
        )
        self._side = self._diagonalise(items_ID)

    def model(self) -> LowRankAutoencoder:
        """Return the model with the current factors."""
        side, scale = Side(self._side.factors.cpu(), self._side.gram.cpu()), self._task.train.scale
        config = replace(self._config, factor_penalty=self._ratings.factors.penalty)
        return LowRankAutoencoder(config, scale, side, self._ratings)

    def state(self) -> dict[str, Tensor]:
        """Return nothing: every epoch solves for the users from zero."""
        return {}

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Load nothing, since `state` returns nothing."""
