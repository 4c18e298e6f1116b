"""What a model would say without some of a user's ratings: by asking it, which is exact for every kind.

Shape letters: E ratings of the user, N groups of them, G ratings in each group, K columns asked for, I items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.interactions import Indices, Rows, Values

CELLS = 2_000_000  # scores held at once

Groups = NDArray[np.int64]  # (N, G): places among the user's ratings, none twice in a group


def rows_without(columns: Indices, values: Values, groups: Groups) -> Rows:
    """Give the user's row N times, each time without one group."""
    num_groups, group_size = groups.shape
    kept_NE = np.ones((num_groups, len(columns)), bool)
    np.put_along_axis(kept_NE, groups, False, 1)
    places = np.nonzero(kept_NE)[1]
    offsets = np.arange(num_groups + 1) * (len(columns) - group_size)
    return Rows(offsets, columns[places], values[places])


def asked(
    answer: Callable[[Rows], Values], columns: Indices, values: Values, groups: Groups, wanted: Indices, num_items: int
) -> Values:
    """Ask for all items without each group, some groups at a time, and keep the wanted: float32 (N, K)."""
    parts = (answer(rows_without(columns, values, block))[:, wanted] for block in blocks(groups, num_items))
    return np.concatenate([np.empty((0, len(wanted)), np.float32), *parts])


def blocks(groups: Groups, num_items: int) -> Iterator[Groups]:
    """Cut groups into blocks whose scores fit in memory."""
    size = max(1, CELLS // max(1, num_items))
    for start in range(0, len(groups), size):
        yield groups[start : start + size]
