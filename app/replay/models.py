"""Models as they answered: with the cold items of then."""

import asyncio
from dataclasses import dataclass, field

from cachetools import LRUCache

from app.database.engine import Database
from app.recommendations.catalogue.index import Slots
from app.recommendations.content.cold_start import NO_COLD_ITEMS, ColdItems, KnownFeatures
from app.recommendations.state.cold_start_updater import ColdChanges, known_items, learn_features
from app.recommendations.state.loaded_model import NO_SLOTS, LoadedModel
from app.recommendations.state.popularity import Popularity
from app.recommendations.tokens.recommendation_id import RecommendationId
from app.replay.past import PastCatalogue

MAX_MODELS = 8  # whose cold items are kept in memory


@dataclass
class ColdStart:
    """A model's cold items, and the known ones that new items are compared with; attributes as in `LoadedModel`."""

    known_features: KnownFeatures
    known_revision: int
    cold: ColdItems = NO_COLD_ITEMS
    cold_revision: int = -1
    compared: Slots = field(default_factory=lambda: NO_SLOTS)

    def restore(self, live: LoadedModel) -> None:
        """Put the cold items of then into a model."""
        live.known_features, live.known_revision = self.known_features, self.known_revision
        live.cold, live.cold_revision, live.compared = self.cold, self.cold_revision, self.compared


class PastModels:
    """Loaded models with the cold items that they had when they answered."""

    def __init__(self, database: Database, catalogue: PastCatalogue) -> None:
        self._database = database
        self._catalogue = catalogue
        self._cold_starts: LRUCache[tuple[str, int], ColdStart] = LRUCache(MAX_MODELS)

    async def of(self, base: LoadedModel, popularity: Popularity | None, answer: RecommendationId) -> LoadedModel:
        """Return a model as it was at an answer, and move the catalogue there.

        ``popularity`` is the order of then, if the model has no statistics of its own.

        Raises:
            ReplayUnavailable: if the catalogue of then cannot be had.
        """
        cold_start = await self._cold_start_of(base, answer) if answer.cold_revision >= 0 else None
        await self._catalogue.move(self._database, answer.catalogue_revision, answer.at_us)
        live = base.with_first_slots(len(self._catalogue), popularity or base.popularity)
        if cold_start is not None:
            cold_start.restore(live)
        return live

    async def _cold_start_of(self, base: LoadedModel, answer: RecommendationId) -> ColdStart | None:
        """Find the model's cold items; None if it had no features yet to compare them with."""
        if answer.known_revision < 0:
            return None
        key = base.version, answer.known_revision
        if (cold_start := self._cold_starts.get(key)) is None:
            await self._catalogue.move(self._database, answer.known_revision, answer.at_us)
            cold_start = self._cold_starts[key] = await asyncio.to_thread(self._learn, base)
        if cold_start.cold_revision != answer.cold_revision:
            await self._catalogue.move(self._database, answer.cold_revision, answer.at_us)
            await asyncio.to_thread(self._compare, base, cold_start)
        return cold_start

    def _compare(self, base: LoadedModel, cold_start: ColdStart) -> None:
        """Compare the new items that have changed in the catalogue as it stands."""
        live = base.with_first_slots(len(self._catalogue), base.popularity)
        cold_start.restore(live)
        changes = ColdChanges.of(live, self._catalogue)
        cold_start.cold = changes.apply(cold_start.known_features, live.counts)
        cold_start.cold_revision, cold_start.compared = self._catalogue.revision, changes.compared

    def _learn(self, base: LoadedModel) -> ColdStart:
        """Learn the features of the known items from the catalogue as it stands."""
        columns, items = known_items(base.with_first_slots(len(self._catalogue), base.popularity), self._catalogue)
        return ColdStart(learn_features(items, columns, len(base.item_ids)), self._catalogue.revision)
