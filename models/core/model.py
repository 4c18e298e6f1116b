"""The interface of every kind of autoencoder; tests/models/test_contract.py holds each kind to it.

Shape letters: B users in a batch, I items, E ratings in a batch, K columns asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.core.ablation import Ablation, RecomputedAblation
from models.core.interactions import Indices, RatingScale, Rows, Values


class Config(Protocol):
    """A frozen dataclass of one kind's hyper-parameters; ``num_items`` (I) is one of them."""

    @property
    def num_items(self) -> int:
        """Return the number of items."""


@dataclass(frozen=True)
class FoldIn:
    """One user folded in: what the model reconstructs from their row of ratings.

    Attributes:
        preference: float32 (I,), no unit; higher means recommend sooner. Rated items included.
        model: the model that folded the user in.
        columns: int32 (E,), the row.
        values: float32 (E,).
        together: whether the user was folded in with others in one pass, which rounds differently than alone.
    """

    preference: Values
    model: Model
    columns: Indices
    values: Values
    _: KW_ONLY
    together: bool = False
    _ratings: dict[bytes, Values] = field(default_factory=dict, repr=False)

    def rating(self, columns: Indices) -> Values:
        """Predict the ratings of some columns, clipped to the scale, and cache them: float32 (K,)."""
        key = columns.tobytes()
        if key not in self._ratings:
            self._ratings[key] = self.model.rating_row(self.columns, self.values, columns)
        return self._ratings[key]


class Model(ABC):
    """A trained autoencoder that folds in any user, whether or not they were in the training data."""

    kind: ClassVar[str]
    config: Config
    scale: RatingScale

    @abstractmethod
    def preference(self, rows: Rows) -> Values:
        """Score every item for a batch of users: float32 (B, I), no unit, rated items included; finite always."""

    @abstractmethod
    def rating(self, rows: Rows) -> Values:
        """Predict every rating of a batch of users: float32 (B, I), clipped to the scale."""

    @abstractmethod
    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Score every item for one user, without torch where that is faster: float32 (I,), equal to `preference`."""

    @abstractmethod
    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings of the ``wanted`` columns: float32 (K,), equal to `rating` there."""

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Return what recomputes scores and ratings of the ``wanted`` columns without some of a user's ratings.

        Args:
            columns: int32 (E,), the user's row.
            values: float32 (E,).
            wanted: int32 (K,).
        """
        return RecomputedAblation(
            preference=self.preference,
            rating=self.rating,
            num_items=self.config.num_items,
            columns=columns,
            values=values,
            wanted=wanted,
        )

    @abstractmethod
    def item_vectors(self) -> Values:
        """Return item vectors whose cosine measures similarity: float32 (I, D), D a few hundred at most.

        Of length 1, or 0 for an item that the model has learned nothing about; unreliable for items with few ratings.
        Computed again in each call, which may take seconds.
        """

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return every weight under its name, on the CPU."""

    @classmethod
    @abstractmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from the result of `tensors` and the config as a dict."""

    def fold_in(self, columns: Indices, values: Values) -> FoldIn:
        """Fold in one user. ``columns`` int32 (E,) and ``values`` float32 (E,) may be empty."""
        return FoldIn(self.preference_row(columns, values), self, columns, values)


def clip_to_scale(ratings: NDArray[np.float32], scale: RatingScale) -> Values:
    """Clip ratings to the declared scale."""
    return np.clip(ratings, np.float32(scale.minimum), np.float32(scale.maximum))
