import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.web.app_factory import Protection, Service, create_web_app, describe
from functions.web.contract import OPEN, Contract
from functions.web.openapi import Operation
from models.errors import DeclarationError
from tests.support.running import REPOSITORY, Server, running_server

LISTED = "https://app.example.com"
NOT_LISTED = ("https://evil.example.com", "https://app.example.com.evil.com", "null", "")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("browsers")
    variables = {"MODEL_STORE": (folder / "store").as_uri(), "CORS_ORIGINS": LISTED}
    with running_server(folder / "log", "module", **variables) as server:
        yield server


def preflight(server: Server, origin: str, method: str = "POST") -> httpx.Response:
    sent_headers = {"Origin": origin, "Access-Control-Request-Method": method}
    sent_headers["Access-Control-Request-Headers"] = "authorization,content-type,idempotency-key"
    return server.client.options("/predict", headers=sent_headers)


def test_a_page_of_a_listed_origin_may_call_and_read_the_answer(server: Server) -> None:
    allowed = preflight(server, LISTED)
    assert allowed.status_code == httpx.codes.OK
    assert allowed.headers["access-control-allow-origin"] == LISTED
    assert "access-control-allow-credentials" not in allowed.headers
    answer = server.client.post("/predict", content=b"{", headers={"Origin": LISTED})
    assert answer.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", NOT_LISTED)
def test_a_page_of_any_other_origin_may_not(server: Server, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(server, origin).headers
    answer = server.client.get("/health", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_no_other_method_may_be_called_from_a_page(server: Server) -> None:
    assert preflight(server, LISTED, "DELETE").status_code == httpx.codes.BAD_REQUEST


def test_who_asks_nothing_of_callers_loads_nothing_for_it(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from functions.scoring.app import create_app\n"
        "from functions.scoring.settings import read_settings\n"
        "app = create_app(read_settings())\n"
        "assert all(type(r.app).__name__ != 'Guard' for r in app.routes)\n"
        "names = [middleware.cls.__name__ for middleware in app.user_middleware]\n"
        "assert names == ['RequestMiddleware', 'SafetyMiddleware'], names\n"
        "unasked = {'joserfc', 'limits', 'requests', 'functions.access.guard',"
        " 'functions.access.api_keys', 'starlette.middleware.cors'}\n"
        "assert not unasked & set(sys.modules), unasked & set(sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(REPOSITORY), "MODEL_STORE": tmp_path.as_uri()}
    for auth in ({}, {"AUTH": "iam", "K_SERVICE": "scoring"}):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment | auth,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_a_page_of_a_listed_origin_may_use_every_method_of_the_routes() -> None:
    async def replace(_request: Request) -> Response:
        return Response()

    contract = Contract(
        tag="Loans",
        routes=[Route("/loans", replace, methods=["PUT"])],
        scopes={"PUT /loans": OPEN},
    )
    service = Service(
        title="Lending", description="", contracts=[contract], unknown_path="no such path"
    )
    app = create_web_app(service, Protection(origins=(LISTED,)))
    sent_headers = {"Origin": LISTED, "Access-Control-Request-Method": "PUT"}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lending") as client:
            return await client.options("/loans", headers=sent_headers)

    answer = anyio.run(ask)
    assert answer.is_success
    assert "PUT" in answer.headers["access-control-allow-methods"]


def test_a_documented_path_without_a_route_is_named() -> None:
    paths = {"/loans": {"get": Operation("List the loans")}}
    contract = Contract(tag="Loans", routes=[], scopes={}, paths=lambda: paths)
    service = Service(
        title="Lending", description="", contracts=[contract], unknown_path="no such path"
    )
    with pytest.raises(DeclarationError, match="GET /loans: the document has this path"):
        describe(service, Protection())
