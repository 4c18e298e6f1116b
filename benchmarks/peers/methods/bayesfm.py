"""Bayesian factorisation machine of `myfm`, by Gibbs sampling; with what a user has rated and who has rated an item.

Sources: Freudenthaler, Schmidt-Thieme & Rendle, "Bayesian Factorization Machines", 2011; Rendle, Zhang & Koren, "On the
Difficulty of Evaluating Baselines", 2019, arXiv 1905.01395 (these features).
"""

from __future__ import annotations

import numpy as np
from myfm import MyFMGibbsRegressor, RelationBlock
from scipy import sparse

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Cells, Matrix, Scores
from benchmarks.peers.methods.rating import Predictor, RatingTask

FIRST = {"rank": 10, "iterations": 200, "implicit": True}
KEPT = 0.6  # share of the iterations whose samples are averaged, the last ones


def suggest(trial: Trial) -> None:
    """Draw the size, how long to sample, and the features."""
    trial.suggest_int("rank", 2, 32, log=True)
    trial.suggest_int("iterations", 50, 300)
    trial.suggest_categorical("implicit", (False, True))


def fit(task: RatingTask, params: Params, _: Clock) -> Predictor:
    """Sample."""
    user_features, item_features = features(task, implicit=params["implicit"])

    def blocks(cells: Cells) -> list[RelationBlock]:
        return [RelationBlock(cells.users, user_features), RelationBlock(cells.items, item_features)]

    model = MyFMGibbsRegressor(rank=params["rank"], random_seed=0).fit(
        None,
        task.train.values,
        X_rel=blocks(task.train),
        n_iter=params["iterations"],
        n_kept_samples=max(1, int(KEPT * params["iterations"])),
        group_shapes=group_shapes(task, implicit=params["implicit"]),
    )

    def predict(cells: Cells) -> Scores:
        return np.asarray(model.predict(None, blocks(cells)), np.float32)

    return predict


def features(task: RatingTask, *, implicit: bool) -> tuple[Matrix, Matrix]:
    """Return users' and items' features: who it is and, if ``implicit``, the items (users) of the ratings it has."""
    users, items = sparse.identity(task.num_users, format="csr"), sparse.identity(task.num_items, format="csr")
    if not implicit:
        return users, items
    ones = np.ones(len(task.train))
    rated = sparse.csr_matrix((ones, (task.train.users, task.train.items)), shape=(task.num_users, task.num_items))
    of_users, of_items = sparse.hstack([users, _scaled(rated)]), sparse.hstack([items, _scaled(rated.T.tocsr())])
    return of_users.tocsr(), of_items.tocsr()


def group_shapes(task: RatingTask, *, implicit: bool) -> list[int]:
    """Return how many features share each prior."""
    sizes = task.num_users, task.num_items
    return [sizes[0], sizes[1], sizes[1], sizes[0]] if implicit else list(sizes)


def _scaled(rows: Matrix) -> Matrix:
    """Divide each row by the root of its number of entries."""
    return sparse.diags(1 / np.sqrt(np.maximum(1, np.diff(rows.indptr)))) @ rows


METHOD = Method(first=FIRST, suggest=suggest, fit=fit)
