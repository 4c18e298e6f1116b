"""Figures of what a server process holds on to and waits for: the database, its disks, the event loop."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.address import SqliteAddress, parse_address
from app.database.engine import Database
from app.kit.batching import Batcher
from app.kit.disk import free_bytes
from app.kit.errors import DatabaseBusy, DatabaseSilent, DatabaseUnavailable, OutcomeUnknown
from app.settings import Settings

TICK_S = 0.25
FAILURES = (DatabaseBusy, DatabaseSilent, DatabaseUnavailable, OutcomeUnknown)


class DatabaseFigures(Collector):
    """How the calls of this process fare with the database.

    Args:
        database: that the routes use.
        writers: queues of what waits for the transaction of others, by what they write.
    """

    def __init__(self, database: Database, writers: Mapping[str, Batcher[Any, Any]]) -> None:
        self._database, self._writers = database, writers

    def collect(self) -> Iterator[Metric]:
        """Yield the figures for Prometheus."""
        yield self._failures()
        yield from self._places()
        waits = self._database.lock_waits
        yield CounterMetricFamily("palate_lock_waits", "Times a writer asked for the writers' lock.", value=waits.count)
        yield CounterMetricFamily("palate_lock_wait_seconds", "Time writers waited for it.", value=waits.seconds)
        queues = GaugeMetricFamily("palate_writers_waiting", "Requests that wait for a transaction.", labels=["queue"])
        for name, batcher in self._writers.items():
            queues.add_metric([name], batcher.num_waiting)
        yield queues

    def _failures(self) -> Metric:
        trouble = self._database.trouble
        family = CounterMetricFamily("palate_database_failures", "Calls that the database failed.", labels=["error"])
        for code in sorted({error.code() for error in FAILURES} | trouble.num_failures.keys()):
            family.add_metric([code], trouble.num_failures[code])
        return family

    def _places(self) -> Iterator[Metric]:
        used = GaugeMetricFamily("palate_database_connections_used", "Connections in use.", labels=["kind"])
        size = GaugeMetricFamily("palate_database_connections", "Connections there can be.", labels=["kind"])
        for kind, (num_used, num_places) in self._database.places().items():
            used.add_metric([kind], num_used)
            size.add_metric([kind], num_places)
        yield from (used, size)


class DiskFigures(Collector):
    """What is left on the disks that this process and the trainer write to."""

    def __init__(self, settings: Settings) -> None:
        self._store, self._address = settings.model_store, parse_address(settings.database_url)

    def collect(self) -> Iterator[Metric]:
        """Yield the figures for Prometheus."""
        yield store_figure(self._store)
        if isinstance(self._address, SqliteAddress):
            left = free_bytes(self._address.path)
            yield GaugeMetricFamily("palate_database_free_bytes", "Left on the disk of SQLite's file.", value=left)


def store_figure(store: Path) -> Metric:
    """Return what is left on the disk of the models."""
    return GaugeMetricFamily(
        "palate_model_store_free_bytes", "Left on the disk of the models.", value=free_bytes(store)
    )


async def watch_loop(lags: Histogram) -> None:
    """Note again and again how late the event loop comes to what is due: every request waits as long."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        lags.observe(max(0.0, loop.time() - due))
