"""Request telemetry: responses counted by route, status and latency, and served at `/metrics`.

Plain numbers, changed on the event loop alone: no request waits for a lock or a metrics library.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from functions.web.contract import Contract
from functions.web.openapi import Operation
from models.figures import Figure

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

PATH = "/metrics"
FRESH_SECONDS = 1.0  # of what was rendered, unless another request was answered meanwhile

AddMetrics = Callable[[], Iterable["Metric"]]


@dataclass(slots=True)
class LatencyHistogram:
    """Responses up to each bound, the last entry those beyond all bounds; and seconds in total."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    seconds: float = 0.0


class RequestTelemetry:
    """Latency histograms of this process by route pattern and status.

    `revision` grows with each response but those that report it.
    """

    def __init__(self) -> None:
        self.histograms: dict[tuple[str, int], LatencyHistogram] = {}
        self.revision = 0
        self._patterns: dict[object, str] = {}

    def register(self, routes: Iterable[Route]) -> None:
        """Tell the routes there are: a response is counted under its route's pattern."""
        self._patterns = {route.endpoint: route.path for route in routes}

    def pattern_from(self, scope: Scope) -> str:
        """Name the route of a request; `none` where no route answers it."""
        return self._patterns.get(scope.get("endpoint"), "none")

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one response."""
        key = self.pattern_from(scope), status
        self.revision += key[0] != PATH
        histogram = self.histograms.get(key)
        if histogram is None:
            histogram = self.histograms[key] = LatencyHistogram()
        histogram.counts[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        histogram.seconds += seconds

    def metrics(self) -> "Iterator[Metric]":
        """Return the histograms as one Prometheus metric."""
        from prometheus_client.metrics_core import HistogramMetricFamily  # noqa: PLC0415 -- see _render

        family = HistogramMetricFamily(
            "surety_request_seconds",
            "From a request's arrival to the end of its response.",
            labels=["route", "status"],
        )
        bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
        for (route, status), histogram in self.histograms.items():
            buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
            family.add_metric([route, str(status)], buckets, histogram.seconds)
        yield family


def gauges_from_figures(figures: Iterable[Figure]) -> "Iterator[Metric]":
    """Return figures as gauges, one for all samples of a name."""
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 -- see _render

    families: dict[str, GaugeMetricFamily] = {}
    for figure in figures:
        if figure.name not in families:
            labels = list(figure.labels)
            families[figure.name] = GaugeMetricFamily(figure.name, figure.meaning, labels=labels)
        families[figure.name].add_metric(list(figure.labels.values()), figure.value)
    yield from families.values()


def metrics_contract(telemetry: RequestTelemetry, add_metrics: AddMetrics | None) -> Contract:
    """Serve `/metrics` in Prometheus' text format."""
    rendered: tuple[int, float, Response] | None = None

    async def metrics(_request: Request) -> Response:
        nonlocal rendered
        now = time.monotonic()
        # Whoever asks for nothing else again and again is answered without the work.
        if rendered is None or rendered[0] != telemetry.revision or now > rendered[1]:
            response = _render([*telemetry.metrics(), *(add_metrics() if add_metrics else ())])
            rendered = telemetry.revision, now + FRESH_SECONDS, response
        return rendered[2]

    return Contract(
        tag="Operations",
        routes=[Route(PATH, metrics, methods=["GET"])],
        scopes={f"GET {PATH}": "metrics"},  # versions and volumes are nobody else's business
        paths=_paths,
    )


def _render(metrics: "list[Metric]") -> Response:
    # Imported by the first scrape: no other request needs the library.
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Collected(Collector):
        def collect(self) -> "list[Metric]":
            return metrics

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _paths() -> dict[str, Any]:
    return {PATH: {"get": Operation("Read metrics for Prometheus", media_type="text/plain")}}
