"""What Prometheus may ask: which version serves since when, and how loading has gone."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from functions.scoring.loading import ModelLoader

__all__ = ["CONTENT_TYPE", "render"]


def render(loader: ModelLoader, anchor_failures: int | None = None) -> bytes:
    """Metrics of all models and of the decision log's anchors, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Models(loader))
    if anchor_failures is not None:
        registry.register(_Anchors(anchor_failures))
    return generate_latest(registry)


class _Anchors(Collector):
    def __init__(self, failures: int) -> None:
        self._failures = failures

    def collect(self) -> Iterator[Metric]:
        """Anchors that could not be written."""
        yield CounterMetricFamily(
            "surety_anchor_failures",
            "Heads of the decision log that could not be anchored.",
            value=self._failures,
        )


class _Models(Collector):
    def __init__(self, loader: ModelLoader) -> None:
        self._loader = loader

    def collect(self) -> Iterator[Metric]:
        """One family of metrics after the other, each with a sample a model."""
        ready = GaugeMetricFamily("surety_model_ready", "1 where a model serves.", labels=["model"])
        since = GaugeMetricFamily(
            "surety_model_promoted_timestamp_seconds",
            "When the pointer was moved to what serves.",
            labels=["model", "version"],
        )
        loads = CounterMetricFamily(
            "surety_model_loads", "Versions taken into service.", labels=["model"]
        )
        failures = CounterMetricFamily(
            "surety_model_load_failures",
            "Loads and refreshes that failed; what served before still serves.",
            labels=["model"],
        )
        for name, state in self._loader.states():
            ready.add_metric([name], float(state.serving is not None))
            loads.add_metric([name], state.loads)
            failures.add_metric([name], state.failures_in_all)
            if state.serving:
                pointer = state.serving.pointer
                labels = [name, state.serving.champion.version]
                since.add_metric(labels, pointer.when.timestamp())
        yield from (ready, since, loads, failures)
