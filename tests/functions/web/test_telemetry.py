"""Metrics are rendered when something has changed, and not for whoever asks again and again."""

import anyio
import httpx
import pytest

from functions.web import telemetry
from functions.web.app_factory import Protection, Service, create_web_app
from models.figures import Figure


def test_metrics_are_rendered_once_until_another_request_or_a_second_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, rendered = 100.0, 0

    def collect() -> list[object]:
        nonlocal rendered
        rendered += 1
        return []

    monkeypatch.setattr("functions.web.telemetry.time.monotonic", lambda: now)
    service = Service(
        title="",
        description="",
        contracts=[],
        unknown_path="",
        add_metrics=collect,  # type: ignore[arg-type]
    )
    app = create_web_app(service, Protection())

    def get(path: str) -> str:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path)

        return anyio.run(ask).text

    for _ in range(5):
        get("/metrics")
    assert rendered == 1
    get("/health/live")
    live = 'surety_request_seconds_count{route="/health/live",status="200"} 1.0'
    assert live in get("/metrics")
    assert rendered == 2
    now += telemetry.FRESH_SECONDS + 0.01
    get("/metrics")
    assert rendered == 3


def test_samples_of_one_figure_are_one_metric() -> None:
    figures = [
        Figure("surety_psi", "Stability.", {"model": "a"}, 0.01),
        Figure("surety_day", "The day.", {}, 20),
        Figure("surety_psi", "Stability.", {"model": "b"}, 0.2),
    ]
    psi, day = telemetry.gauges_from_figures(figures)
    assert (psi.name, psi.documentation) == ("surety_psi", "Stability.")
    assert [(s.labels, s.value) for s in psi.samples] == [
        ({"model": "a"}, 0.01),
        ({"model": "b"}, 0.2),
    ]
    assert [(s.labels, s.value) for s in day.samples] == [({}, 20)]
