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
    column_of_slot: Slots = field(default_factory=lambda: np.zeros(0, np.int64), init=False)
    _barred: Mask = field(default_factory=lambda: np.zeros(0, bool), init=False)
    _fitted_to: int = field(default=-2, init=False)  # revision of the catalogue

    def __post_init__(self) -> None:
        """Note the columns whose item the catalogue has."""
        self._known = np.flatnonzero(self.slot_of_column >= 0)

    def fit_to(self, catalogue: Catalogue) -> None:
        """Bring what depends on the catalogue up to it; nothing to do while it has not changed."""
        if self._fitted_to == catalogue.revision:
            return
        if len(self.column_of_slot) != len(catalogue):
            self.column_of_slot = np.full(len(catalogue), -1, np.int64)
            self.column_of_slot[self.slot_of_column[self._known]] = self._known
        self._barred = self._barred_columns(catalogue.active)
        self._fitted_to = catalogue.revision

    def barred(self, catalogue: Catalogue, allowed: Mask) -> Mask:
        """Tell which columns may not be recommended when only the ``allowed`` slots may: bool (I,), a copy."""
        return self._barred.copy() if allowed is catalogue.active else self._barred_columns(allowed)

    def _barred_columns(self, allowed: Mask) -> Mask:
        barred = np.ones(len(self.slot_of_column), bool)
        barred[self._known] = ~allowed[self.slot_of_column[self._known]]
        return barred

    def newcomers(self, allowed: Mask) -> Slots:
        """Give the allowed items that the model does not know, newest first."""
        return np.flatnonzero(allowed & (self.column_of_slot < 0))[::-1]
