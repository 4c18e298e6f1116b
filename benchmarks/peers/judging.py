"""The judge: what a peer wrote, scored once by the evaluator that Palate's own kinds are scored by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from app.comparison.protocols import RANKING, Split
from benchmarks.peers.catalogue import RATINGS, UNSEEN
from models.core.interactions import Rows, Values
from models.evaluation.ranking import PerUser, evaluate


def judge_lists(folder: Path, split: Split) -> dict[str, PerUser]:
    """Return every metric of `models.evaluation.ranking` for each test user: float64 (U,), NaN without a target.

    Args:
        folder: has `scores.npy`, float32 (U, I); it is read from the disk one user at a time.
        split: the test users.

    Raises:
        ValueError: if there are not as many rows as users.
    """
    scores_UI = np.load(folder / "scores.npy", mmap_mode="r")
    if len(scores_UI) != len(split.given):
        raise ValueError(f"{folder} has scores of {len(scores_UI)} users, not of {len(split.given)}")
    judged = [_judge_user(scores_UI[user], split, user) for user in range(len(scores_UI))]
    return {name: np.array([each.get(name, np.nan) for each in judged]) for name in RANKING}


def _judge_user(scores_I: Values, split: Split, user: int) -> dict[str, float]:
    """Judge one user; nothing comes back where nothing liked was held out."""

    def score(rows: Rows) -> Values:
        return np.broadcast_to(scores_I, (len(rows), len(scores_I)))

    chosen = np.array([user])
    judged = evaluate(score, split.given.take(chosen), split.targets.take(chosen), split.train.scale)
    return {name: float(values[0]) for name, values in judged.metrics.items() if len(values)}


def judge_ratings(folder: Path, split: Split) -> dict[str, PerUser]:
    """Add up each judged user's squared and absolute errors: float64 (N,).

    Args:
        folder: has `ratings.npy`, float32 (E,) in the order of the hidden ratings.
        split: the hidden ratings.

    Raises:
        ValueError: if there are not as many predictions as hidden ratings, or one is not finite.
    """
    predicted = np.load(folder / "ratings.npy")
    if predicted.shape != split.targets.values.shape or not np.isfinite(predicted).all():
        raise ValueError(f"{folder} must have {split.targets.num_ratings} finite predictions")
    error, user = predicted.astype(np.float64) - split.targets.values, split.targets.row_of_entry
    errors = {"squared_error": error**2, "absolute_error": np.abs(error)}
    return {name: np.bincount(user, of_E, len(split.targets)).astype(np.float64) for name, of_E in errors.items()}


JUDGES: Mapping[str, Callable[[Path, Split], dict[str, PerUser]]] = {UNSEEN: judge_lists, RATINGS: judge_ratings}
