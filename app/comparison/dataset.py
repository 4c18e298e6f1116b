"""The ratings that kinds are compared on, ordered by the callers' ids: equal ratings are split alike everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Interactions, RatingScale, Rows

UNDATED = np.iinfo(np.int64).max

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Ratings with what the models do not see of them.

    Attributes:
        name: where they come from.
        interactions: one row a user; users and items stand in the order of their ids.
        user_ids: the caller's id of each row.
        rated_at_us: int64 (E,), when each entry was rated; UNDATED where that is not known.
        num_refused: rows of the file that are none.
    """

    name: str
    interactions: Interactions
    user_ids: Sequence[str]
    rated_at_us: Whole
    num_refused: int = 0

    @classmethod
    def of(
        cls, name: str, *, users: Ids, items: Ids, values: NDArray[np.floating], times: Whole, scale: RatingScale
    ) -> Dataset:
        """Put ratings in order; no user may have rated an item twice."""
        (user_ids, user_E), (item_ids, item_E) = users.in_order(), items.in_order()
        ordered = np.lexsort((item_E, user_E))
        interactions = Interactions.from_arrays(user_E, item_E, values, item_ids, scale=scale, num_users=len(user_ids))
        return cls(name, interactions, user_ids, times[ordered])

    def describe(self) -> dict[str, object]:
        """Return the size of the data, by name."""
        data = self.interactions
        return {
            "name": self.name,
            "users": data.num_users,
            "items": data.num_items,
            "ratings": data.rows.num_ratings,
            "refused_rows": self.num_refused,
            "scale": asdict(data.scale),
        }

    def save(self, path: Path) -> None:
        """Write the arrays to a file for `load`."""
        data = self.interactions
        np.savez(
            path,
            offsets=data.rows.offsets,
            columns=data.rows.columns,
            values=data.rows.values,
            times=self.rated_at_us,
            users=np.array(self.user_ids),
            items=np.array(data.item_ids),
            scale=np.array(list(asdict(data.scale).values())),
            name=np.array(self.name),
        )

    @classmethod
    def load(cls, path: Path) -> Dataset:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            low, high, step, like = arrays["scale"].tolist()
            scale = RatingScale(minimum=low, maximum=high, step=step, like_threshold=like)
            rows = Rows(arrays["offsets"], arrays["columns"], arrays["values"])
            data = Interactions(rows, arrays["items"].tolist(), scale)
            return cls(str(arrays["name"]), data, arrays["users"].tolist(), arrays["times"])


@dataclass(frozen=True)
class Ids:
    """A column of ids: the distinct ones, and for each entry its place among them (int64 (E,))."""

    distinct: Sequence[str]
    places: Whole

    def in_order(self) -> tuple[list[str], Whole]:
        """Sort the ids that occur, as text: the ids, and for each entry its new place."""
        occurs = np.bincount(self.places, minlength=len(self.distinct)) > 0
        ordered = sorted(np.flatnonzero(occurs).tolist(), key=lambda place: self.distinct[place])
        new = np.zeros(len(self.distinct), np.int64)
        new[ordered] = np.arange(len(ordered))
        return [self.distinct[place] for place in ordered], new[self.places]
