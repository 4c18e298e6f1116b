"""The loader: watches which versions serve, loads them beside those that serve now, and swaps."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, perf_counter
from typing import NamedTuple

import numpy as np
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.database.engine import Database
from app.experiments.assignment import Arm, Assignment
from app.kit.errors import DatabaseUnavailable, SchemaOutdated
from app.recommendations.catalogue.index import Slots
from app.recommendations.explain.leave_one_out import explain
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.popularity import Statistics
from app.recommendations.state.serving import RunningExperiment, Serving
from app.registry.repository import serving_versions
from app.settings import Settings
from app.tables import Experiment
from models.checkpoint import Loaded, load

log = structlog.get_logger()
INLINE_S = 0.001  # a model that takes longer scores in a thread, so that no other request waits for it
COLD_START_WAIT_S = 2.0  # that the swap waits for cold items; after that they follow when they are ready
FIRST_COLD_START_WAIT_S = 600.0  # the same where nothing serves yet
START_WAIT_S = 1.0  # that a server waits for its models before it takes requests; then it says that it is not ready
TYPICAL_RATINGS = 100  # of the user a model is timed with
RETRY_AFTER_S = 30.0  # a refused version is tried again after this, or as soon as its files change
Fingerprint = tuple[tuple[str, int, int], ...]


class Refusal(NamedTuple):
    """A version that could not be loaded: its files then, when to try again, and what was in the way."""

    files: Fingerprint
    retry_at: float
    reason: str


class Loader:
    """Keeps loaded what serves. A version that cannot be loaded is refused and the one in memory serves on."""

    def __init__(self, serving: Serving, store: Path) -> None:
        self.serving = serving
        self.store = store
        self._refused: dict[str, Refusal] = {}
        self._arms: dict[str, LoadedModel] = {}  # of an experiment that waits for its other version

    async def run(self, interval_s: float) -> None:
        """Look for a new live version again and again."""
        while True:
            try:
                await self.poll()
            except (DatabaseUnavailable, SchemaOutdated) as error:
                log.warning("loader_waits_for_database", error=str(error))
            except Exception as error:  # whatever it is, the model in memory serves on and the next poll may go well
                log.exception("loader_failed")
                self.serving.problem = f"models could not be looked for: {reason_of(error)}"
            await asyncio.sleep(interval_s)

    async def poll(self) -> None:
        """Load what is to serve and is not loaded yet."""
        self.serving.model_cache.drop_unused()
        versions, experiment = await self.serving.database.read(serving_versions, 2)
        await self.poll_live(versions)
        await self.poll_experiment(experiment)
        arms = {experiment.control, experiment.treatment} if experiment else set()
        self.serving.refused &= {*versions[:1], *arms}
        if not self.serving.loaded.is_set():
            await self.serving.refresh_catalogue()
            self.serving.loaded.set()

    async def poll_live(self, versions: Sequence[str]) -> None:
        """Load the live version, the first of these, if it is another than the loaded one."""
        serving = self.serving
        serving.live_version = versions[0] if versions else None
        if not versions:
            serving.problem = "no model has been published yet"
            return
        if serving.live is not None and serving.live.version == versions[0]:
            serving.problem = None
            return
        # Any model is better than none: a process that starts when the live version is damaged takes the one before.
        if serving.live is None and not serving.loaded.is_set():
            serving.problem = f"version {versions[0]} is being loaded"
        for version in versions[:1] if serving.live else versions:
            if await self.serve(version):
                return

    async def poll_experiment(self, experiment: Experiment | None) -> None:
        """Serve the running experiment as soon as both its versions are loaded."""
        serving = self.serving
        if experiment is None or (serving.experiment is not None and serving.experiment.number != experiment.id):
            if serving.experiment is not None:
                log.info("experiment_ended", experiment=serving.experiment.number)
            serving.install_experiment(None)
            self._arms.clear()
        if experiment is None or serving.experiment is not None:
            return
        versions = {Arm.CONTROL: experiment.control, Arm.TREATMENT: experiment.treatment}
        for version in versions.values():
            if version not in self._arms and (model := await self.get_model(version)) is not None:
                self._arms[version] = model
        if missing := [version for version in versions.values() if version not in self._arms]:
            refused = "; ".join(f"version {version} is refused: {self._refused[version].reason}" for version in missing)
            serving.experiment_problem = f"experiment {experiment.id} is not served: {refused}"
            return
        assignment = Assignment(experiment.salt, experiment.share, experiment.treatment_share)
        serving.install_experiment(
            RunningExperiment(experiment.id, assignment, {arm: self._arms[name] for arm, name in versions.items()})
        )
        self._arms.clear()
        log.info("experiment_taken_up", experiment=experiment.id, **{str(arm): name for arm, name in versions.items()})

    async def serve(self, version: str) -> bool:
        """Load a version and swap it in, or refuse it."""
        if (live := await self.get_model(version)) is None:
            return False
        self.serving.swap(live)
        if version == self.serving.live_version:
            self.serving.problem = None
        return True

    async def get_model(self, version: str) -> LoadedModel | None:
        """Load a version unless it is in memory, or refuse it; one that was refused is left alone for a while."""
        if (loaded := self.serving.find_loaded(version) or self._arms.get(version)) is not None:
            return loaded
        files, refused = fingerprint(self.store / version), self._refused.get(version)
        if refused is not None and files == refused.files and monotonic() < refused.retry_at:
            self.note_refusal(version, refused.reason)
            return None
        try:
            live = await self.load(version)
        except (DatabaseUnavailable, SchemaOutdated):
            raise
        except Exception as error:  # damaged, of a newer Palate, too large: whatever it is, the other serves on
            self._refused[version] = Refusal(files, monotonic() + RETRY_AFTER_S, reason_of(error))
            self.note_refusal(version, reason_of(error))
            self.serving.num_load_failures += 1
            serves = self.serving.live.version if self.serving.live else None
            log.error("model_refused", version=version, error=str(error), serves_on=serves)
            return None
        self._refused.pop(version, None)
        self.serving.refused.discard(version)
        return live

    async def load(self, version: str) -> LoadedModel:
        """Load a version in a thread, ready to be swapped in; raises whatever is in the way."""
        started = monotonic()
        live = await read_model(self.serving, self.store / version)
        live.fit_to(self.serving.catalogue)
        patience = COLD_START_WAIT_S if self.serving.loaded.is_set() else FIRST_COLD_START_WAIT_S
        await self.serving.cold_start_updater.update(live, patience)
        log.info("model_loaded", version=version, items=len(live.item_ids), seconds=round(monotonic() - started, 3))
        return live

    def note_refusal(self, version: str, reason: str) -> None:
        """Note that a version cannot be loaded, for the figures and, if it is the live one, for readiness."""
        self.serving.refused.add(version)
        if version == self.serving.live_version:
            self.serving.problem = f"version {version} is refused: {reason}"


def reason_of(error: Exception) -> str:
    """Return what was in the way, for callers: without paths of this machine."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


