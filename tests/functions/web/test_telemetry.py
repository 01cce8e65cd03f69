"""Metrics are rendered when something has changed, and not for whoever asks again and again."""

import anyio
import httpx
import pytest

from functions.web import telemetry
from functions.web.app_factory import Protection, Service, create_web_app


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
