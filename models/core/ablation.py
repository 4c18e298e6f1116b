"""A user's scores and predicted ratings, had they not given some of their ratings.

Shape letters: E ratings of the user, N groups of them, G ratings in each group, K columns asked for, I items.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Indices, Offsets, Rows, Values
from models.core.zscore import zscore

MAX_SCORES = 2_000_000  # scores held at once

Groups = NDArray[np.int64]  # (N, G): places among the user's ratings, none twice in a group


class Ablation(ABC):
    """Scores and predicted ratings of K columns for one user without some of their ratings.

    It is called several times: what all groups of ratings have in common is computed once.
    """

    @abstractmethod
    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Score the columns as `Model.preference` would without each group of ratings.

        Args:
            groups: int64 (N, G), places in the row.
            standard: return z-scores over all items, as `models.core.zscore.zscore` computes them.

        Returns:
            float32 (N, K).
        """

    @abstractmethod
    def ratings(self, groups: Groups) -> Values:
        """Predict ratings as `Model.rating` would without each group of ratings: float32 (N, K)."""


@dataclass(frozen=True, kw_only=True)
class RecomputedAblation(Ablation):
    """Folds in every row that a group leaves and scores all items, which is exact for every kind.

    Attributes:
        preference: scores all items.
        rating: predicts all ratings.
        num_items: I.
        columns: int32 (E,), the row.
        values: float32 (E,).
        wanted: int32 (K,).
    """

    preference: Callable[[Rows], Values]
    rating: Callable[[Rows], Values]
    num_items: int
    columns: Indices
    values: Values
    wanted: Indices

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Score all items and keep the wanted columns."""
        return self._answers((lambda rows: zscore(self.preference(rows))) if standard else self.preference, groups)

    def ratings(self, groups: Groups) -> Values:
        """Predict all ratings and keep the wanted columns."""
        return self._answers(self.rating, groups)

    def _answers(self, answer: Callable[[Rows], Values], groups: Groups) -> Values:
        rows = (rows_without(self.columns, self.values, block) for block in blocks(groups, self.num_items))
        parts = (answer(some)[:, self.wanted] for some in rows)
        return np.concatenate([np.empty((0, len(self.wanted)), np.float32), *parts])


def rows_without(columns: Indices, values: Values, groups: Groups) -> Rows:
    """Return the user's row N times, each time without one group."""
    places = places_without(len(columns), groups)
    offsets = np.arange(len(groups) + 1) * (len(columns) - groups.shape[1])
    return Rows(offsets, columns[places], values[places])


def places_without(num_places: int, groups: Groups) -> Offsets:
    """Return the places that each group leaves, group after group: int64 (N * (E - G),)."""
    kept_NE = np.ones((len(groups), num_places), bool)
    np.put_along_axis(kept_NE, groups, False, 1)
    return np.nonzero(kept_NE)[1]


def sum_groups(terms: NDArray[Any], groups: Groups) -> NDArray[Any]:
    """Add up the terms (E, ...) of each group: (N, ...)."""
    return terms[groups[:, 0]] if groups.shape[1] == 1 else terms[groups].sum(axis=1)


def blocks(groups: Groups, num_items: int) -> Iterator[Groups]:
    """Cut groups into blocks whose scores fit in memory."""
    size = max(1, MAX_SCORES // max(1, num_items))
    for start in range(0, len(groups), size):
        yield groups[start : start + size]
