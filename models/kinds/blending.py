"""Which share each of several models should have in a blend, chosen on the validation users.

Scores of different models have no common unit, so each user's are standardised first (z-scores over all items). What is
tried are eighths: with some hundred users to choose on, finer ones would be chosen by chance.
Shape letters: M models, B users in a batch, I items, N judged users, L candidates of a user, T held-out ratings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import RatingScale, Rows, Values
from models.core.model import Model
from models.core.zscore import zscore
from models.evaluation.ranking import batches
from models.fitting.fitter import CheckCancelled

PARTS = 8  # of which the shares are made
DEPTH = 200  # best items of each model that may come into a blend's list
LAST = np.float32(-1e6)  # z-score of an item that must not come into a list
CLEARLY = 2  # standard errors
RESAMPLES = 500
MIN_SHARE = 1 / 16
TIE = np.float32(1e-6)  # by which a target comes behind the others that have its score

Shares = NDArray[np.float64]
PerUser = NDArray[np.float64]


def mixtures(num_models: int) -> Iterator[Shares]:
    """Return every way to share out `PARTS` parts among models: float64 (M,), 1 in sum."""
    for bars in combinations(range(PARTS + num_models - 1), num_models - 1):
        edges = np.array([-1, *bars, PARTS + num_models - 1])
        yield (np.diff(edges) - 1) / PARTS


@dataclass(frozen=True)
class Candidates:
    """What the lists of some users may be made of.

    Attributes:
        scores: float32 (M, N, L), standardised; `LAST` for what must not come in.
        is_target: bool (N, L).
        num_targets: int64 (N,), those included that are no candidate.
    """

    scores: Values
    is_target: NDArray[np.bool_]
    num_targets: NDArray[np.int64]

    def gains(self, shares: Shares) -> PerUser:
        """Judge a blend: the mean of NDCG@10 and NDCG@100 for each user, float64 (N,)."""
        blended_NL = np.tensordot(shares.astype(np.float32), self.scores, 1) - TIE * self.is_target
        best_NL = np.argsort(-blended_NL, axis=1, kind="stable")[:, :100]
        hit_NL = np.take_along_axis(self.is_target, best_NL, axis=1)
        discount = 1 / np.log2(np.arange(hit_NL.shape[1]) + 2.0)
        gained_NL = np.cumsum(hit_NL * discount, axis=1)
        ideal = np.cumsum(1 / np.log2(np.arange(100) + 2.0))
        at = [
            gained_NL[:, min(k, gained_NL.shape[1]) - 1] / ideal[np.minimum(self.num_targets, k) - 1] for k in (10, 100)
        ]
        gains_N: PerUser = np.mean(at, axis=0)
        return gains_N

    @classmethod
    def of(
        cls,
        models: Sequence[Model],
        given: Rows,
        targets: Rows,
        scale: RatingScale,
        check_cancelled: CheckCancelled = lambda: None,
    ) -> Candidates:
        """Take the best `DEPTH` items of each model for every user who has a liked target."""
        liked = targets.where(targets.values >= scale.like_threshold)
        users = np.flatnonzero(liked.counts)
        found = []
        for batch in batches(users, models[0].preference):
            check_cancelled()
            found.append(_candidates(models, given.take(batch), liked.take(batch)))
        scores, is_target = zip(*found, strict=True)
        return cls(np.concatenate(scores, axis=1), np.concatenate(is_target), liked.counts[users])


def _candidates(models: Sequence[Model], given: Rows, targets: Rows) -> tuple[Values, NDArray[np.bool_]]:
    scores_MBI = np.stack([zscore(model.preference(given)) for model in models])
    scores_MBI[:, given.row_of_entry, given.columns] = LAST
    depth = min(DEPTH, scores_MBI.shape[2])
    best = [np.argpartition(-scores_BI, depth - 1, axis=1)[:, :depth] for scores_BI in scores_MBI]
    columns_BL = np.sort(np.concatenate(best, axis=1), axis=1)
    is_again_BL = np.diff(columns_BL, axis=1, prepend=-1) == 0
    scores_MBL = np.take_along_axis(scores_MBI, columns_BL[None], axis=2)
    scores_MBL[:, is_again_BL] = LAST
    wanted_BI = np.zeros(scores_MBI.shape[1:], bool)
    wanted_BI[targets.row_of_entry, targets.columns] = True
    return scores_MBL, np.take_along_axis(wanted_BI, columns_BL, axis=1) & ~is_again_BL


def ranking_shares(
    models: Sequence[Model],
    given: Rows,
    targets: Rows,
    scale: RatingScale,
    check_cancelled: CheckCancelled = lambda: None,
) -> Shares | None:
    """Choose the shares that rank best; None where nobody can be judged: float64 (M,), 1 in sum.

    The mean of what is best for `RESAMPLES` samples of the users, each as many as there are, drawn with replacement:
    few users disagree, and the shares stay near to equal; many agree on the best. A member of little share is dropped.
    Source: Breiman, "Bagging predictors", Machine Learning 24, 1996.
    """
    if not (targets.values >= scale.like_threshold).any():
        return None
    candidates = Candidates.of(models, given, targets, scale, check_cancelled)
    every = np.stack(list(mixtures(len(models))))
    gains_XN = np.stack([candidates.gains(shares) for shares in every])
    num_users = gains_XN.shape[1]
    times_RN = np.random.default_rng(0).multinomial(num_users, np.full(num_users, 1 / num_users), RESAMPLES)
    shares = every[(gains_XN @ times_RN.T).argmax(axis=0)].mean(axis=0)
    shares[shares < MIN_SHARE] = 0
    return cast("Shares", shares / shares.sum())


def is_clearly_more(one: PerUser, other: PerUser) -> bool:
    """Return whether the mean of the differences, user by user, is above `CLEARLY` of its standard errors."""
    difference_N = one - other
    error = difference_N.std(ddof=1) / len(difference_N) ** 0.5 if len(difference_N) > 1 else 0.0
    return bool(difference_N.mean() > CLEARLY * error)


def rating_shares(models: Sequence[Model], given: Rows, targets: Rows) -> Shares | None:
    """Choose the shares that predict the held-out ratings best; None without any: float64 (M,), 1 in sum."""
    if not targets.num_ratings:
        return None
    predicted_MT = np.stack([_at_targets(model, given, targets) for model in models])
    error_MT = predicted_MT - targets.values
    squares_MM = error_MT @ error_MT.T  # of shares s the squared error is s'(squares)s, since they are 1 in sum
    return min(mixtures(len(models)), key=lambda shares: float(shares @ squares_MM @ shares))


def _at_targets(model: Model, given: Rows, targets: Rows) -> NDArray[np.float64]:
    """Predict the held-out ratings: float64 (T,)."""
    parts = [np.empty(0)]
    for batch in batches(np.flatnonzero(targets.counts), model.rating):
        cells = targets.take(batch)
        parts.append(model.rating(given.take(batch))[cells.row_of_entry, cells.columns].astype(np.float64))
    return np.concatenate(parts)
