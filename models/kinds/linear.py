"""Linear autoencoder in closed form (EDLAE), of ratings liked and disliked or graded, with a rating output.

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

from models.closed_form.encoding import Coding
from models.closed_form.line_search import climbed
from models.core.ablation import Ablation
from models.core.interactions import Indices, Offsets, RatingScale, Rows, Values
from models.core.model import Model
from models.evaluation.ranking import evaluate
from models.fitting.fitter import FitTask, Fitter, WarmStart, config_from, vocabulary_map
from models.inference.item_vectors import directions, largest, principal
from models.kinds.linear_ablation import LinearAblation, RowMoments, Sum
from models.kinds.linear_problem import Problem, Solution
from models.rating_prediction.head import LinearRatings

LAMBDAS = (25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
DISLIKED_TARGETS = (0.0, 0.3)
CONSTANT_PENALTIES = (0.0, 10.0)  # popularity as a base of all scores, which helps where rows are short; next to none
DEFAULT_LAMBDA = 200.0  # where there is nobody to choose it on
HEAD_ITEMS = 1_000  # lambda is chosen on a catalogue cut to this many items


@dataclass(frozen=True, kw_only=True)
class LinearConfig:
    """Hyper-parameters of `linear`."""

    num_items: int  # I
    dropout: float = 0.3  # p: share of inputs whose absence is trained for, 0..1
    regularisation: float | None = None  # lambda; None: chosen on the validation users
    graded: bool | None = (
        None  # an input is the rating's place on the scale, not liked or disliked; None: chosen likewise
    )
    disliked_target: float | None = None  # of an item, where one that is liked has 1; None: chosen likewise
    constant_penalty: float | None = None  # ridge of the constant input, for each training user; None: chosen likewise
    num_factors: int = 16  # of the rating output
    factor_penalty: float | None = None  # of the rating output, for each rating of a row; None: chosen likewise

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
        self._coding = Coding(scale, config.num_items, bool(config.graded))
        self._place = np.full(self._coding.constant + 1, -1)  # -1: a feature that training never saw
        self._place[solution.inputs] = np.arange(len(solution.inputs))
        self._output = np.full(config.num_items, -1)  # -1: an item that nobody has liked
        self._output[solution.outputs] = np.arange(len(solution.outputs))

    def preference(self, rows: Rows) -> Values:
        """Sum the weights of every rating: float32 (B, I)."""
        encoded = self._coding.encode(rows, self._solution.inputs)
        return self._sum(encoded.indices.astype(np.int64), encoded.data, encoded.indptr[:-1].astype(np.int64))

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Sum the weights of every rating of one user: float32 (I,)."""
        places, amounts = self._inputs(columns, values)
        return cast("Values", self._sum(places, amounts, np.zeros(1, np.int64))[0])

    def _inputs(self, columns: Indices, values: Values) -> tuple[Offsets, Values]:
        """Return the rows of a user's ratings and what each is set to, 0 where there is no row; the constant last."""
        places = np.append(self._place[self._coding.columns(columns, values)], len(self._solution.inputs) - 1)
        amounts = np.append(self._coding.steps(values) / np.float32(self._coding.unit), np.float32(1))
        return np.maximum(places, 0), np.where(places >= 0, amounts, np.float32(0))

    def _sum(self, places: Offsets, amounts: Values, offsets: Offsets) -> Values:
        scores_BI = np.zeros((len(offsets), self.config.num_items), np.float32)
        if len(self._solution.outputs):  # somebody has liked something
            terms = torch.from_numpy(places), torch.from_numpy(amounts), torch.from_numpy(offsets)
            scores_BI[:, self._solution.outputs] = self._solution.weights.sums(*terms)
        return scores_BI

    def rating(self, rows: Rows) -> Values:
        """Predict from biases and factors: float32 (B, I)."""
        return self._ratings.of_rows(rows)

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings: float32 (K,)."""
        return self._ratings.of_row(columns, values, wanted)

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Sum the weights of what is left."""
        outputs = self._output[wanted]
        terms = self._inputs(columns, values)
        whole = Sum(self._solution.weights, *terms, outputs[outputs >= 0], lambda: self._row_moments)
        return LinearAblation(
            self.config.num_items, whole, outputs >= 0, self._ratings.ablation(columns, values, wanted)
        )

    @cached_property
    def _row_moments(self) -> RowMoments:
        """Those of the weights."""
        return RowMoments.of(self._solution.weights)

    def item_vectors(self) -> Values:
        """Give each item's column, all weights that predict it, along the principal directions: float32 (I, D).

        Two items are alike that the same ratings speak for and against.
        """
        rows = largest(self._row_moments.square[:-1])  # the constant's weights tell how many like an item
        columns_CD = principal(self._solution.weights.weights(rows, slice(None)))
        vectors_ID = np.zeros((self.config.num_items, columns_CD.shape[1]), np.float32)
        vectors_ID[self._solution.outputs] = columns_CD
        return directions(vectors_ID)

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights with the features they belong to, the biases and the factors."""
        return {**self._solution.tensors(), **self._ratings.tensors()}

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        known = LinearConfig(**{"constant_penalty": 0.0, **config})  # type: ignore[arg-type]
        return cls(known, scale, Solution.from_tensors(tensors), LinearRatings.from_tensors(tensors, scale))


@dataclass(frozen=True)
class Choice:
    """Hyper-parameters that are chosen on validation users; see `LinearConfig`."""

    graded: bool
    regularisation: float
    disliked_target: float
    constant_penalty: float


Worth = Callable[[Choice], float]


class LinearFitter(Fitter):
    """Solves once; a further epoch would change nothing."""

    max_epochs = 1
    chooses = ("graded", "regularisation", "disliked_target", "constant_penalty", "factor_penalty")

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(LinearConfig, task.train.num_items, task.config)
        self._model: LinearAutoencoder | None = None
        self.figures: dict[str, float] = {}

    def run_epoch(self) -> None:
        """Choose what is not pinned, then solve."""
        task, train = self._task, self._task.train
        choice = self._chosen()
        problem = self._problem(choice).counted(train, task.gram)
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
        coding = Coding(train.scale, train.num_items, choice.graded)
        return Problem.of(train, coding, self._config.dropout, choice.disliked_target, task.check_cancelled)

    def _chosen(self) -> Choice:
        """Pick what ranks best for the validation users; if need be on the most liked items alone.

        Where there is nobody to choose on, the inputs are liked and disliked, disliked items count nothing, and the
        constant costs nothing.
        """
        config = self._config
        codings = [False, True] if config.graded is None else [config.graded]
        penalties = LAMBDAS if config.regularisation is None else [config.regularisation]
        aims = DISLIKED_TARGETS if config.disliked_target is None else [config.disliked_target]
        constants = CONSTANT_PENALTIES if config.constant_penalty is None else [config.constant_penalty]
        penalty = penalties[0] if len(penalties) == 1 else DEFAULT_LAMBDA
        first = Choice(codings[0], penalty, aims[0], constants[0])
        is_pinned = all(len(choices) == 1 for choices in (codings, penalties, aims, constants))
        if not self._task.targets.num_ratings or is_pinned:
            return first
        worths = [self._worth(replace(first, graded=graded)) for graded in codings]
        found = [
            self._climbed(replace(first, graded=graded), worth, penalties, aims if not graded else aims[:1])
            for graded, worth in zip(codings, worths, strict=True)
        ]
        best, worth = max(zip(found, worths, strict=True), key=lambda pair: pair[1](pair[0]))
        for constant in constants[1:]:
            if worth(other := replace(best, constant_penalty=constant)) > worth(best):
                best = self._climbed(other, worth, penalties, [other.disliked_target])
        return best

    def _climbed(self, first: Choice, worth: Worth, penalties: Sequence[float], aims: Sequence[float]) -> Choice:
        """Pick penalty, then target."""
        penalty = climbed(penalties, first.regularisation, lambda each: worth(replace(first, regularisation=each)))
        return max((replace(first, regularisation=penalty, disliked_target=aim) for aim in aims), key=worth)

    def _worth(self, first: Choice) -> Worth:
        """Return what tells how well the choices for one way to code ratings rank: NDCG@100 of the validation users."""
        task, problem = self._task, self._problem(first)
        problem = problem if problem.is_quick else problem.head(HEAD_ITEMS)

        @cache
        def worth(choice: Choice) -> float:
            scores = problem.aiming(choice.disliked_target).scorer(choice.regularisation, choice.constant_penalty)
            return evaluate(scores, task.given, task.targets, task.train.scale).mean("ndcg@100")

        return worth

    def model(self) -> LinearAutoencoder:
        """Return the solved model; before that, the one to start from, carried over to this vocabulary."""
        if self._model is None and self._task.warm is not None:
            return regrown(self._task.warm, self._config, self._task)
        if self._model is None:
            raise ValueError("run an epoch first")
        return self._model

    def state(self) -> dict[str, Tensor]:
        """Nothing: the solution is all there is."""
        return {}

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Nothing to take up."""


def regrown(warm: WarmStart, config: LinearConfig, task: FitTask) -> LinearAutoencoder:
    """Carry a solution over to the vocabulary of a task; items that are new score 0."""
    train, num_old = task.train, len(warm.item_ids)
    old, new = (columns.numpy() for columns in vocabulary_map(warm.item_ids, train.item_ids))
    column = np.full(num_old, -1)
    column[old] = new
    config = replace(config, graded=bool(warm.config.get("graded")))
    feature = Coding(train.scale, train.num_items, bool(config.graded)).carried(column)
    known = Solution.from_tensors(warm.tensors)
    inputs, outputs = feature[known.inputs], column[known.outputs]
    kept_F, kept_C = np.flatnonzero(inputs >= 0), np.flatnonzero(outputs >= 0)
    solution = Solution(known.weights.part(kept_F, kept_C), inputs[kept_F], outputs[kept_C])
    ratings = LinearRatings.regrown(task, warm.tensors, warm.item_ids)
    return LinearAutoencoder(config, train.scale, solution, ratings)
