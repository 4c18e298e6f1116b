"""Item-kNN: items near the user's by shrunk cosine; each item keeps its nearest neighbours.

Source: Ferrari Dacrema, Cremonesi & Jannach, "Are We Really Making Much Progress?", RecSys 2019 (its search space).
Shape letters: B users in a batch, U users, I items, N neighbours.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer

FIRST = {"positives": "liked", "num_neighbours": 100, "shrinkage": 100, "tf_idf": False}


def suggest(trial: Trial) -> None:
    """Draw neighbours, shrinkage and weights."""
    trial.suggest_categorical("positives", POSITIVES)
    trial.suggest_int("num_neighbours", 5, 1_000, log=True)
    trial.suggest_int("shrinkage", 0, 1_000)
    trial.suggest_categorical("tf_idf", (False, True))


def fit(task: RankingTask, params: Params, _: Clock) -> Scorer:
    """Find the neighbours."""
    train = task.positives(params["positives"])
    if params["tf_idf"]:
        # A user who has rated little says more about two items that they have both.
        train = sparse.diags(np.log(train.shape[1] / np.maximum(1, np.diff(train.indptr)))) @ train
    near_II = neighbours(cosine(train, params["shrinkage"]), params["num_neighbours"])

    def score(rows: Matrix) -> Scores:
        return np.asarray((rows @ near_II).toarray(), np.float32)

    return task.scorer(params["positives"], score)


def cosine(rows: Matrix, shrinkage: float) -> Matrix:
    """Return dot product / (product of the lengths + shrinkage) of two columns, 0 of one with itself: sparse (I, I)."""
    products = (rows.T @ rows).tocsr()
    lengths_I = np.sqrt(products.diagonal())
    first = np.repeat(np.arange(products.shape[0]), np.diff(products.indptr))
    products.data /= lengths_I[first] * lengths_I[products.indices] + shrinkage + 1e-6
    products.data[first == products.indices] = 0
    products.eliminate_zeros()
    return products


def neighbours(similar: Matrix, num: int) -> Matrix:
    """Keep the ``num`` nearest of every column of a symmetric matrix: sparse (I, I)."""
    rows = [_nearest(similar.data[start:end], num) + start for start, end in itertools.pairwise(similar.indptr)]
    kept = np.concatenate(rows)
    columns = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return sparse.csr_matrix((similar.data[kept], (similar.indices[kept], columns)), shape=similar.shape)


def _nearest(values: Scores, num: int) -> NDArray[np.int64]:
    """Return the places of the highest values."""
    return np.arange(len(values)) if len(values) <= num else np.argpartition(-values, num - 1)[:num]


METHOD = Method(first=FIRST, suggest=suggest, fit=fit)
