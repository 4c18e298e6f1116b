"""Evaluation of a model: full ranking for users it was not trained on, and the error of predicted ratings.

Sources: Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, section 4 (protocol);
Krichene & Rendle, "On Sampled Metrics for Item Recommendation", KDD 2020 (why every item is ranked).
Shape letters: B users in a batch, I items, E ratings in a batch, T targets in a batch, N judged users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Interactions, Offsets, RatingScale, Rows, Values
from models.core.model import Model

Scorer = Callable[[Rows], Values]
PerUser = NDArray[np.float64]

CELLS_PER_BATCH = 2_000_000  # scores held in memory at once
LOWEST = -np.finfo(np.float32).max


def holdout(rows: Rows, share: float = 0.8, seed: int = 0) -> tuple[Rows, Rows]:
    """Split every row at random into ratings given to the model and ratings to predict.

    Args:
        rows: the users to evaluate on.
        share: share of each user's ratings that is given, 0..1; of two ratings or more, at least one is a target.
        seed: of the split.

    Returns:
        given, targets: both with as many rows as ``rows``; the targets hold liked and disliked ratings alike.
    """
    user = rows.row_of_entry
    order = np.lexsort((np.random.default_rng(seed).random(rows.num_ratings), user))
    place = np.empty(rows.num_ratings, np.int64)
    place[order] = np.arange(rows.num_ratings) - rows.offsets[user[order]]
    num_targets = np.where(rows.counts > 1, np.maximum(1, np.rint((1 - share) * rows.counts)), 0)
    is_target = place < num_targets[user]
    return rows.where(~is_target), rows.where(is_target)


@dataclass(frozen=True)
class Evaluation:
    """Metrics of every judged user, one array (N,) for each metric.

    Attributes:
        users: int64 (N,), rows with a liked target; only these are judged.
        metrics: ``ndcg@10``, ``ndcg@100``, ``recall@20``, ``recall@50``: float64 (N,), 0..1.
    """

    users: Offsets
    metrics: dict[str, PerUser]

    def summary(self) -> dict[str, tuple[float, float]]:
        """Return mean and standard error of each metric; 0 and 0 if there are no judged users."""
        return {name: mean_and_error(values) for name, values in self.metrics.items()}

    def mean(self, metric: str) -> float:
        """Return the mean of one metric."""
        return mean_and_error(self.metrics[metric])[0]


@dataclass(frozen=True)
class RatingError:
    """Error of predicted ratings over ``num_ratings`` held-out cells, in units of the rating scale."""

    rmse: float
    mae: float
    num_ratings: int


@dataclass(frozen=True)
class Difference:
    """Mean of the paired differences a - b, its standard error and its 95 % interval."""

    mean: float
    error: float
    low: float
    high: float


class Popularity:
    """Scores every item by the number of training users who liked it: the baseline that every kind must beat."""

    def __init__(self, train: Interactions) -> None:
        liked = train.rows.columns[train.rows.values >= train.scale.like_threshold]
        self.scores: Values = np.bincount(liked, minlength=train.num_items).astype(np.float32)

    def __call__(self, rows: Rows) -> Values:
        """Return the same scores for every user: float32 (B, I)."""
        return np.broadcast_to(self.scores, (len(rows), len(self.scores)))


def evaluate(scorer: Model | Scorer, given: Rows, targets: Rows, scale: RatingScale) -> Evaluation:
    """Rank every item except those given, and measure the ranks of the liked targets.

    Ties count against the scorer, and a score that is not finite ranks last.

    Args:
        scorer: a model, or anything that turns rows into scores float32 (B, I).
        given: ratings of each user that the scorer sees.
        targets: held-out ratings of the same users.
        scale: defines which targets were liked.
    """
    score = scorer.preference if isinstance(scorer, Model) else scorer
    liked = targets.where(targets.values >= scale.like_threshold)
    users = np.flatnonzero(liked.counts)
    judged = [_judge(score(given.take(batch)), given.take(batch), liked.take(batch)) for batch in batches(users, score)]
    names = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")
    return Evaluation(users, {n: np.concatenate([j[n] for j in judged]) if judged else np.empty(0) for n in names})


def batches(users: Offsets, score: Scorer) -> Iterator[Offsets]:
    """Yield batches of users whose scores fit in memory."""
    if not len(users):
        return
    num_items = score(Rows(np.zeros(2, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))).shape[1]
    size = max(1, CELLS_PER_BATCH // max(1, num_items))
    for start in range(0, len(users), size):
        yield users[start : start + size]


def _judge(scores_BI: Values, given: Rows, targets: Rows) -> dict[str, PerUser]:
    """Compute every metric for one batch of users, each with at least one target."""
    scores_BI = np.where(np.isfinite(scores_BI), scores_BI, np.float32(LOWEST))
    scores_BI[given.row_of_entry, given.columns] = -np.inf
    rank_T = _ranks(scores_BI, targets)
    return {
        "ndcg@10": _ndcg(rank_T, targets, 10),
        "ndcg@100": _ndcg(rank_T, targets, 100),
        "recall@20": _recall(rank_T, targets, 20),
        "recall@50": _recall(rank_T, targets, 50),
    }


def _ranks(scores_BI: Values, targets: Rows) -> Offsets:
    """Rank each target among all items, 1 the best: int64 (T,), sorted by score within each user.

    Among items with equal scores the targets come last.
    """
    user_T = targets.row_of_entry
    score_T = scores_BI[user_T, targets.columns]
    order = np.lexsort((-score_T, user_T))
    score_T = score_T[order]
    ascending_BI = np.sort(scores_BI, axis=1)
    num_items = scores_BI.shape[1]
    rank_T = np.empty(len(order), np.int64)
    for b in range(len(targets)):
        row = slice(targets.offsets[b], targets.offsets[b + 1])
        rank_T[row] = num_items - np.searchsorted(ascending_BI[b], score_T[row], side="left")
    # The targets of one tie share its last rank so far; each steps up by the number of them behind it.
    starts = np.flatnonzero(np.r_[True, (np.diff(score_T) != 0) | (np.diff(user_T) != 0)])
    ends = np.r_[starts[1:], len(order)]
    num_behind_T: Offsets = np.repeat(ends, ends - starts) - 1 - np.arange(len(order))
    return rank_T - num_behind_T


def _ndcg(rank_T: Offsets, targets: Rows, k: int) -> PerUser:
    """Compute NDCG@k with binary gains; the ideal list holds min(k, targets) of them."""
    gain_T = np.where(rank_T <= k, 1 / np.log2(rank_T + 1.0), 0)
    ideal = np.concatenate(([0], np.cumsum(1 / np.log2(np.arange(k) + 2.0))))
    return np.bincount(targets.row_of_entry, gain_T, len(targets)) / ideal[np.minimum(targets.counts, k)]


def _recall(rank_T: Offsets, targets: Rows, k: int) -> PerUser:
    """Compute recall@k of the min(k, targets) that could be found."""
    return np.bincount(targets.row_of_entry[rank_T <= k], minlength=len(targets)) / np.minimum(targets.counts, k)


def rating_error(model: Model, given: Rows, targets: Rows) -> RatingError:
    """Measure predicted ratings on the held-out cells of users folded in from ``given``."""
    error = np.concatenate([np.empty(0), *_errors(model.rating, given, targets)])
    if not len(error):
        return RatingError(0.0, 0.0, 0)
    return RatingError(float(np.sqrt((error**2).mean())), float(np.abs(error).mean()), len(error))


def errors_of_users(predict: Scorer, given: Rows, targets: Rows) -> tuple[PerUser, PerUser]:
    """Add up each user's squared and absolute errors on the held-out cells: float64 (B,) and (B,), 0 without any."""
    error_T = np.concatenate([np.empty(0), *_errors(predict, given, targets)])
    squared_B: PerUser = np.bincount(targets.row_of_entry, error_T**2, len(targets)).astype(np.float64)
    absolute_B: PerUser = np.bincount(targets.row_of_entry, np.abs(error_T), len(targets)).astype(np.float64)
    return squared_B, absolute_B


