"""Prometheus metrics of scoring: decisions, the cold start, models and their loads, anchors."""

import math
from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from functions.scoring.model_loader import ModelState
from functions.scoring.operations.telemetry import DecisionTelemetry


def decision_metrics(telemetry: DecisionTelemetry) -> Iterator[Metric]:
    """Return decisions by outcome, and the cold start once there was a decision."""
    decisions = CounterMetricFamily(
        "surety_decisions",
        "Applications decided.",
        labels=["model", "variant", "decision", "risk_level"],
    )
    for labels, number in telemetry.decisions.items():
        decisions.add_metric(list(labels), number)
    yield decisions
    seconds = telemetry.cold_start_seconds
    if seconds is not None and not math.isnan(seconds):
        yield GaugeMetricFamily(
            "surety_cold_start_seconds",
            "From the process's start to its first decision.",
            value=seconds,
        )


def anchor_metrics(failures: int) -> Iterator[Metric]:
    """Return how many heads of the decision log could not be anchored."""
    yield CounterMetricFamily(
        "surety_anchor_failures",
        "Heads of the decision log that could not be anchored.",
        value=failures,
    )


def model_metrics(states: Mapping[str, ModelState]) -> Iterator[Metric]:
    """Return one metric after another, each with a sample per model."""
    ready = GaugeMetricFamily("surety_model_ready", "1 where a model serves.", labels=["model"])
    promoted = GaugeMetricFamily(
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
    for name, state in states.items():
        ready.add_metric([name], float(state.serving is not None))
        loads.add_metric([name], state.loads)
        failures.add_metric([name], state.failures)
        if state.serving:
            pointer = state.serving.pointer
            labels = [name, state.serving.champion.version]
            promoted.add_metric(labels, pointer.when.timestamp())
            published.add_metric(labels, pointer.champion.published.timestamp())
    yield from (ready, promoted, published, loads, failures)
