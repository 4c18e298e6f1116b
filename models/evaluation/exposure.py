"""The exposure that a model's lists give to items: how many items, how evenly, and how much the lists overlap.

Sources: Ge, Delgado-Battenfeld & Jannach, "Beyond Accuracy: Evaluating Recommender Systems by Coverage and
Serendipity", RecSys 2010 (catalogue coverage); Fleder & Hosanagar, "Blockbuster Culture's Next Rise or Fall",
Management Science 2009 (Gini); Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems",
PNAS 2010 (overlap of users' lists).
Shape letters: B users in a batch, I items, N users with a list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Interactions, Offsets, Rows
from models.core.model import Model
from models.evaluation.ranking import Scorer, batches
from models.inference.top_k import top_k

LENGTH = 10  # of a list
PerItem = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How the places in all users' lists are spread over the items. All 0 if there are no lists.

    Attributes:
        num_lists: users with a list (N).
        coverage: share of the items that are in at least one list, 0..1.
        gini: 0 (every item as often as any other) to 1 (one item has all places).
        popularity: mean over all places of the share of training users who rated the item, 0..1.
        overlap: mean over pairs of users of the share of a list that both have, 0 (nothing) to 1 (the same items).
    """

    num_lists: int
    coverage: float
    gini: float
    popularity: float
    overlap: float


def exposure(scorer: Model | Scorer, given: Rows, popularity: PerItem, length: int = LENGTH) -> Exposure:
    """Measure the lists that users would get of items they have not rated.

    Args:
        scorer: a model, or anything that turns rows into scores float32 (B, I).
        given: ratings of each user that the scorer sees; never in the user's list.
        popularity: float64 (I,), as `rated_share` returns it; only averaged, never ranked by.
        length: items of a list.
    """
    counts = list_counts(scorer, given, len(popularity), length)
    num_places, num_lists = int(counts.sum()), len(given)
    if not num_places:
        return Exposure(num_lists=num_lists, coverage=0.0, gini=0.0, popularity=0.0, overlap=0.0)
    return Exposure(
        num_lists=num_lists,
        coverage=np.count_nonzero(counts) / len(counts),
        gini=gini(counts),
        popularity=float(counts @ popularity) / num_places,
        overlap=overlap(counts, num_lists),
    )


def rated_share(train: Interactions) -> PerItem:
    """Return the share of users who rated each item, liked or not: float64 (I,), 0..1."""
    return np.bincount(train.rows.columns, minlength=train.num_items) / max(1, train.num_users)


def list_counts(scorer: Model | Scorer, given: Rows, num_items: int, length: int) -> Offsets:
    """Count the lists that each item is in: int64 (I,). Scores are held for one batch of users at a time."""
    score = scorer.preference if isinstance(scorer, Model) else scorer
    counts = np.zeros(num_items, np.int64)
    for batch in batches(np.arange(len(given)), score):
        rows = given.take(batch)
        for b, scores_I in enumerate(score(rows)):
            counts[top_k(scores_I, length, rows.columns[rows.offsets[b] : rows.offsets[b + 1]])] += 1
    return counts


def gini(counts: Offsets) -> float:
    """Return the Gini coefficient of counts that are not all 0: 0 if equal, (I - 1) / I if all but one are 0."""
    num, ascending = len(counts), np.sort(counts)
    return float(2 * (np.arange(1, num + 1) @ ascending) / (num * ascending.sum()) - (num + 1) / num)


def overlap(counts: Offsets, num_lists: int) -> float:
    """Return the mean share of a list that two different users have in common, 0..1.

    An item in c lists is shared by c (c - 1) / 2 pairs, so the pairs need not be enumerated.

    Args:
        counts: int64 (I,), the number of lists each item is in; not all 0.
        num_lists: N; the result is 0 for a single list.
    """
    if num_lists < 2:
        return 0.0
    shared = float((counts * (counts - 1)).sum()) / (num_lists * (num_lists - 1))
    return shared / (float(counts.sum()) / num_lists)
