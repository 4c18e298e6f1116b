"""What one API process holds to answer from: the catalogue, the live model, the popularity of items."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import torch
from sqlalchemy.orm import Session

from app.backup.spans import UndoneSpan, find_undone, last_restore
from app.database.engine import Database
from app.experiments.assignment import Arm, Assignment
from app.kit.errors import ModelLoading
from app.kit.refreshing import Refreshing
from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.content.feature_index import FeatureIndex
from app.recommendations.request.options import Rules
from app.recommendations.rules import repository as stored_rules
from app.recommendations.state import repository
from app.recommendations.state.cold_start_updater import ColdStartUpdater
from app.recommendations.state.item_vectors import ItemVectors
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.model_cache import ModelCache
from app.recommendations.state.popularity import Popularity, rating_popularity
from app.recommendations.state.popularity_cache import PopularityCache
from app.recommendations.state.scorer import FoldInRequest, P, Row, Scorer, T
from app.recommendations.state.user_sample import UserSample
from app.settings import Settings
from models.core.interactions import Indices, Values
from models.core.model import FoldIn

MAX_CHANGES = 1_000  # items; more are read without holding up the event loop
POPULARITY_AGE_S = 5.0
LOADING_WAIT_S = 5.0  # that a request waits for the models of a server that has just started


@dataclass(frozen=True)
class ServingStatus:
    """What readiness says about the models.

    Attributes:
        problem: None when all that should serve are loaded.
        experiment: the number of the one that is served.
        is_settled: whether what should serve was looked for, and loaded or refused.
    """

    loaded_version: str | None
    live_version: str | None
    loaded_at: datetime | None
    problem: str | None
    experiment: int | None
    is_settled: bool


@dataclass(frozen=True)
class RunningExperiment:
    """An experiment with both versions loaded: as long as one is missing, no user takes part."""

    number: int
    assignment: Assignment
    models: Mapping[Arm, LoadedModel]

    def model_of(self, user_id: str) -> LoadedModel | None:
        """Return the model of a user's arm; None if they do not take part."""
        arm = self.assignment.arm_of(user_id)
        return None if arm is None else self.models[arm]


class CatalogueChanges(NamedTuple):
    """What a server's catalogue lacks: the items that changed, the rules, and the revision of which both are."""

    rows: list[CatalogueRow]
    rules: Rules
    revision: int
    undone: list[UndoneSpan]  # by restores, which happen while no server runs


def catalogue_changes(session: Session, revision: int) -> CatalogueChanges:
    """Read what changed after ``revision``, up to the newest."""
    return CatalogueChanges(
        repository.catalogue_rows(session, revision),
        stored_rules.load_rules(session),
        repository.catalogue_revision(session),
        find_undone(session),
    )


