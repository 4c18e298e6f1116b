"""What every kind of autoencoder is to the rest of Palate: the contract that tests/models/test_contract.py checks.

Shape letters: B users in a batch, I items, E ratings in a batch, K columns asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.core.ablation import Ablation, Asked
from models.core.interactions import Indices, RatingScale, Rows, Values


class Config(Protocol):
    """A frozen dataclass of one kind's hyper-parameters; ``num_items`` (I) is one of them."""

    @property
    def num_items(self) -> int:
        """Count the items."""


@dataclass(frozen=True)
class FoldIn:
    """One user, folded in: what the model reconstructs from a row of ratings.

    Attributes:
        preference: float32 (I,), no unit; higher means recommend sooner. Rated items included.
        model: which has folded him in.
        columns: int32 (E,), the row.
        values: float32 (E,).
        together: folded in with others in one pass, which rounds otherwise than alone.
        rating: float32 (I,) predicted ratings clipped to the scale, or the means to compute them per column.
    """

    preference: Values
    model: Model
    columns: Indices
    values: Values
    together: bool = False
    _rated: dict[bytes, Values] = field(default_factory=dict, repr=False)

    def rating(self, columns: Indices) -> Values:
        """Predict the ratings of the named columns: float32 (K,), on the scale; the same ones only once."""
        named = columns.tobytes()
        if named not in self._rated:
            self._rated[named] = self.model.rating_row(self.columns, self.values, columns)
        return self._rated[named]


class Model(ABC):
    """A trained autoencoder: folds users in, whether or not it has seen them."""

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
        """Score every item for one user, without torch where that is quicker: float32 (I,), equal to `preference`."""

    @abstractmethod
    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict one user's ratings of the ``wanted`` columns: float32 (K,), equal to `rating` there."""

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Ask what one user's scores and predicted ratings of the ``wanted`` columns would be without some ratings.

        Args:
            columns: int32 (E,), the user's row.
            values: float32 (E,).
            wanted: int32 (K,).
        """
        return Asked(self.preference, self.rating, self.config.num_items, columns, values, wanted)

    @abstractmethod
    def item_vectors(self) -> Values:
        """Describe items by vectors whose cosine says how alike they are: float32 (I, D), some hundred D at most.

        Length 1, or 0 for an item that the model has learned nothing of; for those with few ratings they say little.
        Computed anew in each call, which may take seconds.
        """

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return every weight under its name, on the CPU."""

    @classmethod
    @abstractmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from what `tensors` gave and the config as a dict."""

    def fold_in(self, columns: Indices, values: Values) -> FoldIn:
        """Fold one user in. ``columns`` int32 (E,) and ``values`` float32 (E,) may be empty."""
        return FoldIn(self.preference_row(columns, values), self, columns, values)


def clip_to_scale(ratings: NDArray[np.float32], scale: RatingScale) -> Values:
    """Keep ratings within the declared scale."""
    return np.clip(ratings, np.float32(scale.minimum), np.float32(scale.maximum))
