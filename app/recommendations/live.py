"""A model version in memory, ready to answer."""

from dataclasses import dataclass, field

import numpy as np

from app.recommendations.catalogue import Catalogue, Mask, Slots
from app.recommendations.popularity import Popularity
from models.base import Model


@dataclass
class LiveModel:
    """A loaded version with what ties its columns to the catalogue's slots.

    Attributes:
        slot_of_column: int64 (I,), -1 where the catalogue has no such item.
        column_of_slot: int64 (slots,), -1 where the model does not know the item.
        popularity: the order for users without a taste we know.
    """

    version: str
    model: Model
    slot_of_column: Slots
    popularity: Popularity
    column_of_slot: Slots = field(default_factory=lambda: np.zeros(0, np.int64))

    def fit_to(self, catalogue: Catalogue) -> None:
        """Let the arrays cover the items that the catalogue has learned of since."""
        if len(self.column_of_slot) == len(catalogue):
            return
        columns = np.full(len(catalogue), -1, np.int64)
        known = np.flatnonzero(self.slot_of_column >= 0)
        columns[self.slot_of_column[known]] = known
        self.column_of_slot = columns

    def columns_allowed(self, allowed: Mask) -> Mask:
        """Tell which columns may be recommended: bool (I,)."""
        return np.where(self.slot_of_column >= 0, allowed[self.slot_of_column], False)

    def newcomers(self, allowed: Mask) -> Slots:
        """Give the allowed items that the model does not know, newest first."""
        return np.flatnonzero(allowed & (self.column_of_slot < 0))[::-1]
