"""SVD++ of `scikit-surprise`: biases, factors, and factors of what a user has rated, by stochastic gradients.

Source: Koren, "Factorization Meets the Neighborhood", KDD 2008.
"""

from __future__ import annotations

import numpy as np
from surprise import SVDpp, Trainset

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Cells, Scores
from benchmarks.peers.methods.rating import Predictor, RatingTask

FIRST = {"num_factors": 20, "epochs": 20, "learning_rate": 0.007, "regularisation": 0.02}


def suggest(trial: Trial) -> None:
    """Draw size, steps and ridge."""
    trial.suggest_int("num_factors", 4, 64, log=True)
    trial.suggest_int("epochs", 5, 40)
    trial.suggest_float("learning_rate", 0.002, 0.02, log=True)
    trial.suggest_float("regularisation", 0.01, 0.3, log=True)


def fit(task: RatingTask, params: Params, _: Clock) -> Predictor:
    """Descend."""
    model = SVDpp(
        n_factors=params["num_factors"],
        n_epochs=params["epochs"],
        lr_all=params["learning_rate"],
        reg_all=params["regularisation"],
        random_state=0,
        cache_ratings=True,
    )
    model.fit(trainset(task))

    def predict(cells: Cells) -> Scores:
        pairs = zip(cells.users.tolist(), cells.items.tolist(), strict=True)
        return np.array([model.predict(user, item).est for user, item in pairs], np.float32)

    return predict


def trainset(task: RatingTask) -> Trainset:
    """Hand the ratings over in the library's form, its own numbers in the order of first sight."""
    users, items = _numbered(task.train.users), _numbered(task.train.items)
    of_users: dict[int, list[tuple[int, float]]] = {number: [] for number in users.values()}
    of_items: dict[int, list[tuple[int, float]]] = {number: [] for number in items.values()}
    for user, item, value in zip(*(column.tolist() for column in _columns(task.train)), strict=True):
        of_users[users[user]].append((items[item], value))
        of_items[items[item]].append((users[user], value))
    scale = task.scale.minimum, task.scale.maximum
    return Trainset(of_users, of_items, len(users), len(items), len(task.train), scale, users, items)


def _columns(cells: Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three columns."""
    return cells.users, cells.items, cells.values


def _numbered(ids: np.ndarray) -> dict[int, int]:
    """Number ids in the order of first sight."""
    return {each: number for number, each in enumerate(dict.fromkeys(ids.tolist()))}


METHOD = Method(first=FIRST, suggest=suggest, fit=fit)
