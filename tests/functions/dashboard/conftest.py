"""What tests of the dashboard share: a fake API, settings, and pages run as some role."""

import asyncio
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest
from starlette.types import ASGIApp
from streamlit.testing.v1 import AppTest

from functions.client.clients import Surety
from functions.dashboard import runtime
from functions.dashboard.runtime import Services
from functions.dashboard.settings import settings_from
from tests.support.fake_api import FakeApi
from tests.support.running import REPOSITORY

ENTRY = REPOSITORY / "functions/dashboard/entry.py"
ENVIRONMENT = {
    "LENDING_URL": "http://localhost:8081",
    "DASHBOARD_SCORING_URL": "http://localhost:8080",
    "OIDC_METADATA_URL": "https://issuer.example.org/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "dashboard",
    "OIDC_CLIENT_SECRET": "secret",
    "COOKIE_SECRET": "0123456789abcdef0123456789abcdef",
}
TOKEN = "token-of-the-user"  # noqa: S105 -- of nobody
APPLICATION, LOAN = f"app_{uuid.UUID(int=1).hex}", f"loan_{uuid.UUID(int=2).hex}"

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _own_main_module() -> Iterator[None]:
    """Put back the main module, whose place a page takes: other processes start from it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """The APIs, which pages then ask."""
    fake = FakeApi()
    # Its lines have keys that a schema does not name.
    fake.answers["/v1/portfolio/month-ageing"] = {"lines": []}
    connection = cast("Surety", fake)
    settings = settings_from(ENVIRONMENT)
    runtime.use(
        Services(
            settings=settings,
            lending=connection,
            scoring=connection,
            batches=connection,
            retraining=connection,
        )
    )
    yield fake
    runtime.close_all()


@pytest.fixture
def open_page(api: FakeApi) -> OpenPage:
    """Run a page as somebody with a role."""

    def open_as(role: str | None, name: str = "home", **query: str) -> AppTest:
        app = AppTest.from_file(str(ENTRY), default_timeout=20)
        claims: dict[str, Any] = {"name": "Asha", "roles": [role], "tokens": {"access": TOKEN}}
        if role == "client":
            claims["customer_id"] = 1101
        app.user = {"is_logged_in": True, **claims} if role else {"is_logged_in": False}
        if query:  # widgets that are bound to the URL read it on a session that has begun
            app.run()
            api.requests.clear()  # those of the home page
        for key, value in query.items():
            app.query_params[key] = value
        if name != "home":
            app.switch_page(f"pages/{name}.py")
        return app.run()

    return open_as


def get(app: ASGIApp, path: str = "/", **headers: str) -> httpx.Response:
    """Ask an ASGI application once, without a server."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def metrics(app: AppTest) -> dict[str, str]:
    """Return the figures of a page by their labels."""
    return {metric.label: metric.value for metric in app.metric}


def texts(app: AppTest) -> str:
    """Return what a page says."""
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.success]
    return "\n".join(str(part.value) for part in parts)
