"""Headers that keep the dashboard's pages to this host."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from functions.dashboard.security_headers import SecurityHeadersMiddleware
from tests.functions.dashboard.conftest import get


async def respond(_request: Request) -> Response:
    return PlainTextResponse("x", headers={"X-Frame-Options": "SAMEORIGIN"})


@pytest.mark.parametrize("is_https", [False, True])
def test_every_response_has_them_once(*, is_https: bool) -> None:
    app = Starlette(routes=[Route("/", respond)])
    headers = get(SecurityHeadersMiddleware(app, is_https=is_https)).headers
    assert headers.get_list("x-frame-options") == ["DENY"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "http:" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert ("strict-transport-security" in headers) is is_https
