"""What Prometheus may ask: answers and decisions, which version serves since when, its loading."""

import math
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from functions.scoring.model_loader import ModelLoader
from functions.scoring.operations.telemetry import BOUNDS_SECONDS, Counts

__all__ = ["CONTENT_TYPE", "render"]


def render(loader: ModelLoader, counts: Counts, anchor_failures: int | None = None) -> bytes:
    """Metrics of this process, all models and the decision log's anchors, in Prometheus' format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Answers(counts))
    registry.register(_Models(loader))
    if anchor_failures is not None:
        registry.register(_Anchors(anchor_failures))
    return generate_latest(registry)


class _Answers(Collector):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Latencies by route and status, decisions, and the cold start once there was a score."""
        latencies = HistogramMetricFamily(
            "surety_request_seconds",
            "From a request's arrival to the end of its answer.",
            labels=["route", "status"],
        )
        bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
        for (route, status), found in self._counts.latencies.items():
            buckets = list(zip(bounds, accumulate(found.counts), strict=True))
            latencies.add_metric([route, str(status)], buckets, found.seconds)
        decisions = CounterMetricFamily(
            "surety_decisions",
            "Applications decided.",
            labels=["model", "variant", "decision", "risk_level"],
        )
        for labels, number in self._counts.decisions.items():
            decisions.add_metric(list(labels), number)
        yield from (latencies, decisions)
        cold = self._counts.cold_start_seconds
        if cold is not None and not math.isnan(cold):
            yield GaugeMetricFamily(
                "surety_cold_start_seconds",
                "From the process's start to its first decision.",
                value=cold,
            )


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
        published = GaugeMetricFamily(
            "surety_model_published_timestamp_seconds",
            "When what serves was published.",
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
                published.add_metric(labels, pointer.champion.published.timestamp())
        yield from (ready, since, published, loads, failures)
