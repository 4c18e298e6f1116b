"""Whether a trainer goes on, as seen from outside of its event loop, and its figures."""

from collections.abc import Iterator
from time import monotonic

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.kit.disk import free_bytes
from app.settings import Settings
from app.web.figures import store_figure

MIN_FREE_BYTES = 50_000_000
GRACE_S = 60.0  # beyond what a turn, or a run, may take


class Pulse(Collector):
    """What a trainer does now. Its event loop writes, the thread of the status server reads."""

    def __init__(self, settings: Settings) -> None:
        self._store = settings.model_store
        self._turn_s = settings.poll_interval.total_seconds() + GRACE_S
        self._run_s = settings.train_timeout.total_seconds() + GRACE_S
        self._num_turns, self._since = 0, monotonic()
        self._run: int | None = None
        self.database_problem: str | None = None

    def end_turn(self) -> None:
        """Note that the trainer looked for work, and did what there was."""
        self._num_turns, self._since, self._run = self._num_turns + 1, monotonic(), None

    def begin_run(self, run_id: int) -> None:
        """Note that the trainer has begun a run."""
        self._since, self._run = monotonic(), run_id

    def problem(self) -> str | None:
        """Describe what keeps the trainer from going on, None if nothing does."""
        seconds = monotonic() - self._since
        if self._run is None and seconds > self._turn_s:
            return f"the trainer has not looked for work for {seconds:.0f} seconds"
        if self._run is not None and seconds > self._run_s:
            return f"run {self._run} has not ended {seconds:.0f} seconds after its start (PALATE_TRAIN_TIMEOUT)"
        return None

    def disk_problem(self) -> str | None:
        """Describe that no model can be stored for want of room, None if there is some."""
        left = free_bytes(self._store)
        return f"{left:,} bytes are left on the disk of the models" if left < MIN_FREE_BYTES else None

    def collect(self) -> Iterator[Metric]:
        """Yield the figures for Prometheus."""
        seconds = monotonic() - self._since
        yield CounterMetricFamily("palate_worker_turns", "Times the trainer looked for work.", value=self._num_turns)
        run = GaugeMetricFamily("palate_worker_run_seconds", "How long the run under way takes.", labels=["run"])
        if self._run is not None:
            run.add_metric([str(self._run)], seconds)
        yield run
        yield GaugeMetricFamily("palate_worker_stuck", "1 if it does not go on.", value=int(self.problem() is not None))
        waits = int(self.database_problem is not None)
        yield GaugeMetricFamily("palate_worker_waits_for_database", "1 if the database is away.", value=waits)
        yield store_figure(self._store)

    def registry(self) -> CollectorRegistry:
        """Return a registry of these figures and the process's."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(self)
        return registry
