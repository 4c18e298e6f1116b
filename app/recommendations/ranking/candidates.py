"""All that has a score for a user: the items that the model knows, then new ones that are like known ones.

A place is a column of the model, or behind those a cold item.
"""

import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import Catalogue, Factors, Mask
from app.recommendations.ranking.ranked_items import RankedItems, Source
from app.recommendations.ranking.scope import Scope
from app.recommendations.state.loaded_model import LoadedModel
from models.core.interactions import Values
from models.core.model import FoldIn


class Candidates:
    """One user's, as of now."""

    def __init__(self, live: LoadedModel, fold: FoldIn) -> None:
        self._live, self._fold, self.cold = live, fold, live.cold
        self.scores: Values = fold.preference  # by place
        self._slots = live.slot_of_column
        if len(self.cold):
            self.scores = np.concatenate([fold.preference, self.cold.scores(fold.preference, fold.columns)])
            self._slots = np.concatenate([self._slots, self.cold.slots])

    def factors(self, of_slots: Factors) -> NDArray[np.float64]:
        """Give each place what its slot has; 1 where the catalogue has no such item."""
        known = self._live.by_column(of_slots, 1.0)
        return np.concatenate([known, of_slots[self.cold.slots]]) if len(self.cold) else known

    def barred(self, catalogue: Catalogue, scope: Scope) -> Mask:
        """Return which places may not be recommended: bool, by place."""
        live = self._live
        barred = live.excluded(catalogue, scope.base)
        for slots in scope.without:
            unwanted = live.column_of_slot[slots]
            barred[unwanted[unwanted >= 0]] = True
        if not len(self.cold):
            return barred
        is_known = live.column_of_slot[self.cold.slots] >= 0  # the catalogue has learned of it since
        return np.concatenate([barred, ~scope.mask()[self.cold.slots] | is_known])

    def selection(self, places: NDArray[np.int32], scores: Values) -> RankedItems:
        """Write the items at some places out, with the scores given."""
        chosen, num_known = RankedItems(), len(self._live.slot_of_column)
        if not len(places):
            return chosen
        if not len(self.cold):
            chosen.add(self._slots[places], scores, self._fold.rating(places), Source.PERSONAL)
            return chosen
        ratings = np.empty(len(places), np.float32)
        is_known = places < num_known
        ratings[is_known] = self._fold.rating(places[is_known])
        if not is_known.all():
            ratings[~is_known] = self.cold.ratings(self._fold, places[~is_known].astype(np.int64) - num_known)
        chosen.add(self._slots[places], scores, ratings, Source.PERSONAL)
        chosen.sources = [Source.PERSONAL if known else Source.ATTRIBUTES for known in is_known.tolist()]
        return chosen