class Serving:
    """The state that requests share. Only the event loop changes it, each change without a break."""

    def __init__(self, database: Database, settings: Settings) -> None:
        torch.set_num_threads(1)  # more threads an answer raise the slowest ones tenfold
        self.database = database
        self.settings = settings
        self.catalogue = Catalogue()
        self.undone: list[UndoneSpan] = []
        self.restored_at_us = 0
        self.live: LoadedModel | None = None
        self.model_cache = ModelCache()
        self.live_version: str | None = None
        self.problem: str | None = "the models have not been looked for yet"
        self.loaded = asyncio.Event()  # what should serve was looked for, and loaded or refused
        self.experiment: RunningExperiment | None = None
        self.experiment_problem: str | None = None
        self.refused: set[str] = set()  # versions that should serve and cannot be loaded
        self.num_load_failures = 0
        self._loaded_at: datetime | None = None
        self._refreshing = asyncio.Lock()
        self._popularity = Refreshing(self.count_ratings, min_age_s=POPULARITY_AGE_S)
        self.popularity_cache = PopularityCache(database, self.catalogue.slot_of_id, self.refresh_catalogue)
        self.feature_index = FeatureIndex(self.catalogue)
        self.cold_start_updater = ColdStartUpdater(self.catalogue)
        self.user_sample = UserSample(database)
        self.item_vectors = ItemVectors()
        self._scorer = Scorer()

    def status(self) -> ServingStatus:
        """Return which version is loaded, which should be, and what is in the way."""
        loaded = self.live.version if self.live else None
        problem = self.problem or self.experiment_problem
        number = self.experiment.number if self.experiment else None
        return ServingStatus(loaded, self.live_version, self._loaded_at, problem, number, self.loaded.is_set())

    async def wait_until_loaded(self) -> None:
        """Wait a while until what serves is loaded: before, popular items would be taken for recommendations.

        Raises:
            ModelLoading: if it takes longer.
        """
        try:
            await asyncio.wait_for(self.loaded.wait(), LOADING_WAIT_S)
        except TimeoutError:
            raise ModelLoading from None

    def live_for(self, user_id: str | None) -> LoadedModel | None:
        """Return the model that serves a user: their arm's in an experiment, else the live one, as for guests."""
        if self.experiment is None or user_id is None:
            return self.live
        return self.experiment.model_of(user_id) or self.live

    def experiment_of(self, user_id: str, live: LoadedModel | None) -> int:
        """Number the experiment that an answer of this model to this user belongs to; 0 if it belongs to none."""
        if self.experiment is None or live is None:
            return 0
        given = self.experiment.model_of(user_id)
        return self.experiment.number if given is not None and given.version == live.version else 0

    def find_loaded(self, version: str) -> LoadedModel | None:
        """Return a model that serves, by its version."""
        models = (self.live, *(self.experiment.models.values() if self.experiment else ()))
        return next((model for model in models if model is not None and model.version == version), None)

    def install_experiment(self, experiment: RunningExperiment | None) -> None:
        """Serve an experiment from now on, or none any more; a cursor may still ask for its models."""
        for model in self.experiment.models.values() if self.experiment else ():
            self.model_cache.keep(model)
        self.experiment, self.experiment_problem = experiment, None

    def swap(self, live: LoadedModel) -> None:
        """Answer from another model from now on; requests under way finish with the one they hold."""
        live.fit_to(self.catalogue)
        if self.live is not None and self.live.model in self.item_vectors:  # they will be asked for again
            self.item_vectors.start(live.model)
        if self.live is not None:
            self.model_cache.keep(self.live)
        self.live, self._loaded_at = live, datetime.now(UTC)

    async def refresh_catalogue(self, revision: int | None = None) -> None:
        """Bring the catalogue up to ``revision`` at least, or to the newest."""
        async with self._refreshing:
            known = self.catalogue.revision
            if revision is None:
                revision = await self.database.read(repository.catalogue_revision)
            if revision <= known:
                return
            read = self.database.scan if known < 0 or revision - known > MAX_CHANGES else self.database.read
            changes = await read(catalogue_changes, known)
            self.catalogue.rules, self.undone = changes.rules, changes.undone
            self.restored_at_us = last_restore(changes.undone)
            self.catalogue.apply(changes.rows, changes.revision)

    async def popularity(self) -> Popularity:
        """Return the order of popularity for answers without a model, some seconds old."""
        return await self._popularity.get()

    async def count_ratings(self) -> Popularity:
        """Compute the order of popularity from every rating."""
        totals = await self.database.scan(repository.rating_totals)
        await self.refresh_catalogue(totals.catalogue_revision)
        return rating_popularity(totals.rows, totals.revision, self.catalogue.slot_of_id, self.settings.rating_min)

    async def fold_in(self, live: LoadedModel, columns: Indices, values: Values) -> FoldIn:
        """Fold a user in: at once with a quick model, else in the computing thread."""
        if live.is_quick:
            return live.model.fold_in(columns, values)
        return await self._scorer.passes.submit(FoldInRequest(live.model, columns, values))

    async def fold_many(self, live: LoadedModel, users: Sequence[Row]) -> list[FoldIn]:
        """Fold many users in with one pass over the weights, in the computing thread."""
        return await self._scorer.fold_many(live.model, users)

    async def compute(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what takes long in the computing thread."""
        return await self._scorer.compute(work, *args, **kwargs)

    def close(self) -> None:
        """Stop the computing thread."""
        self._scorer.close()
