"""functions-framework with the server of `functions.web.server` instead of its own.

The framework serves through gunicorn and `uvicorn_worker.UvicornWorker`, which it names in its
code. It never calls an application's start and stop.
"""

import logging
import sys
from typing import Any, ClassVar

import uvicorn_worker
from gunicorn.arbiter import Arbiter
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.web.logs import log_library_warnings
from functions.web.server import SERVER_OPTIONS, DrainingServer


class FrameworkWorker(uvicorn_worker.UvicornWorker):  # type: ignore[misc]  # it has no types
    """A worker process with our protocol, stop and log, and the application's start and stop."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = SERVER_OPTIONS
    application: ClassVar[Starlette]

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 -- gunicorn's
        super().__init__(*arguments, **options)
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [], True
        log_library_warnings()

    async def _serve(self) -> None:
        self.config.app = _WithLifespan(self.wsgi, self.application)
        server = DrainingServer(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


class _WithLifespan:
    """The framework's application for requests, and ours for start and stop."""

    def __init__(self, framework: ASGIApp, application: ASGIApp) -> None:
        self._framework = framework
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._application if scope["type"] == "lifespan" else self._framework
        await app(scope, receive, send)


def use_our_server(application: Starlette) -> None:
    """Replace the framework's worker; call it from the target's file, before the server starts."""
    FrameworkWorker.application = application
    uvicorn_worker.UvicornWorker = FrameworkWorker
