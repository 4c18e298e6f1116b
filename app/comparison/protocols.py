"""The protocols: which users are trained on, which are judged, what is given and what is predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from app.comparison.dataset import UNDATED, Dataset, Whole
from app.comparison.problems import ComparisonProblem
from models.core.interactions import Interactions, Rows
from models.evaluation.ranking import holdout
from models.evaluation.split import MAX_TEST, draw_users, hide_tenth
from models.fit import HOLDOUT_SEED

BEFORE = 0.8  # share of the ratings that lie before the date of the time split


@dataclass(frozen=True)
class Split:
    """One split of the ratings.

    Attributes:
        train: what is learned from.
        validation: chooses epochs and hyper-parameters; `Fit` hides a fifth of it.
        users: int64 (N,), the rows of the users who are judged.
        given: what is shown of them (N rows).
        targets: what they are judged on (N rows).
    """

    train: Interactions
    validation: Interactions
    users: Whole
    given: Rows
    targets: Rows


@dataclass(frozen=True)
class Protocol:
    """A way to judge: its title, its metrics, and the validation metric that chooses the epoch."""

    title: str
    metrics: tuple[str, ...]
    selected_by: str
    split: Callable[[Dataset, int], Split]


def unseen_users(dataset: Dataset, seed: int) -> Split:
    """Keep users out of training; 80 % of each one's ratings are given, the rest is to be predicted."""
    data = dataset.interactions
    train, validation, test = draw_users(data.num_users, seed)
    given, targets = holdout(data.rows.take(test), seed=seed + 1)
    return Split(data.take(train), data.take(validation), test, given, targets)


def hidden_ratings(dataset: Dataset, seed: int) -> Split:
    """Hide a random tenth of all users' ratings; all users are seen, except for what their validation hides."""
    data = dataset.interactions
    shown, hidden = hide_tenth(data, seed)
    train, validation, _ = draw_users(data.num_users, seed, test_share=0.0)
    judges = shown.take(validation)
    kept, _ = holdout(judges.rows, seed=HOLDOUT_SEED)  # as `Fit` will split them
    seen = Interactions(concatenate(shown.rows.take(train), kept), data.item_ids, data.scale)
    users = np.flatnonzero(hidden.counts)
    return Split(seen, judges, users, shown.rows.take(users), hidden.take(users))


def later_ratings(dataset: Dataset, seed: int) -> Split:
    """Train on what was rated before a date; predict what users who are known by then rate after it.

    Raises:
        ComparisonProblem: if the ratings have no dates, or no user rated on both sides.
    """
    data, times = dataset.interactions, dataset.rated_at_us
    if undated := int((times == UNDATED).sum()):
        raise ComparisonProblem(f"The time split needs dates, and {undated:,} ratings have none.")
    is_later = times > np.quantile(times, BEFORE)
    before, later = data.rows.where(~is_later), data.rows.where(is_later)
    both = np.flatnonzero((before.counts > 0) & (later.counts > 0))
    if not len(both):
        raise ComparisonProblem("The time split needs users who rated before its date and after it; there is none.")
    users = np.sort(np.random.default_rng(seed).permutation(both)[:MAX_TEST])
    known = np.flatnonzero(before.counts)
    train, validation, _ = (known[part] for part in draw_users(len(known), seed, test_share=0.0))
    past = Interactions(before, data.item_ids, data.scale)
    return Split(past.take(train), past.take(validation), users, before.take(users), later.take(users))


def concatenate(a: Rows, b: Rows) -> Rows:
    """Stack the rows of b under those of a."""
    offsets = np.concatenate((a.offsets, a.offsets[-1] + b.offsets[1:]))
    return Rows(offsets, np.concatenate((a.columns, b.columns)), np.concatenate((a.values, b.values)))


RANKING = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")
RATING = ("rmse", "mae")
PROTOCOLS: Mapping[str, Protocol] = {
    "unseen": Protocol("Unseen users", RANKING + RATING, "ndcg@100", unseen_users),
    "ratings": Protocol("Hidden ratings of seen users", RATING, "rmse", hidden_ratings),
    "time": Protocol("What users rated later", RANKING + RATING, "ndcg@100", later_ratings),
}
