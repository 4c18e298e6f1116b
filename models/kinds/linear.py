"""Linear autoencoder in closed form (EDLAE), on liked and disliked or graded ratings, with a rating output.

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020.
Shape letters: B users in a batch, I items, E ratings in a batch, K columns asked for,
N groups of ratings left out, F input features and C output items (see `models.closed_form.ridge`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from typing import ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor

from models.closed_form.encoding import Encoding
from models.closed_form.line_search import hill_climb
from models.core.ablation import Ablation
from models.core.interactions import Indices, Offsets, RatingScale, Rows, Values
from models.core.model import Model
from models.evaluation.ranking import evaluate
from models.fitting.fitter import FitTask, Fitter, WarmStart, config_from, vocabulary_map
from models.inference.item_vectors import largest_rows, principal_components, unit_vectors
from models.kinds.linear_ablation import LinearAblation, RowMoments, WeightSum
from models.kinds.linear_problem import Problem, Solution
from models.rating_prediction.head import LinearRatings

LAMBDAS = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
DISLIKED_TARGETS = (0.0, 0.3)
CONSTANT_PENALTIES = (0.0, 10.0)  # 0 adds popularity to all scores, which helps if rows are short; 10 nearly nothing
DEFAULT_LAMBDA = 200.0  # without validation users to choose it on
HEAD_ITEMS = 1_000  # lambda is chosen on this many of the most popular items


@dataclass(frozen=True, kw_only=True)
class LinearConfig:
    """Hyper-parameters of `linear`."""

    num_items: int  # I
    dropout: float = 0.3  # p: share of inputs dropped in training, 0..1
    regularisation: float | None = None  # lambda; None: chosen on the validation users
    graded: bool | None = (
        None  # whether an input is the rating's place on the scale, not liked or disliked; None: chosen as above
    )
    disliked_target: float | None = None  # of a disliked item; a liked one has 1; None: chosen as above
    constant_penalty: float | None = None  # ridge of the constant input, per training user; None: chosen as above
    num_factors: int = 16  # of the rating output
    factor_penalty: float | None = None  # of the rating output, per rating of a row; None: chosen as above

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must lie in 0..1, 1 excluded")
        if self.regularisation is not None and self.regularisation <= 0:
            raise ValueError("regularisation must be above 0")
        if self.constant_penalty is not None and self.constant_penalty < 0:
            raise ValueError("constant_penalty must be 0 or more")


class LinearAutoencoder(Model):
    """A matrix from every rating a user gave to every other item."""

    kind: ClassVar[str] = "linear"

    def __init__(self, config: LinearConfig, scale: RatingScale, solution: Solution, ratings: LinearRatings) -> None:
        self.config: LinearConfig = config
        self.scale = scale
        self._solution = solution
        self._ratings = ratings
        self._encoding = Encoding(scale, config.num_items, bool(config.graded))
        self._place = np.full(self._encoding.constant + 1, -1)  # -1: a feature that did not occur in training
        self._place[solution.inputs] = np.arange(len(solution.inputs))
        self._output = np.full(config.num_items, -1)  # -1: an item that no user liked
        self._output[solution.outputs] = np.arange(len(solution.outputs))

    def preference(self, rows: Rows) -> Values:
        """Add up the weights of every rating: float32 (B, I)."""
        encoded = self._encoding.encode(rows, self._solution.inputs)
        return self._sum(encoded.indices.astype(np.int64), encoded.data, encoded.indptr[:-1].astype(np.int64))

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Add up the weights of every rating of one user: float32 (I,)."""
        places, amounts = self._inputs(columns, values)
        return cast("Values", self._sum(places, amounts, np.zeros(1, np.int64))[0])

    def _inputs(self, columns: Indices, values: Values) -> tuple[Offsets, Values]:
        """Return the weight rows of a user's ratings and their inputs, 0 if there is no row; the constant last."""
        places = np.append(self._place[self._encoding.columns(columns, values)], len(self._solution.inputs) - 1)
        amounts = np.append(self._encoding.steps(values) / np.float32(self._encoding.unit), np.float32(1))
        return np.maximum(places, 0), np.where(places >= 0, amounts, np.float32(0))

    def _sum(self, places: Offsets, amounts: Values, offsets: Offsets) -> Values:
        scores_BI = np.zeros((len(offsets), self.config.num_items), np.float32)
        if len(self._solution.outputs):  # empty if no user liked anything
            terms = torch.from_numpy(places), torch.from_numpy(amounts), torch.from_numpy(offsets)
            scores_BI[:, self._solution.outputs] = self._solution.weights.sums(*terms)
        return scores_BI

    def rating(self, rows: Rows) -> Values:
        """Predict from biases and factors: float32 (B, I)."""
        return self._ratings.predict(rows)

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings: float32 (K,)."""
        return self._ratings.predict_row(columns, values, wanted)

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Add up the weights of the remaining ratings."""
        outputs = self._output[wanted]
        terms = self._inputs(columns, values)
        whole = WeightSum(
            self._solution.weights, *terms, wanted=outputs[outputs >= 0], row_moments=lambda: self._row_moments
        )
        return LinearAblation(
            self.config.num_items, whole, outputs >= 0, self._ratings.ablation(columns, values, wanted)
        )

    @cached_property
    def _row_moments(self) -> RowMoments:
        """Moments of the weights' rows."""
        return RowMoments.of(self._solution.weights)

    def item_vectors(self) -> Values:
        """Project each item's column, all weights that predict it, onto the principal directions: float32 (I, D).

        Two items are similar if the same ratings raise and lower their scores.
        """
        rows = largest_rows(self._row_moments.square[:-1])  # without the constant, whose weights are popularity
        columns_CD = principal_components(self._solution.weights.weights(rows, slice(None)))
        vectors_ID = np.zeros((self.config.num_items, columns_CD.shape[1]), np.float32)
        vectors_ID[self._solution.outputs] = columns_CD
        return unit_vectors(vectors_ID)

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights with their features, the biases and the factors."""
        return {**self._solution.tensors(), **self._ratings.tensors()}

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from the result of `tensors`."""
        known = LinearConfig(**{"constant_penalty": 0.0, **config})  # type: ignore[arg-type]
        return cls(known, scale, Solution.from_tensors(tensors), LinearRatings.from_tensors(tensors, scale))


