"""Ratings as the models see them: sparse rows of users over a vocabulary of items. The only input type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]
Offsets = NDArray[np.int64]
Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class RatingScale:
    """The declared scale of ratings.

    A rating of at least ``like_threshold`` counts as liked.
    """

    minimum: float
    maximum: float
    step: float
    like_threshold: float


@dataclass(frozen=True)
class Rows:
    """A batch of users' ratings as compressed sparse rows; no row is ever made dense over the items.

    Attributes:
        offsets: int64 (B + 1,), row b holds entries ``offsets[b]:offsets[b + 1]``.
        columns: int32 (E,), item of each entry: an index into the vocabulary, no item twice in a row.
        values: float32 (E,), rating of each entry, on the rating scale. Zero is a rating like any other.
    """

    offsets: Offsets
    columns: Indices
    values: Values

    def __len__(self) -> int:
        """Return the number of rows (B)."""
        return len(self.offsets) - 1

    @property
    def num_ratings(self) -> int:
        """Number of entries (E)."""
        return len(self.columns)

    @property
    def counts(self) -> Offsets:
        """Entries of each row: int64 (B,)."""
        return np.diff(self.offsets)

    @property
    def row_of_entry(self) -> Offsets:
        """Row of each entry: int64 (E,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def take(self, users: NDArray[np.integer]) -> Rows:
        """Copy the rows of some users, in the order given."""
        counts = self.counts[users]
        offsets = np.concatenate(([0], np.cumsum(counts)))
        entries = np.repeat(self.offsets[users] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Rows(offsets, self.columns[entries], self.values[entries])

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        """Copy the entries that are ``kept`` (bool (E,)); the rows stay, some perhaps empty."""
        counts = np.bincount(self.row_of_entry[kept], minlength=len(self))
        return Rows(np.concatenate(([0], np.cumsum(counts))), self.columns[kept], self.values[kept])


@dataclass(frozen=True)
class Interactions:
    """The ratings of some users over a vocabulary of items.

    Attributes:
        rows: one row a user.
        item_ids: the vocabulary (I): the caller's id of each column.
        scale: the declared scale of the values.
    """

    rows: Rows
    item_ids: Sequence[str]
    scale: RatingScale

    @property
    def num_users(self) -> int:
        """Number of users (U)."""
        return len(self.rows)

    @property
    def num_items(self) -> int:
        """Number of items in the vocabulary (I)."""
        return len(self.item_ids)

    def take(self, users: NDArray[np.integer]) -> Interactions:
        """Keep only the given users; the vocabulary stays the same."""
        return Interactions(self.rows.take(users), self.item_ids, self.scale)

    @classmethod
    def from_arrays(
        cls,
        users: NDArray[np.integer],
        items: NDArray[np.integer],
        values: NDArray[np.floating],
        item_ids: Sequence[str],
        *,
        scale: RatingScale,
        num_users: int | None = None,
    ) -> Interactions:
        """Sort (user, item, rating) triples into rows.

        Args:
            users: integer (E,), row of each rating, 0-based.
            items: integer (E,), column of each rating: an index into ``item_ids``.
            values: floating (E,), on the rating scale.
            item_ids: the vocabulary.
            scale: the declared scale.
            num_users: number of rows; by default the largest user + 1.

        Raises:
            ValueError: if an item lies outside the vocabulary or a user has rated an item twice.
        """
        if len(items) and (items.min() < 0 or items.max() >= len(item_ids)):
            raise ValueError(f"items must lie in 0..{len(item_ids) - 1}, the vocabulary")
        order = np.lexsort((items, users))
        users, items = users[order], items[order]
        if len(users) and ((np.diff(users) == 0) & (np.diff(items) == 0)).any():
            raise ValueError("a user has rated an item twice: keep the latest rating only")
        total = num_users if num_users is not None else int(users[-1]) + 1 if len(users) else 0
        counts = np.bincount(users, minlength=total)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        rows = Rows(offsets, items.astype(np.int32), values[order].astype(np.float32))
        return cls(rows, item_ids, scale)
