"""The shares of several models in a blend, chosen on the validation users.

Scores of different models have no common unit, so each user's are standardised first (z-scores over all items). Shares
are multiples of an eighth: with a few hundred users to choose on, finer ones would be chosen by chance.
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

PARTS = 8  # of which the shares consist
DEPTH = 200  # best items of each model that are candidates for a blend's list
EXCLUDED = np.float32(-1e6)  # z-score of an item that must not be in a list
MIN_STANDARD_ERRORS = 2  # of a mean difference that counts as clear
RESAMPLES = 500
MIN_SHARE = 1 / 16
TIE = np.float32(1e-6)  # subtracted from a target's score, so that it ranks behind others with the same score

Shares = NDArray[np.float64]
PerUser = NDArray[np.float64]


def mixtures(num_models: int) -> Iterator[Shares]:
    """Yield every way to divide `PARTS` parts among models: float64 (M,), their sum 1."""
    for bars in combinations(range(PARTS + num_models - 1), num_models - 1):
        edges = np.array([-1, *bars, PARTS + num_models - 1])
        yield (np.diff(edges) - 1) / PARTS


@dataclass(frozen=True)
class Candidates:
    """The items that may be in the lists of some users.

    Attributes:
        scores: float32 (M, N, L), standardised; `EXCLUDED` for an item that must not be in the list.
        is_target: bool (N, L).
        num_targets: int64 (N,), including targets that are not candidates.
    """

    scores: Values
    is_target: NDArray[np.bool_]
    num_targets: NDArray[np.int64]

    def gains(self, shares: Shares) -> PerUser:
        """Measure a blend: the mean of NDCG@10 and NDCG@100 for each user, float64 (N,)."""
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
        *,
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
    scores_MBI[:, given.row_of_entry, given.columns] = EXCLUDED
    depth = min(DEPTH, scores_MBI.shape[2])
    best = [np.argpartition(-scores_BI, depth - 1, axis=1)[:, :depth] for scores_BI in scores_MBI]
    columns_BL = np.sort(np.concatenate(best, axis=1), axis=1)
    is_again_BL = np.diff(columns_BL, axis=1, prepend=-1) == 0
    scores_MBL = np.take_along_axis(scores_MBI, columns_BL[None], axis=2)
    scores_MBL[:, is_again_BL] = EXCLUDED
    wanted_BI = np.zeros(scores_MBI.shape[1:], bool)
    wanted_BI[targets.row_of_entry, targets.columns] = True
    return scores_MBL, np.take_along_axis(wanted_BI, columns_BL, axis=1) & ~is_again_BL


def ranking_shares(
    models: Sequence[Model],
    given: Rows,
    targets: Rows,
    scale: RatingScale,
    *,
    check_cancelled: CheckCancelled = lambda: None,
) -> Shares | None:
    """Choose the shares that rank best: float64 (M,), their sum 1; None if no user has a liked target.

    They are the mean of the best shares of `RESAMPLES` bootstrap samples of the users: with few users the samples
    disagree and the shares stay nearly equal; with many they agree on the best. A small share is set to 0.
    Source: Breiman, "Bagging predictors", Machine Learning 24, 1996.
    """
    if not (targets.values >= scale.like_threshold).any():
        return None
    candidates = Candidates.of(models, given, targets, scale, check_cancelled=check_cancelled)
    every = np.stack(list(mixtures(len(models))))
    gains_XN = np.stack([candidates.gains(shares) for shares in every])
    num_users = gains_XN.shape[1]
    times_RN = np.random.default_rng(0).multinomial(num_users, np.full(num_users, 1 / num_users), RESAMPLES)
    shares = every[(gains_XN @ times_RN.T).argmax(axis=0)].mean(axis=0)
    shares[shares < MIN_SHARE] = 0
    return cast("Shares", shares / shares.sum())


def is_clearly_more(one: PerUser, other: PerUser) -> bool:
    """Return whether the mean difference, user by user, is more than `MIN_STANDARD_ERRORS` standard errors above 0."""
    difference_N = one - other
    error = difference_N.std(ddof=1) / len(difference_N) ** 0.5 if len(difference_N) > 1 else 0.0
    return bool(difference_N.mean() > MIN_STANDARD_ERRORS * error)


def rating_shares(models: Sequence[Model], given: Rows, targets: Rows) -> Shares | None:
    """Choose the shares that predict the held-out ratings best: float64 (M,), their sum 1; None if there are none."""
    if not targets.num_ratings:
        return None
    predicted_MT = np.stack([_at_targets(model, given, targets) for model in models])
    error_MT = predicted_MT - targets.values
    squares_MM = error_MT @ error_MT.T  # the squared error of shares s is s'(squares)s, since their sum is 1
    return min(mixtures(len(models)), key=lambda shares: float(shares @ squares_MM @ shares))


def _at_targets(model: Model, given: Rows, targets: Rows) -> NDArray[np.float64]:
    """Predict the held-out ratings: float64 (T,)."""
    parts = [np.empty(0)]
    for batch in batches(np.flatnonzero(targets.counts), model.rating):
        cells = targets.take(batch)
        parts.append(model.rating(given.take(batch))[cells.row_of_entry, cells.columns].astype(np.float64))
    return np.concatenate(parts)
