"""The server as the containers run it: faster than functions-framework's.

It stops gracefully within the time Cloud Run allows, which the framework's command line cannot set.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from functions.web.settings import Listening
from models.errors import DeclarationError

STOP_SECONDS = 7  # Cloud Run kills ten seconds after SIGTERM
DRAIN_TURNS, DRAIN_SECONDS = 10, 0.03


def serve(prepare: Callable[[], tuple[Starlette, Listening]]) -> int:
    """Serve until told to stop; 2 when the settings are wrong."""
    try:
        app, listening = prepare()
    except DeclarationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    server = _DrainingServer(
        uvicorn.Config(
            app,
            host=listening.host,
            port=listening.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            # It would trust whatever a caller on this machine says about where it comes from.
            proxy_headers=False,
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):  # which it raises again when it has stopped
        server.run()
    return 0 if server.started else 1


class _DrainingServer(uvicorn.Server):
    """Reads what has arrived before it closes connections that have no open request.

    A request may have arrived unread while the loop was busy; closing its connection resets it.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for _ in range(DRAIN_TURNS):  # turns of the loop, which may come late: not a span of time
            await asyncio.sleep(DRAIN_SECONDS)
        await super().shutdown(sockets)
