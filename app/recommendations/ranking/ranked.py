"""Choosing the items of an answer: from all that it needs, without waiting for anything."""

from dataclasses import dataclass

from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import Reason, UserProfile, select_fallback, select_personal
from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Popularity
from models.core.interactions import Values
from models.core.model import FoldIn


@dataclass(frozen=True, slots=True)
class RankingInputs:
    """What an answer is made from, beside the catalogue.

    Attributes:
        live: the model, if there is one.
        fold: the user, if the model knows any of what he has rated.
        counted: what everybody likes, if there is no model.
        vectors: the model's item vectors, if diversity is asked for.
    """

    live: LoadedModel | None
    fold: FoldIn | None
    counted: Popularity | None
    vectors: Values | None

    @property
    def popularity(self) -> Popularity:
        """What everybody likes, as the model says once it is fitted to the catalogue."""
        popularity = self.counted if self.live is None else self.live.popularity
        assert popularity is not None  # noqa: S101 - for the type checker
        return popularity


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items in the order they are recommended, and what the order is made from.

    That of a smaller limit is the head of that of a larger, so a page is a slice.
    """

    chosen: RankedItems
    ground: RankingInputs
    reason: Reason | None  # why it is not personal


def ranked(catalogue: Catalogue, ground: RankingInputs, taste: UserProfile, options: Options) -> Ranking:
    """Order the first ``options.limit`` items: personal ones if there is something to go by, else popular and new."""
    live, fold, reason = ground.live, ground.fold, taste.reason
    if live is not None:
        live.fit_to(catalogue)
    if reason is None and live is not None and fold is not None:
        chosen = select_personal(catalogue, live, fold, taste, options, ground.vectors)
        if chosen.slots:
            return Ranking(chosen, ground, None)
        reason = Reason.ALL_RATED
    reason = reason or (Reason.NO_MODEL if live is None else Reason.NO_KNOWN_ITEMS)
    chosen, reason = select_fallback(catalogue, ground.popularity, taste, options, reason, live, ground.vectors)
    return Ranking(chosen, ground, reason)
