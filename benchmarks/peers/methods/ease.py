"""EASE: a linear map from items to items with a zero diagonal, in closed form.

Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019.
Shape letters: B users in a batch, U users, I items, J items that any user had.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer, spread, used_items


def suggest(trial: Trial) -> None:
    """Draw lambda."""
    trial.suggest_categorical("positives", POSITIVES)
    trial.suggest_float("regularisation", 1.0, 5_000.0, log=True)


def fit(task: RankingTask, params: Params, _: Clock) -> Scorer:
    """Solve, over the items that have a positive; the others rank last."""
    used, items_J = used_items(task.positives(params["positives"]))
    weights_JJ = weights((used.T @ used).toarray(), params["regularisation"])

    def score(rows: Matrix) -> Scores:
        return spread(rows[:, items_J] @ weights_JJ, items_J, task.num_items)

    return task.scorer(params["positives"], score)


def weights(gram_JJ: Scores, regularisation: float) -> Scores:
    """Return the weights from row's to column's item: float32 (J, J). The Gram matrix is overwritten.

    Raises:
        ValueError: if the matrix is not positive definite.
    """
    gram_JJ[np.diag_indices_from(gram_JJ)] += np.float32(regularisation)
    factor, failed = lapack.spotrf(np.asfortranarray(gram_JJ), lower=1, overwrite_a=1)
    inverse_JJ, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the Gram matrix is not positive definite")
    inverse_JJ = np.tril(inverse_JJ) + np.tril(inverse_JJ, -1).T
    weights_JJ: Scores = inverse_JJ / -np.diag(inverse_JJ)
    np.fill_diagonal(weights_JJ, 0)
    return weights_JJ


METHOD = Method(first={"positives": "liked", "regularisation": 500.0}, suggest=suggest, fit=fit)
