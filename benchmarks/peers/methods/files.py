"""The files of a task as a peer sees them; `benchmarks.peers.tasks` writes them.

Shape letters: U users, I items, E ratings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix = Any  # scipy.sparse.csr_matrix; scipy has no types
Scores = NDArray[np.float32]
Targets = list[NDArray[np.int32]]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The declared scale; a rating of at least ``like_threshold`` counts as liked."""

    minimum: float
    maximum: float
    step: float
    like_threshold: float


@dataclass(frozen=True)
class Cells:
    """Ratings one by one: user and item int64 (E,), value float32 (E,), all 0 where it is what is asked."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    values: Scores

    def __len__(self) -> int:
        """Count the ratings (E)."""
        return len(self.users)

    def joined(self, other: Cells) -> Cells:
        """Put more ratings behind these."""
        return Cells(
            np.concatenate((self.users, other.users)),
            np.concatenate((self.items, other.items)),
            np.concatenate((self.values, other.values)),
        )


@dataclass(frozen=True)
class TaskFiles:
    """A folder with a task: `meta.json` and one npz file for each set of ratings."""

    folder: Path

    @cached_property
    def meta(self) -> dict[str, Any]:
        """Protocol, numbers of users and items, scale."""
        return dict(json.loads((self.folder / "meta.json").read_text(encoding="utf-8")))

    @property
    def scale(self) -> Scale:
        """The declared scale."""
        return Scale(**self.meta["scale"])

    def rows(self, name: str) -> Matrix:
        """Read ratings as a matrix (U, I); a rating of 0 is a stored 0."""
        with np.load(self.folder / f"{name}.npz") as file:
            shape = len(file["offsets"]) - 1, self.meta["num_items"]
            return sparse.csr_matrix((file["values"], file["columns"], file["offsets"]), shape=shape)

    def cells(self, name: str) -> Cells:
        """Read ratings one by one, in the order of the file."""
        with np.load(self.folder / f"{name}.npz") as file:
            users = np.repeat(np.arange(len(file["offsets"]) - 1), np.diff(file["offsets"]))
            return Cells(users, file["columns"].astype(np.int64), file["values"])
