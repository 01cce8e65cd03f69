"""A new service of thirty lines gets everything it needs from `web` and `access`."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from functions.access.protection import protection_from
from functions.access.settings import access_from
from functions.web.app_factory import Service, create_web_app
from functions.web.bodies import json_response, read_json_object, unknown_members
from functions.web.contract import Contract
from functions.web.openapi import Operation, closed_object
from functions.web.problems import Fault, reject_faults
from functions.web.settings import listening_from
from models.errors import SuretyError
from tests.functions.access.conftest import KeyFile, key_file

__all__ = ["key_file"]


class NoteMissingError(SuretyError):
    """There is no such note."""


class Note(TypedDict):
    """A note of a loan officer."""

    text: str


async def write(request: Request) -> Response:
    document = await read_json_object(request)
    text = document.get("text")
    faults = [] if isinstance(text, str) else [Fault("text", "Input should be a string")]
    reject_faults([*unknown_members(document, {"text"}), *faults])
    return json_response({"text": text})


async def read(_request: Request) -> Response:
    message = "there is no such note"
    raise NoteMissingError(message)


NOTES = Contract(
    tag="Notes",
    routes=[Route("/notes", write, methods=["POST"]), Route("/notes", read, methods=["GET"])],
    scopes={"POST /notes": "score", "GET /notes": "models"},
    paths=lambda: {
        "/notes": {
            "post": Operation("Write", closed_object({"text": {"type": "string"}}, ["text"]), Note),
            "get": Operation("Read", response=Note),
        }
    },
)


def create_notes(**environment: str) -> Starlette:
    listening, faults = listening_from(environment, 8090)
    access, access_faults = access_from(environment, listening)
    assert faults + access_faults == []
    service = Service(
        title="Notes",
        description="Notes of loan officers.",
        contracts=[NOTES],
        unknown_path="no such path; POST /notes writes a note",
        error_statuses={NoteMissingError: HTTPStatus.NOT_FOUND},
    )
    return create_web_app(service, protection_from(access, listening))


Send = Callable[..., httpx.Response]


@pytest.fixture
def send(key_file: KeyFile) -> Send:
    """Send one request with a key of the scope `score`."""
    app = create_notes(**key_file.settings())
    key = key_file.add("score")

    def send_request(method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(request())

    return send_request


def test_it_answers_and_names_the_request(send: Send) -> None:
    answer = send("POST", "/notes", json={"text": "call back"})
    assert (answer.status_code, answer.json()) == (200, {"text": "call back"})
    assert answer.headers["x-request-id"]
    assert answer.headers["ratelimit-limit"] == "600"


def test_its_errors_are_problem_documents_with_every_fault(send: Send) -> None:
    answer = send("POST", "/notes", json={"text": 7, "colour": "red"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    assert {fault["path"] for fault in answer.json()["errors"]} == {"text", "colour"}


def test_its_own_errors_have_the_statuses_it_declares() -> None:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(create_notes())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/notes")

    answer = asyncio.run(request())
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such note")


def test_a_caller_needs_a_credential_with_the_scope_of_the_route(send: Send) -> None:
    assert send("POST", "/notes", headers={"Authorization": "Bearer x"}).status_code == 401
    refused = send("GET", "/notes")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert 'scope="models"' in refused.headers["www-authenticate"]


def test_bodies_and_methods_are_limited(send: Send) -> None:
    large = send("POST", "/notes", json={"text": "x" * 3_000_000})
    assert large.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert send("DELETE", "/notes").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert "POST /notes writes a note" in send("GET", "/other").json()["detail"]


def test_it_is_documented_with_what_each_route_requires(send: Send) -> None:
    document = send("GET", "/openapi.json").json()
    assert document["info"]["title"] == "Notes"
    write_note = document["paths"]["/notes"]["post"]
    assert (write_note["tags"], write_note["x-scope"]) == (["Notes"], "score")
    content = write_note["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Note"}
    assert document["components"]["schemas"]["Note"]["required"] == ["text"]
    assert "<!doctype html>" in send("GET", "/docs").text.lower()


def test_its_health_and_metrics_are_served() -> None:
    async def request() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_notes())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            paths = ("/health/live", "/health/ready", "/notes", "/metrics")
            return [await client.get(path) for path in paths]

    live, ready, _, metrics = asyncio.run(request())
    assert (live.json(), ready.json()) == ({"status": "live"}, {"status": "ready"})
    assert 'surety_request_seconds_count{route="/notes",status="404"} 1.0' in metrics.text
