"""Linear autoencoder in closed form, two channels (EDLAE), with a rating output.

Source: Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020.
Shape letters: B users in a batch, I items, E ratings in a batch, F = 2 I + 1 input features (see `models.ridge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.base import Model, clip_to_scale
from models.biases import Biases
from models.evaluate import evaluate
from models.fitter import FitTask, Fitter, WarmStart, config_from, vocabulary_map
from models.interactions import Indices, Interactions, RatingScale, Rows, Values
from models.ridge import encode, features_of, gram, solve

LAMBDAS = (10.0, 30.0, 100.0, 300.0, 800.0)
HEAD_ITEMS = 1_000  # the penalty is chosen on a catalogue cut to this many items


@dataclass(frozen=True, kw_only=True)
class LinearConfig:
    """Hyper-parameters of `linear`."""

    num_items: int  # I
    dropout: float = 0.4  # p: share of inputs whose absence is trained for, 0..1
    regularisation: float | None = None  # lambda; None: chosen on the validation users

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must lie in 0..1, 1 excluded")
        if self.regularisation is not None and self.regularisation <= 0:
            raise ValueError("regularisation must be above 0")


class LinearAutoencoder(Model):
    """A matrix from every rating a user gave, liked or disliked, to every other item."""

    kind: ClassVar[str] = "linear"

    def __init__(self, config: LinearConfig, scale: RatingScale, weights_FI: Tensor, biases: Biases) -> None:
        self.config: LinearConfig = config
        self.scale = scale
        self._weights_FI = weights_FI
        self._biases = biases

    def preference(self, rows: Rows) -> Values:
        """Sum the weights of every rating: float32 (B, I)."""
        features = features_of(rows.columns, rows.values, self.scale.like_threshold, self.config.num_items)
        constant = np.full(len(rows), 2 * self.config.num_items)
        return self._sum(np.insert(features, rows.offsets[:-1], constant), rows.offsets[:-1] + np.arange(len(rows)))

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Sum the weights of every rating of one user: float32 (I,)."""
        features = np.empty(len(columns) + 1, np.int64)
        features[0] = 2 * self.config.num_items
        features[1:] = columns
        features[1:] += np.where(values >= self.scale.like_threshold, 0, self.config.num_items)
        return cast("Values", self._sum(features, np.zeros(1, np.int64))[0])

    def _sum(self, features: np.ndarray, offsets: np.ndarray) -> Values:
        with torch.inference_mode():
            bags = embedding_bag(torch.from_numpy(features), self._weights_FI, torch.from_numpy(offsets), mode="sum")
            return cast("Values", bags.float().numpy())

    def rating(self, rows: Rows) -> Values:
        """Predict from the biases: float32 (B, I)."""
        return clip_to_scale(self._biases.mean + self._biases.item + self._biases.of_users(rows)[:, None], self.scale)

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings: float32 (K,)."""
        user = np.float32(self._biases.of_user(columns, values))
        return clip_to_scale(self._biases.mean + self._biases.item[wanted] + user, self.scale)

    def tensors(self) -> dict[str, Tensor]:
        """Give the weights (F, I) and the biases."""
        return {"weights": self._weights_FI, **self._biases.tensors()}

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        return cls(LinearConfig(**config), scale, tensors["weights"], Biases.from_tensors(tensors))  # type: ignore[arg-type]


class LinearFitter(Fitter):
    """Solves once; a further epoch would change nothing."""

    max_epochs = 1

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._config = config_from(LinearConfig, task.train.num_items, task.config)
        self._model: LinearAutoencoder | None = None
        self.figures: dict[str, float] = {}

    def run_epoch(self) -> None:
        """Choose the penalty if it is not pinned, then solve."""
        regularisation = self._config.regularisation or self._chosen()
        self.figures["regularisation"] = regularisation
        config = replace(self._config, regularisation=regularisation)
        self._model = fit_linear(config, self._task)

    def _chosen(self) -> float:
        """Pick the penalty that ranks best for the validation users, on the most rated items alone."""
        task = self._task
        if not len(task.targets):
            return LAMBDAS[-1]
        head = np.sort(np.argsort(-np.bincount(task.train.rows.columns, minlength=task.train.num_items))[:HEAD_ITEMS])
        train, given, targets = (restrict(rows, head) for rows in (task.train.rows, task.given, task.targets))
        cut = replace(
            task,
            train=Interactions(train, [str(item) for item in head], task.train.scale),
            given=given,
            targets=targets,
        )
        scores = {}
        for penalty in LAMBDAS:
            model = fit_linear(replace(self._config, num_items=len(head), regularisation=penalty), cut)
            scores[penalty] = evaluate(model, given, targets, task.train.scale).mean("ndcg@100")
        return max(scores, key=lambda penalty: scores[penalty])

    def model(self) -> LinearAutoencoder:
        """Give the solved model, or the one to start from: as it is, if the vocabulary is the same."""
        if self._model is None and self._task.warm is not None:
            return self._regrown(self._task.warm)
        if self._model is None:
            raise ValueError("run an epoch first")
        return self._model

    def _regrown(self, warm: WarmStart) -> LinearAutoencoder:
        """Carry solved weights over to the vocabulary of this task; new items score 0."""
        num_items, num_old = self._config.num_items, len(warm.item_ids)
        tensors = dict(warm.tensors)
        if list(warm.item_ids) != list(self._task.train.item_ids):
            old, new = vocabulary_map(warm.item_ids, self._task.train.item_ids)
            weights = torch.zeros(2 * num_items + 1, num_items, dtype=tensors["weights"].dtype)
            rows_old = torch.cat((old, old + num_old, torch.tensor([2 * num_old])))
            rows_new = torch.cat((new, new + num_items, torch.tensor([2 * num_items])))
            weights[rows_new[:, None], new] = tensors["weights"][rows_old[:, None], old]
            tensors["weights"] = weights
            tensors |= Biases.fit(self._task.train).tensors()
        return LinearAutoencoder.from_tensors(asdict(self._config), self._task.train.scale, tensors)

    def state(self) -> dict[str, Tensor]:
        """Nothing: the solution is all there is."""
        return {}

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Nothing to take up."""


def restrict(rows: Rows, kept: np.ndarray) -> Rows:
    """Keep the named columns only (sorted), renumbered."""
    place = np.searchsorted(kept, rows.columns)
    is_kept = kept[np.minimum(place, len(kept) - 1)] == rows.columns
    cut = rows.where(is_kept)
    return Rows(cut.offsets, place[is_kept].astype(np.int32), cut.values)


def fit_linear(config: LinearConfig, task: FitTask) -> LinearAutoencoder:
    """Solve for all items."""
    gram_FF = gram(encode(task.train), task.tick)
    weights = solve(gram_FF, config.dropout, cast("float", config.regularisation), task.tick)
    return LinearAutoencoder(config, task.train.scale, torch.from_numpy(weights), Biases.fit(task.train))
