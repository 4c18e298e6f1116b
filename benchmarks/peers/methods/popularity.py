"""Popularity: everybody gets what most training users liked, or rated."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Matrix, Scores
from benchmarks.peers.methods.positives import POSITIVES
from benchmarks.peers.methods.ranking import RankingTask, Scorer


def suggest(trial: Trial) -> None:
    """Draw what counts."""
    trial.suggest_categorical("positives", POSITIVES)


def fit(task: RankingTask, params: Params, _: Clock) -> Scorer:
    """Count."""
    counts_I = np.asarray(task.positives(params["positives"]).sum(axis=0), np.float32).ravel()

    def score(rows: Matrix) -> Scores:
        return np.tile(counts_I, (rows.shape[0], 1))

    return score


METHOD = Method(first={"positives": "liked"}, suggest=suggest, fit=fit)
