"""Traces: lines of the log that name them, and spans that a collector is sent."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web.app_factory import Protection, Service, create_web_app
from functions.web.contract import OPEN, Contract
from functions.web.logs import log
from functions.web.openapi import Operation
from functions.web.settings import Tracing, tracing_from
from tests.infra.rehearsal import listening

TRACE_ID, PARENT_ID = "4b" * 16, "a7" * 8
FIELD = "logging.googleapis.com/trace"


async def answer(request: Request) -> Response:
    log("INFO", "at work")
    await asyncio.to_thread(log, "INFO", "in a thread")
    return Response(status_code=int(request.path_params["status"]))


def service(tracing: Tracing) -> Starlette:
    contract = Contract(
        tag="Answer",
        routes=[Route("/answer/{status}", answer, methods=["GET"])],
        scopes={"GET /answer/{status}": OPEN},
        paths=lambda: {"/answer/{status}": {"get": Operation("Answer")}},
    )
    described = Service(
        title="T",
        description="T.",
        contracts=[contract],
        unknown_path="no such path",
        tracing=tracing,
    )
    return create_web_app(described, Protection())


def ask(app: Starlette, *requests: tuple[str, dict[str, str]]) -> None:
    """Ask within the application's life, so that what waits is sent at its end."""

    async def ask_all() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            for path, headers in requests:
                await client.get(path, headers=headers)

    asyncio.run(ask_all())


@pytest.fixture
def collected() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Address of a collector, and what it was sent."""
    bodies: list[dict[str, Any]] = []

    def receive(request: Any, body: bytes) -> tuple[int, bytes]:  # noqa: ANN401 -- the server's
        assert request.headers["content-type"] == "application/json"
        bodies.append(json.loads(body))
        return 200, b"{}"

    with listening(receive) as url:
        yield f"{url}/v1/traces", bodies


def spans(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        span
        for body in bodies
        for resource in body["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def attributes(span: dict[str, Any]) -> dict[str, str]:
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["message"]: line for line in logged}


def test_lines_of_a_request_name_its_trace_as_cloud_logging_reads_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = service(Tracing(project="money"))
    ask(app, ("/answer/200", {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}))
    logged = lines(capsys)
    expected = f"projects/money/traces/{TRACE_ID}"
    assert logged["at work"][FIELD] == logged["in a thread"][FIELD] == expected


def test_a_request_without_a_trace_does_not_get_the_one_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    headers = {"x-cloud-trace-context": f"{TRACE_ID}/1;o=1"}
    ask(service(Tracing(project="money")), ("/answer/200", headers), ("/answer/200", {}))
    first, _, second, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert first[FIELD].endswith(TRACE_ID)
    assert FIELD not in second


def test_without_the_setting_no_line_has_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    ask(service(Tracing()), ("/answer/200", {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}))
    assert FIELD not in lines(capsys)["at work"]


def test_a_span_continues_the_callers_trace_and_says_what_was_asked_and_answered(
    collected: tuple[str, list[dict[str, Any]]],
) -> None:
    endpoint, bodies = collected
    headers = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "x-request-id": "req-9"}
    ask(service(Tracing(endpoint=endpoint, service_name="scoring")), ("/answer/503", headers))
    [span] = spans(bodies)
    assert (span["traceId"], span["parentSpanId"]) == (TRACE_ID, PARENT_ID)
    assert (span["name"], span["kind"], span["status"]) == ("GET /answer/{status}", 2, {"code": 2})
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/answer/{status}",
        "http.response.status_code": "503",
        "surety.request_id": "req-9",
    }
    assert 0 < int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) < 60e9
    [resource] = [resource["resource"] for body in bodies for resource in body["resourceSpans"]]
    assert resource["attributes"] == [{"key": "service.name", "value": {"stringValue": "scoring"}}]


@pytest.mark.parametrize(
    ("headers", "parent"),
    [
        ({}, None),
        ({"x-cloud-trace-context": f"{TRACE_ID}/255"}, "00000000000000ff"),
        ({"x-cloud-trace-context": f"{TRACE_ID}/0;o=1"}, None),
        ({"traceparent": "nonsense"}, None),
    ],
)
def test_a_span_begins_a_trace_or_continues_googles(
    collected: tuple[str, list[dict[str, Any]]], headers: dict[str, str], parent: str | None
) -> None:
    endpoint, bodies = collected
    ask(service(Tracing(endpoint=endpoint)), ("/answer/200", headers), ("/unknown/path", headers))
    answered, unknown = spans(bodies)
    assert answered.get("parentSpanId") == parent
    assert (answered["traceId"] == TRACE_ID) is ("x-cloud-trace-context" in headers)
    assert len(answered["traceId"]) == 32
    assert answered["status"] == {}
    assert unknown["name"] == "GET none"  # a path may hold anything


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"},
        {"x-cloud-trace-context": f"{TRACE_ID}/1;o=0"},
    ],
)
def test_what_the_caller_samples_out_is_not_sent(
    collected: tuple[str, list[dict[str, Any]]], headers: dict[str, str]
) -> None:
    endpoint, bodies = collected
    ask(service(Tracing(endpoint=endpoint)), ("/answer/200", headers))
    assert bodies == []


def test_a_collector_that_is_away_delays_nobody_and_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = service(Tracing(endpoint="http://127.0.0.1:9/v1/traces"))
    ask(app, ("/answer/200", {}), ("/answer/200", {}))
    warning = lines(capsys)["spans not sent"]
    assert (warning["severity"], warning["lost"]) == ("WARNING", 2)


def test_settings_say_where_traces_go() -> None:
    endpoint = "http://localhost:4318/v1/traces"
    tracing, faults = tracing_from(
        {
            "TRACE_PROJECT": "money",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint,
            "K_SERVICE": "prod-scoring",
        }
    )
    assert faults == []
    assert tracing == Tracing(project="money", endpoint=endpoint, service_name="prod-scoring")
    assert tracing_from({}) == (Tracing(), [])


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318", "must be an address such as"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "file:///etc", "must be an address such as"),
        ("TRACE_PROJECT", "projects/money", "must be a project's ID"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, rule: str) -> None:
    _, [fault] = tracing_from({name: value})
    assert fault.startswith(f"{name}: {rule}")