async def read_model(serving: Serving, folder: Path) -> LoadedModel:
    """Read a version in a thread, ready to answer; raises whatever is in the way."""
    loaded = await asyncio.to_thread(load, folder)
    await serving.refresh_catalogue()
    slots = await asyncio.to_thread(slots_of, loaded.item_ids, serving.catalogue.slot_of_external_id)
    statistics = statistics_of(loaded)
    popularity = await serving.count_ratings() if statistics is None else statistics.popularity(slots)
    live = LoadedModel(folder.name, loaded.model, loaded.item_ids, slots, popularity, statistics=statistics)
    live.metrics = loaded.manifest.get("metrics", {})
    live.is_quick = await asyncio.to_thread(warm_up, live) <= INLINE_S
    return live


def statistics_of(loaded: Loaded) -> Statistics | None:
    """Read the statistics that were published with a model, if there are any."""
    published = loaded.manifest.get("item_statistics")
    if published is None:
        return None
    counts, sums = (np.array(published[name], np.float64) for name in ("counts", "sums"))
    return Statistics(counts, sums, loaded.model.scale.minimum)


def slots_of(item_ids: Sequence[str], slot_of_external_id: dict[str, int]) -> Slots:
    """Find each column's slot."""
    return np.array([slot_of_external_id.get(item_id, -1) for item_id in item_ids], np.int64)


def warm_up(live: LoadedModel) -> float:
    """Fold a user in a few times and explain an item, so that no request pays for first calls.

    Returns:
        the shortest time that folding in took, in seconds.
    """
    columns = np.arange(min(TYPICAL_RATINGS, len(live.slot_of_column)), dtype=np.int32)
    values = np.full(len(columns), live.model.scale.maximum, np.float32)
    seconds = []
    for _ in range(5):
        started = perf_counter()
        live.model.fold_in(columns, values).rating(columns)
        seconds.append(perf_counter() - started)
    if len(columns):
        explain(live.model.fold_in(columns, values), columns[:1], 1)
    return min(seconds)


def fingerprint(folder: Path) -> Fingerprint:
    """Identify a folder's files as they are now, without reading them."""
    with suppress(OSError):
        stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
    return ()


@asynccontextmanager
async def open_serving(database: Database, settings: Settings) -> AsyncIterator[Serving]:
    """Serve from now on, with the models loaded; if that takes long, `serving.loaded` says when they are."""
    serving = Serving(database, settings)
    loader = Loader(serving, settings.model_store)
    task = asyncio.create_task(loader.run(settings.poll_interval.total_seconds()))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(serving.loaded.wait(), START_WAIT_S)
        yield serving
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        serving.close()


class ModelFigures(Collector):
    """Which models should serve, and cannot be loaded."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def collect(self) -> Iterator[Metric]:
        """Yield the figures for Prometheus."""
        serving, status = self._serving, self._serving.status()
        yield CounterMetricFamily(
            "palate_model_load_failures", "Times a model could not be loaded.", value=serving.num_load_failures
        )
        yield GaugeMetricFamily(
            "palate_models_refused", "Models that should serve and cannot be loaded.", value=len(serving.refused)
        )
        is_degraded = int(status.problem is not None)
        yield GaugeMetricFamily(
            "palate_models_degraded", "1 if not all answers come from the models that should serve.", value=is_degraded
        )
