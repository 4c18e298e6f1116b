"""The loader: watches which version is live, loads it beside the one that serves, and swaps."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, perf_counter

import numpy as np
import structlog

from app.db import Database
from app.errors import DatabaseUnavailable, SchemaOutdated
from app.recommendations.catalogue import Slots
from app.recommendations.explanation import explain
from app.recommendations.live import LiveModel
from app.recommendations.popularity import Popularity
from app.recommendations.serving import Serving
from app.registry.repository import live_versions
from app.settings import Settings
from models.checkpoint import Loaded, load

log = structlog.get_logger()
INLINE_S = 0.001  # a model that takes longer scores in a thread, so that no other request waits for it
NEWCOMERS_S = 2.0  # that the swap waits for what new items are like; after that it comes when it comes
TYPICAL_RATINGS = 100  # of the user a model is timed with
RETRY_AFTER_S = 30.0  # a refused version is tried again after this, or as soon as its files change
Fingerprint = tuple[tuple[str, int, int], ...]


class Loader:
    """Keeps the live version loaded. A version that cannot be loaded is refused and the one in memory serves on."""

    def __init__(self, serving: Serving, store: Path) -> None:
        self.serving = serving
        self.store = store
        self._refused: dict[str, tuple[Fingerprint, float]] = {}  # with the time of the next try

    async def run(self, interval_s: float) -> None:
        """Look for a new live version again and again."""
        while True:
            try:
                await self.look()
            except (DatabaseUnavailable, SchemaOutdated) as error:
                log.warning("loader_waits_for_database", error=str(error))
            except Exception:  # whatever it is, the model in memory serves on and the next look may go well
                log.exception("loader_failed")
            await asyncio.sleep(interval_s)

    async def look(self) -> None:
        """Load the live version if it is another than the loaded one."""
        serving = self.serving
        serving.former.drop_unused()
        versions = await serving.database.read(live_versions, 2)
        serving.live_version = versions[0] if versions else None
        if not versions:
            serving.problem = "no model has been published yet"
            return
        if serving.live is not None and serving.live.version == versions[0]:
            serving.problem = None
            return
        # Any model is better than none: a process that starts when the live version is damaged takes the one before.
        for version in versions[:1] if serving.live else versions:
            if await self.take(version):
                return

    async def take(self, version: str) -> bool:
        """Load a version, or refuse it; one that was refused is left alone for a while."""
        files = fingerprint(self.store / version)
        refused, retry_at = self._refused.get(version, (None, 0.0))
        if files == refused and monotonic() < retry_at:
            return False
        try:
            await self.load(version)
        except (DatabaseUnavailable, SchemaOutdated):
            raise
        except Exception as error:  # damaged, of a newer Palate, too large: whatever it is, the other serves on
            self._refused[version] = (files, monotonic() + RETRY_AFTER_S)
            self.refuse(version, error)
            return False
        self._refused.clear()
        return True

    async def load(self, version: str) -> None:
        """Load a version in a thread and swap it in."""
        started = monotonic()
        live = await read_model(self.serving, self.store / version)
        live.fit_to(self.serving.catalogue)
        await self.serving.newcomers.take_up(live, NEWCOMERS_S)
        self.serving.swap(live)
        if version == self.serving.live_version:
            self.serving.problem = None
        log.info("model_loaded", version=version, items=len(live.item_ids), seconds=round(monotonic() - started, 3))

    def refuse(self, version: str, error: Exception) -> None:
        """Say that a version cannot be loaded."""
        serves = self.serving.live.version if self.serving.live else None
        if version == self.serving.live_version:
            self.serving.problem = f"version {version} is refused: {error}"
        log.error("model_refused", version=version, error=str(error), serves_on=serves)


async def read_model(serving: Serving, folder: Path) -> LiveModel:
    """Read a version in a thread, ready to answer; raises whatever is in the way."""
    loaded = await asyncio.to_thread(load, folder)
    await serving.refresh_catalogue()
    slots = await asyncio.to_thread(slots_of, loaded.item_ids, serving.catalogue.slot_of_external_id)
    live = LiveModel(folder.name, loaded.model, loaded.item_ids, slots, await popularity_of(serving, loaded, slots))
    live.metrics = loaded.manifest.get("metrics", {})
    live.is_quick = await asyncio.to_thread(warm_up, live) <= INLINE_S
    return live


async def popularity_of(serving: Serving, loaded: Loaded, slots: Slots) -> Popularity:
    """Take the statistics published with the model, or count anew where there are none."""
    statistics = loaded.manifest.get("item_statistics")
    if statistics is None:
        return await serving.count_ratings()
    counts, sums = (np.array(statistics[name], np.float64) for name in ("counts", "sums"))
    return Popularity.of(slots, counts, sums, loaded.model.scale.minimum)


def slots_of(item_ids: Sequence[str], slot_of_external_id: dict[str, int]) -> Slots:
    """Find each column's slot."""
    return np.array([slot_of_external_id.get(item_id, -1) for item_id in item_ids], np.int64)


def warm_up(live: LiveModel) -> float:
    """Fold a user in a few times and explain an item, so that no caller pays for first calls.

    Returns:
        the quickest time to fold him in, in seconds.
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
    """Tell a folder's files apart from what they were, without reading them."""
    with suppress(OSError):
        stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
    return ()


@asynccontextmanager
async def open_serving(database: Database, settings: Settings) -> AsyncIterator[Serving]:
    """Serve from now on: requests are answered at once, the model follows as soon as it is loaded."""
    serving = Serving(database, settings)
    loader = Loader(serving, settings.model_store)
    task = asyncio.create_task(loader.run(settings.poll_interval.total_seconds()))
    try:
        yield serving
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        serving.close()
