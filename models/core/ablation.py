"""What a model would say without some of a user's ratings.

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

CELLS = 2_000_000  # scores held at once

Groups = NDArray[np.int64]  # (N, G): places among the user's ratings, none twice in a group


class Ablation(ABC):
    """One user's row, to be asked about K columns without some of his ratings.

    It is asked several times: what all groups of ratings have in common is computed once.
    """

    @abstractmethod
    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Score the columns as `Model.preference` would, without one group at a time, all of it at once.

        Args:
            groups: int64 (N, G), places in the row.
            standard: give what `models.core.zscore.standardised` makes of all items' scores.

        Returns:
            float32 (N, K).
        """

    @abstractmethod
    def ratings(self, groups: Groups) -> Values:
        """Predict ratings likewise, as `Model.rating` would: float32 (N, K)."""


@dataclass(frozen=True)
class Asked(Ablation):
    """Asks the model about every row that is left, all items of it, which is exact for every kind.

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
        """Score all items."""
        return self._asked((lambda rows: zscore(self.preference(rows))) if standard else self.preference, groups)

    def ratings(self, groups: Groups) -> Values:
        """Predict all ratings."""
        return self._asked(self.rating, groups)

    def _asked(self, answer: Callable[[Rows], Values], groups: Groups) -> Values:
        rows = (rows_without(self.columns, self.values, block) for block in blocks(groups, self.num_items))
        parts = (answer(some)[:, self.wanted] for some in rows)
        return np.concatenate([np.empty((0, len(self.wanted)), np.float32), *parts])


def rows_without(columns: Indices, values: Values, groups: Groups) -> Rows:
    """Return the user's row N times, each time without one group."""
    places = places_without(len(columns), groups)
    offsets = np.arange(len(groups) + 1) * (len(columns) - groups.shape[1])
    return Rows(offsets, columns[places], values[places])


def places_without(num_places: int, groups: Groups) -> Offsets:
    """Return the places that each group leaves, one group's after the other's: int64 (N * (E - G),)."""
    kept_NE = np.ones((len(groups), num_places), bool)
    np.put_along_axis(kept_NE, groups, False, 1)
    return np.nonzero(kept_NE)[1]


def summed(terms: NDArray[Any], groups: Groups) -> NDArray[Any]:
    """Add the terms (E, ...) of each group up: (N, ...)."""
    return terms[groups[:, 0]] if groups.shape[1] == 1 else terms[groups].sum(axis=1)


def blocks(groups: Groups, num_items: int) -> Iterator[Groups]:
    """Cut groups into blocks whose scores fit in memory."""
    size = max(1, CELLS // max(1, num_items))
    for start in range(0, len(groups), size):
        yield groups[start : start + size]
