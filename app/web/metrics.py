"""Figures for Prometheus: what this process did, and what the database holds."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import tables
from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAGS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
SCRAPE_SECONDS = 3
ROUTE_NOT_FOUND = "(none)"

router = APIRouter(tags=["operations"])


class Metrics:
    """What one server process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "palate_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "palate_request_seconds", "Time to answer.", ("method", "route"), registry=self.registry, buckets=BUCKETS
        )
        self._in_flight = Gauge("palate_requests_in_flight", "Requests being answered.", registry=self.registry)
        self._events = Counter(
            "palate_events", "Events recorded of what was recommended.", ("type",), registry=self.registry
        )
        self._replays = Counter(
            "palate_replays", "Answers made again, the same or not.", ("identical",), registry=self.registry
        )
        self.loop_lag = Histogram(
            "palate_event_loop_lag_seconds", "How late the event loop was.", registry=self.registry, buckets=LAGS_S
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_start(self) -> None:
        """Count a request that begins."""
        self._in_flight.inc()

    def count_events(self, event_type: str, count: int) -> None:
        """Count new events of a type, one for each item."""
        self._events.labels(event_type).inc(count)

    def count_replay(self, *, identical: bool) -> None:
        """Count an answer that was made again."""
        self._replays.labels(str(identical).lower()).inc()

    def count_answer(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. ``route`` is the template, so that ids make no new series."""
        key = (method if route != ROUTE_NOT_FOUND else "*", route, status)
        if (children := self._children.get(key)) is None:
            children = self._requests.labels(*key), self._seconds.labels(*key[:2])
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)
        self._in_flight.dec()


@dataclass(frozen=True)
class StoredCounts:
    """Figures of the database at one moment."""

    counters: dict[str, int]
    active_items: int
    runs: dict[str, int]
    version: str | None
    version_created_at: datetime | None
    experiment: tuple[str, str, str] | None  # number, control, treatment of the one that is running
    num_refused_by_gate: int


def read_counts(session: Session) -> StoredCounts:
    """Read the figures of the database."""
    counters = {row.name: row.value for row in session.execute(select(tables.Counter.name, tables.Counter.value))}
    active = session.scalar(select(func.count()).select_from(tables.Item).where(tables.Item.active))
    of_state = select(tables.TrainingRun.state, func.count().label("num")).group_by(tables.TrainingRun.state)
    runs = {row.state: row.num for row in session.execute(of_state)}
    live = session.execute(
        select(tables.ModelVersion.version, tables.ModelVersion.created_at)
        .join(tables.Activation, tables.Activation.version == tables.ModelVersion.version)
        .order_by(tables.Activation.id.desc())
        .limit(1)
    ).first()
    version, created_at = live or (None, None)
    every_state = {state.value: 0 for state in tables.RunState}
    refused = select(func.count()).where(tables.ModelVersion.gate["activated"].as_boolean().is_(False))
    return StoredCounts(
        counters,
        active or 0,
        every_state | runs,
        version,
        created_at,
        running_experiment(session),
        session.scalar(refused) or 0,
    )


def running_experiment(session: Session) -> tuple[str, str, str] | None:
    """Read number, control and treatment of the experiment that is running."""
    row = session.scalar(select(tables.Experiment).where(tables.Experiment.state == tables.ExperimentState.RUNNING))
    return (str(row.id), row.control, row.treatment) if row else None


class DatabaseCollector(Collector):
    """Turns the figures into Prometheus families; without figures it reports that the database is down."""

    def __init__(self, counts: StoredCounts | None) -> None:
        self.counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        up = 0 if self.counts is None else 1
        yield GaugeMetricFamily("palate_database_up", "1 if the database answered this scrape.", value=up)
        if self.counts is None:
            return
        changes = self.counts.counters.get("ratings", 0)
        yield CounterMetricFamily("palate_rating_changes", "Ratings set, edited or removed, ever.", value=changes)
        yield GaugeMetricFamily("palate_items_active", "Items that can be recommended.", value=self.counts.active_items)
        runs = GaugeMetricFamily("palate_training_runs", "Training runs by state.", labels=["state"])
        for state, count in self.counts.runs.items():
            runs.add_metric([state], count)
        yield runs
        if self.counts.experiment is not None:
            labels = ["experiment", "control", "treatment"]
            experiment = GaugeMetricFamily("palate_experiment_info", "The running experiment.", labels=labels)
            experiment.add_metric(self.counts.experiment, 1)
            yield experiment
        yield GaugeMetricFamily(
            "palate_models_refused_by_gate",
            "Versions that training made and the gate did not let serve.",
            value=self.counts.num_refused_by_gate,
        )
        yield from self.live_model()

    def live_model(self) -> Iterator[Metric]:
        """Yield the live version and its age."""
        if self.counts is None or self.counts.version is None or self.counts.version_created_at is None:
            return
        info = GaugeMetricFamily("palate_model_info", "The live model version.", labels=["version"])
        info.add_metric([self.counts.version], 1)
        yield info
        age = (datetime.now(UTC) - self.counts.version_created_at).total_seconds()
        yield GaugeMetricFamily("palate_model_age_seconds", "Time since the live model was made.", value=age)


async def scrape(metrics: Metrics, database: Database) -> bytes:
    """Write everything in Prometheus' text form; a lost database costs only its own figures."""
    try:
        async with asyncio.timeout(SCRAPE_SECONDS):
            counts = await database.read(read_counts)
    except (DatabaseUnavailable, TimeoutError):
        counts = None
    fresh = CollectorRegistry()
    fresh.register(DatabaseCollector(counts))
    return generate_latest(metrics.registry) + generate_latest(fresh)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def show_metrics(request: Request) -> Response:
    """Figures for Prometheus, in its text form."""
    metrics, database = cast("Metrics", request.app.state.metrics), cast("Database", request.app.state.database)
    return Response(await scrape(metrics, database), media_type=CONTENT_TYPE_LATEST)