def squared_error(predict: Scorer, given: Rows, targets: Rows) -> float:
    """Add up the squared errors of predicted ratings on the held-out cells."""
    return float(sum((error**2).sum() for error in _errors(predict, given, targets)))


def _errors(predict: Scorer, given: Rows, targets: Rows) -> Iterator[PerUser]:
    """Subtract the held-out ratings from the predicted ones, a batch of users at a time: float64 (T,)."""
    for batch in batches(np.flatnonzero(targets.counts), predict):
        cells = targets.take(batch)
        predicted = predict(given.take(batch))[cells.row_of_entry, cells.columns]
        yield predicted.astype(np.float64) - cells.values


def mean_and_error(values: PerUser) -> tuple[float, float]:
    """Return the mean and its standard error; 0 and 0 of no values."""
    if not len(values):
        return 0.0, 0.0
    std = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return float(values.mean()), std / float(np.sqrt(len(values)))


def paired_difference(a: PerUser, b: PerUser, seed: int = 0, num_resamples: int = 2_000) -> Difference:
    """Compare two scorers on the same users.

    Args:
        a: one metric of the first scorer for each user, float64 (N,).
        b: the same metric of the second for the same users.
        seed: of the bootstrap.
        num_resamples: bootstrap samples for the interval.

    Raises:
        ValueError: if the numbers of users differ.
    """
    if a.shape != b.shape:
        raise ValueError("the two scorers must be judged on the same users")
    difference = a - b
    mean, error = mean_and_error(difference)
    if not len(difference):
        return Difference(0.0, 0.0, 0.0, 0.0)
    generator = np.random.default_rng(seed)
    picks = (generator.integers(len(difference), size=len(difference)) for _ in range(num_resamples))
    means = np.fromiter((difference[pick].mean() for pick in picks), np.float64, num_resamples)
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(mean, error, float(low), float(high))
