"""The judge: what a peer wrote, scored once by the evaluator that Palate's own kinds are scored by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.peers.tasks import Truth
from models.evaluate import PerUser, evaluate
from models.interactions import Rows, Values

RANKING = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")


def judge_ranking(path: Path, truth: Truth) -> dict[str, PerUser]:
    """Give every metric of `models.evaluate` for each test user: float64 (U,), NaN for whoever liked no target.

    Args:
        path: the scores, float32 (U, I); they are read from the disk one user at a time.
        truth: the test users.

    Raises:
        ValueError: if there are not as many rows as users.
    """
    scores_UI = np.load(path, mmap_mode="r")
    if len(scores_UI) != len(truth.given):
        raise ValueError(f"{path} scores {len(scores_UI)} users of {len(truth.given)}")
    judged = [_judge_user(scores_UI[user], truth, user) for user in range(len(scores_UI))]
    return {name: np.array([each.get(name, np.nan) for each in judged]) for name in RANKING}


def _judge_user(scores_I: Values, truth: Truth, user: int) -> dict[str, float]:
    """Judge one user; nothing comes back where nothing liked was held out."""

    def score(rows: Rows) -> Values:
        return np.broadcast_to(scores_I, (len(rows), len(scores_I)))

    chosen = np.array([user])
    judged = evaluate(score, truth.given.take(chosen), truth.targets.take(chosen), truth.scale)
    return {name: float(values[0]) for name, values in judged.metrics.items() if len(values)}
