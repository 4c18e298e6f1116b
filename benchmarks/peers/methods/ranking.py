"""Ranking for users who were not trained on: the task, and the scores that a peer writes for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.methods.files import Matrix, Scale, Scores, TaskFiles
from benchmarks.peers.methods.ndcg import ndcg
from benchmarks.peers.methods.positives import positives

Scorer = Callable[[Matrix], Scores]  # ratings of users (B, I) -> scores float32 (B, I)

USERS_PER_BATCH = 200  # scores held at once


class RankingTask:
    """Training users, and validation users cut in what is given and what is to be found."""

    def __init__(self, files: TaskFiles) -> None:
        self.scale: Scale = files.scale
        self.train: Matrix = files.rows("train")
        self.given: Matrix = files.rows("validation-given")
        self.test: Matrix = files.rows("test-given")
        self.liked: Matrix = positives(files.rows("validation-targets"), "liked", self.scale)

    @property
    def num_items(self) -> int:
        """Count the items (I)."""
        return int(self.train.shape[1])

    def positives(self, how: str) -> Matrix:
        """Return the training users' positives (U, I)."""
        return positives(self.train, how, self.scale)

    @cached_property
    def popular(self) -> Scores:
        """Count who liked each item: float32 (I,)."""
        return np.asarray(self.positives("liked").sum(axis=0), np.float32).ravel()

    def scorer(self, how: str, score: Scorer) -> Scorer:
        """Let a function of positives answer for ratings; who has none gets what is popular."""

        def of_ratings(ratings: Matrix) -> Scores:
            rows = positives(ratings, how, self.scale)
            scores = np.array(score(rows), np.float32)
            scores[np.diff(rows.indptr) == 0] = self.popular
            return scores

        return of_ratings

    def judge(self, scorer: Scorer) -> float:
        """Return NDCG@100 of the validation users."""
        return ndcg(scored(scorer, self.given), self.given, self.liked)


def scored(scorer: Scorer, ratings: Matrix) -> Scores:
    """Score users a batch at a time: float32 (U, I)."""
    parts = [scorer(ratings[start : start + USERS_PER_BATCH]) for start in range(0, ratings.shape[0], USERS_PER_BATCH)]
    return np.concatenate([np.empty((0, ratings.shape[1]), np.float32), *parts])


def write_scores(path: Path, scorer: Scorer, ratings: Matrix) -> None:
    """Write the scores of users, a batch at a time: float32 (U, I)."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=ratings.shape)
    for start in range(0, ratings.shape[0], USERS_PER_BATCH):
        batch = ratings[start : start + USERS_PER_BATCH]
        out[start : start + USERS_PER_BATCH] = scorer(batch)
    out.flush()


def used_items(rows: Matrix) -> tuple[Matrix, NDArray[np.int64]]:
    """Leave the items out that no row has: the smaller matrix (U, J), and its items int64 (J,)."""
    items_J = np.flatnonzero(np.bincount(rows.indices, minlength=rows.shape[1]))
    return rows[:, items_J], items_J


def spread(scores_BJ: Scores, items_J: NDArray[np.int64], num_items: int) -> Scores:
    """Return scores of some items the place of all: float32 (B, I), the others rank last."""
    scores_BI = np.full((len(scores_BJ), num_items), -np.inf, np.float32)
    scores_BI[:, items_J] = scores_BJ
    return scores_BI
