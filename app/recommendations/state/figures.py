"""Figures of the models that a server process holds."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.recommendations.state.serving import Serving


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