@dataclass(frozen=True)
class Choice:
    """Hyper-parameters chosen on the validation users; see `LinearConfig`."""

    graded: bool
    regularisation: float
    disliked_target: float
    constant_penalty: float


Objective = Callable[[Choice], float]


class LinearFitter(Fitter):
    """Solves once; a second epoch would change nothing."""

    max_epochs = 1
    chooses = ("graded", "regularisation", "disliked_target", "constant_penalty", "factor_penalty")

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(LinearConfig, task.train.num_items, task.config)
        self._model: LinearAutoencoder | None = None
        self.figures: dict[str, float] = {}

    def run_epoch(self) -> None:
        """Choose the hyper-parameters that are not pinned, then solve."""
        task, train = self._task, self._task.train
        choice = self._choose()
        problem = self._problem(choice).with_gram(train, task.gram)
        self.figures |= {"graded": float(choice.graded), "regularisation": choice.regularisation}
        self.figures |= {"disliked_target": choice.disliked_target, "constant_penalty": choice.constant_penalty}
        if problem.num_updated is not None:
            self.figures["updated_users"] = problem.num_updated
        ratings = LinearRatings.fit(task, self._config.num_factors, self._config.factor_penalty)
        config = replace(self._config, **asdict(choice), factor_penalty=ratings.factors.penalty)
        solution = problem.solve(choice.regularisation, choice.constant_penalty)
        self._model = LinearAutoencoder(config, train.scale, solution, ratings)

    def _problem(self, choice: Choice) -> Problem:
        train, task = self._task.train, self._task
        encoding = Encoding(train.scale, train.num_items, choice.graded)
        return Problem.of(
            train,
            encoding,
            dropout=self._config.dropout,
            disliked_target=choice.disliked_target,
            check_cancelled=task.check_cancelled,
        )

    def _choose(self) -> Choice:
        """Choose what ranks best for the validation users; if that takes long, on the most popular items only.

        Without validation users the inputs are liked and disliked, the target of disliked items is 0, and the constant
        has no penalty per user.
        """
        config = self._config
        encodings = [False, True] if config.graded is None else [config.graded]
        penalties = LAMBDAS if config.regularisation is None else [config.regularisation]
        disliked_targets = DISLIKED_TARGETS if config.disliked_target is None else [config.disliked_target]
        constants = CONSTANT_PENALTIES if config.constant_penalty is None else [config.constant_penalty]
        penalty = penalties[0] if len(penalties) == 1 else DEFAULT_LAMBDA
        first = Choice(encodings[0], penalty, disliked_targets[0], constants[0])
        is_pinned = all(len(choices) == 1 for choices in (encodings, penalties, disliked_targets, constants))
        if not self._task.targets.num_ratings or is_pinned:
            return first
        objectives = [self._build_objective(replace(first, graded=graded)) for graded in encodings]
        found = [
            self._hill_climb(
                replace(first, graded=graded),
                objective,
                penalties,
                disliked_targets if not graded else disliked_targets[:1],
            )
            for graded, objective in zip(encodings, objectives, strict=True)
        ]
        best, objective = max(zip(found, objectives, strict=True), key=lambda pair: pair[1](pair[0]))
        for constant in constants[1:]:
            if objective(other := replace(best, constant_penalty=constant)) > objective(best):
                best = self._hill_climb(other, objective, penalties, [other.disliked_target])
        return best

    def _hill_climb(
        self, first: Choice, objective: Objective, penalties: Sequence[float], disliked_targets: Sequence[float]
    ) -> Choice:
        """Choose the penalty, then the target."""
        penalty = hill_climb(
            penalties, first.regularisation, lambda each: objective(replace(first, regularisation=each))
        )
        return max(
            (replace(first, regularisation=penalty, disliked_target=target) for target in disliked_targets),
            key=objective,
        )

    def _build_objective(self, first: Choice) -> Objective:
        """Return the objective of the choices for one encoding: NDCG@100 of the validation users."""
        task, problem = self._task, self._problem(first)
        problem = problem if problem.is_quick else problem.head(HEAD_ITEMS)

        @cache
        def objective(choice: Choice) -> float:
            scores = problem.with_disliked_target(choice.disliked_target).scorer(
                choice.regularisation, choice.constant_penalty
            )
            return evaluate(scores, task.given, task.targets, task.train.scale).mean("ndcg@100")

        return objective

    def model(self) -> LinearAutoencoder:
        """Return the solved model; before that, the warm start mapped to this vocabulary."""
        if self._model is None and self._task.warm is not None:
            return carry_over(self._task.warm, self._config, self._task)
        if self._model is None:
            raise ValueError("run an epoch first")
        return self._model

    def state(self) -> dict[str, Tensor]:
        """Return nothing: the solution is all there is."""
        return {}

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Load nothing, since `state` returns nothing."""


def carry_over(warm: WarmStart, config: LinearConfig, task: FitTask) -> LinearAutoencoder:
    """Map a solution to the vocabulary of a task; new items score 0."""
    train, num_old = task.train, len(warm.item_ids)
    old, new = (columns.numpy() for columns in vocabulary_map(warm.item_ids, train.item_ids))
    column = np.full(num_old, -1)
    column[old] = new
    config = replace(config, graded=bool(warm.config.get("graded")))
    feature = Encoding(train.scale, train.num_items, bool(config.graded)).map_columns(column)
    known = Solution.from_tensors(warm.tensors)
    inputs, outputs = feature[known.inputs], column[known.outputs]
    kept_F, kept_C = np.flatnonzero(inputs >= 0), np.flatnonzero(outputs >= 0)
    solution = Solution(known.weights.select(kept_F, kept_C), inputs[kept_F], outputs[kept_C])
    ratings = LinearRatings.carry_over(task, warm.tensors, warm.item_ids)
    return LinearAutoencoder(config, train.scale, solution, ratings)
