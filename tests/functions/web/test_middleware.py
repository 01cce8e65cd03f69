"""Crashes: the one place where an application is made to fail on purpose."""

import asyncio
import json

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from functions.web.middleware import RequestMiddleware, SafetyMiddleware

TRACE = f"00-{'4b' * 16}-{'a7' * 8}-01"


class Crashing:
    """An application that raises, with an applicant's data in its message."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise self._error


async def post(error: Exception) -> httpx.Response:
    transport = httpx.ASGITransport(RequestMiddleware(SafetyMiddleware(Crashing(error))))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(
            "/predict", headers={"x-request-id": "req-9", "traceparent": TRACE}
        )


def test_a_crash_is_a_500_that_says_nothing_of_the_applicant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = asyncio.run(post(ValueError("income of Ms Miller: 75000")))
    assert answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "req-9"
    log = capsys.readouterr().out
    assert "Miller" not in answer.text + log
    line = json.loads(log)
    assert (line["severity"], line["request_id"], line["path"]) == ("ERROR", "req-9", "/predict")
    assert line["@type"].endswith("ReportedErrorEvent")
    assert line["trace_id"] == TRACE.split("-")[1]
    assert "unexpected ValueError" in line["message"]
    assert "test_middleware.py" in line["message"]


def test_a_client_that_hung_up_is_neither_answered_nor_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "path": "/predict",
        "headers": [],
        "raw_path": b"/predict",
        "query_string": b"",
    }
    app = RequestMiddleware(SafetyMiddleware(Crashing(ClientDisconnect())))
    asyncio.run(app(scope, receive, send))
    assert sent == []
    assert capsys.readouterr().out == ""
