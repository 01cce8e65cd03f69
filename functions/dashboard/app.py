"""The dashboard as one ASGI application: Streamlit, with our health, metrics and headers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp

from functions.access.protection import protection_from
from functions.dashboard.page_shell import PageShellMiddleware
from functions.dashboard.runtime import Services, connect
from functions.dashboard.security_headers import SecurityHeadersMiddleware
from functions.dashboard.settings import DashboardSettings, read_settings
from functions.web import health
from functions.web.contract import scoped_routes
from functions.web.logs import log, log_library_warnings
from functions.web.middleware import RequestMiddleware, SafetyMiddleware
from functions.web.server import SERVER_OPTIONS
from functions.web.settings import Listening
from functions.web.telemetry import RequestTelemetry, metrics_contract

ENTRY = Path(__file__).parent / "entry.py"
# Our own protocol answers no upgrade, and Streamlit speaks over a WebSocket.
WEBSOCKET_OPTIONS: dict[str, Any] = SERVER_OPTIONS | {
    "http": "httptools",
    "ws": "websockets-sansio",
}


def prepare() -> tuple[ASGIApp, Listening]:
    """Read the settings and create the application, for a server."""
    settings = read_settings()
    return create_app(settings), settings.listening


def create_app(settings: DashboardSettings) -> st.App:
    """Create the application. One process has one: Streamlit's runtime is its own singleton."""
    opened = connect(settings)
    telemetry = RequestTelemetry()
    return st.App(
        ENTRY,
        secrets={"auth": auth_section(settings)},
        lifespan=_lifespan(opened),
        routes=own_routes(settings, telemetry),
        middleware=[
            Middleware(RequestMiddleware, observe=telemetry.observe),
            Middleware(SecurityHeadersMiddleware, is_https=settings.url.startswith("https:")),
            Middleware(SafetyMiddleware),
            Middleware(PageShellMiddleware),
        ],
        on_script_error=_log_script_error,
    )


def auth_section(settings: DashboardSettings) -> dict[str, Any]:
    """Return what `st.login` needs."""
    sign_in = settings.sign_in
    return {
        "redirect_uri": f"{settings.url}/oauth2callback",
        "cookie_secret": sign_in.cookie_secret,
        "client_id": sign_in.client_id,
        "client_secret": sign_in.client_secret,
        "server_metadata_url": sign_in.metadata_url,
        "expose_tokens": [sign_in.token],
        "client_kwargs": {"scope": sign_in.scope, "prompt": "select_account"},
    }


def own_routes(settings: DashboardSettings, telemetry: RequestTelemetry) -> list[Route]:
    """Return health and metrics, which need what they need in every other function."""
    scoped = scoped_routes(
        [health.contract(health.always_ready), metrics_contract(telemetry, None)]
    )
    telemetry.register(route for route, _ in scoped)
    protection = protection_from(settings.access, settings.listening)
    if protection.guard:
        protection.guard(scoped)
    return [route for route, _ in scoped]


def _lifespan(opened: Services) -> Any:  # noqa: ANN401 -- Streamlit's own type is private
    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        log_library_warnings()  # Streamlit has taken the server's loggers by now
        yield
        opened.close()

    return lifespan


def _log_script_error(error: Exception) -> None:
    # Its kind alone: a message may repeat an applicant's data.
    log("ERROR", f"a page failed: {type(error).__name__}")
