"""Readiness and metrics of scoring, for the routes that every service has."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NotRequired

from functions.scoring.decision_engine import DecisionEngine
from functions.scoring.model_loader import ModelState
from functions.scoring.operations.telemetry import DecisionTelemetry
from functions.web.health import Readiness
from functions.web.telemetry import gauges_from_figures
from models.figures import Figure
from models.registry.monitored_figures import figure_from_day
from models.registry.monitored_status import MonitoredStatus

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class ModelReadiness(Readiness):
    """What a ready instance says of itself and of the default model."""

    model: NotRequired[str]
    model_version: NotRequired[str]
    problem: NotRequired[str]
    monitoring: NotRequired[MonitoredStatus]


def check_readiness(engine: DecisionEngine, model_name: str) -> ModelReadiness:
    """Report the version that serves a model; starts to load it, and raises until it is loaded."""
    serving = engine.loader.ready(model_name)
    state = engine.loader.states[model_name]
    readiness: ModelReadiness = {
        "status": "ready",
        "model": model_name,
        "model_version": serving.champion.version,
    }
    if state.cause:
        readiness["problem"] = state.cause
    if state.monitored:
        readiness["monitoring"] = state.monitored.status
    return readiness


def collect_metrics(engine: DecisionEngine, telemetry: DecisionTelemetry) -> "Iterator[Metric]":
    """Collect what scoring adds to the metrics of its requests."""
    from functions.scoring.operations import prometheus  # noqa: PLC0415 -- only for a scrape

    yield from prometheus.decision_metrics(telemetry)
    yield from prometheus.model_metrics(engine.loader.states)
    yield from gauges_from_figures(list_monitored(engine.loader.states))
    if engine.decision_log and engine.decision_log.anchor_failures is not None:
        yield from prometheus.anchor_metrics(engine.decision_log.anchor_failures)


def list_monitored(states: Mapping[str, ModelState]) -> Iterator[Figure]:
    """List what was monitored lately; of a model that no longer is, the last day alone."""
    for name, state in states.items():
        if state.monitored:
            yield from state.monitored.figures
        elif state.last_day:
            yield figure_from_day(name, state.last_day)
