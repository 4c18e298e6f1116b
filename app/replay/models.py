"""Models as they answered: with the new items that they could place then."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from app.database.engine import Database
from app.recommendations.catalogue.index import Slots
from app.recommendations.content.cold_start import NONE, ColdItems, KnownFeatures
from app.recommendations.state.cold_start_updater import ColdChanges, known_items, learned
from app.recommendations.state.loaded_model import NOTHING, LoadedModel
from app.recommendations.state.popularity import Popularity
from app.recommendations.tokens.recommendation_id import RecommendationId
from app.replay.past import PastCatalogue

MAX_COLD_ITEMS = 8  # models whose new items are remembered


@dataclass
class Placed:
    """What a model compares new items with, and those that it has compared; the attributes are `LoadedModel`'s."""

    known_traits: KnownFeatures
    known_revision: int
    cold: ColdItems = NONE
    cold_revision: int = -1
    compared: Slots = field(default_factory=lambda: NOTHING)

    def give(self, live: LoadedModel) -> None:
        """Let a model have it."""
        live.known_traits, live.known_revision = self.known_traits, self.known_revision
        live.cold, live.cold_revision, live.compared = self.cold, self.cold_revision, self.compared


class PastModels:
    """Gives models the new items that they had."""

    def __init__(self, database: Database, catalogue: PastCatalogue) -> None:
        self._database = database
        self._catalogue = catalogue
        self._placed: OrderedDict[tuple[str, int], Placed] = OrderedDict()

    async def of(self, base: LoadedModel, counted: Popularity | None, identity: RecommendationId) -> LoadedModel:
        """Return a model as it was at an answer, and move the catalogue there.

        ``counted`` is what was popular, if the model does not say.

        Raises:
            ReplayUnavailable: if the catalogue of then cannot be had.
        """
        placed = await self._placed_at(base, identity) if identity.cold_revision >= 0 else None
        await self._catalogue.move(self._database, identity.catalogue_revision, identity.at_us)
        live = base.cut(len(self._catalogue), counted or base.popularity)
        if placed is not None:
            placed.give(live)
        return live

    async def _placed_at(self, base: LoadedModel, identity: RecommendationId) -> Placed | None:
        """Find what the model's new items were like; None if it had none yet to compare with."""
        if identity.known_revision < 0:
            return None
        placed = await self._learned(base, identity)
        if placed.cold_revision != identity.cold_revision:
            await self._catalogue.move(self._database, identity.cold_revision, identity.at_us)
            await asyncio.to_thread(self._compare, base, placed)
        return placed

    def _compare(self, base: LoadedModel, placed: Placed) -> None:
        """Compare the new items of the catalogue as it stands that have changed."""
        live = base.cut(len(self._catalogue), base.popularity)
        placed.give(live)
        changes = ColdChanges.of(live, self._catalogue)
        placed.cold = changes.renewed(placed.known_traits, live.counts)
        placed.cold_revision, placed.compared = self._catalogue.revision, changes.compared

    async def _learned(self, base: LoadedModel, identity: RecommendationId) -> Placed:
        """Find what the items that the model knows said when it learned of them."""
        key = base.version, identity.known_revision
        if key not in self._placed:
            await self._catalogue.move(self._database, identity.known_revision, identity.at_us)
            self._placed[key] = await asyncio.to_thread(self._learn, base)
        self._placed.move_to_end(key)
        while len(self._placed) > MAX_COLD_ITEMS:
            self._placed.popitem(last=False)
        return self._placed[key]

    def _learn(self, base: LoadedModel) -> Placed:
        """Learn what the items that the model knows say in the catalogue as it stands."""
        columns, items = known_items(base.cut(len(self._catalogue), base.popularity), self._catalogue)
        return Placed(learned(items, columns, len(base.item_ids)), self._catalogue.revision)
