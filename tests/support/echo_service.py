"""A service that says what it was sent, for tests of the server: `python -m`, on PORT."""

import asyncio
import os
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web import http_protocol
from functions.web.app_factory import Protection, Service, create_web_app
from functions.web.bodies import json_response
from functions.web.contract import OPEN, Contract
from functions.web.openapi import Operation
from functions.web.server import serve
from functions.web.settings import Listening, listening_from


async def echo(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params.get("seconds", "0")))
    body = (await request.body()).decode()
    return json_response(
        {"method": request.method, "name": request.path_params["name"]} | {"body": body}
    )


ECHO = Contract(
    tag="Echo",
    routes=[Route("/echo/{name}", echo, methods=["GET", "POST", "PUT"])],
    scopes={f"{method} /echo/{{name}}": OPEN for method in ("GET", "POST", "PUT")},
    paths=lambda: {
        "/echo/{name}": {method: Operation("Echo") for method in ("get", "post", "put")}
    },
)


def prepare() -> tuple[Starlette, Listening]:
    """Build the service; REQUEST_SECONDS shortens the time a request may take to arrive."""
    environment = os.environ  # noqa: TID251 -- this is its settings
    http_protocol.REQUEST_SECONDS = float(environment.get("REQUEST_SECONDS", "30"))
    listening, _ = listening_from(environment, 0)
    service = Service(
        title="Echo", description="Echo.", contracts=[ECHO], unknown_path="no such path"
    )
    origins = ("https://page.example",)
    return create_web_app(service, Protection(origins=origins)), listening


if __name__ == "__main__":
    sys.exit(serve(prepare))
