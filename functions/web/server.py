"""The server as the containers run it: faster than functions-framework's.

It stops gracefully within the time Cloud Run allows, which the framework's command line cannot set.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from types import FrameType, MappingProxyType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from functions.web.http_protocol import HttpProtocol
from functions.web.logs import log_library_warnings
from functions.web.settings import Listening
from models.errors import DeclarationError

STOP_SECONDS = 7  # Cloud Run kills ten seconds after SIGTERM
# How long a thread that scores a batch keeps the interpreter before the loop gets its turn: with
# Python's 5 ms, single scores beside one wait that long for each step.
SWITCH_SECONDS = 0.0005
DRAIN_TURNS, DRAIN_SECONDS = 10, 0.03
SERVER_OPTIONS: dict[str, Any] = {
    "loop": "uvloop",
    "http": HttpProtocol,
    "ws": "none",
    # It would trust whatever a caller on this machine says about where it comes from.
    "proxy_headers": False,
    "lifespan": "on",
    "access_log": False,
    "log_config": None,
    "log_level": "warning",
    "server_header": False,
    "timeout_graceful_shutdown": STOP_SECONDS,
}


def serve(
    prepare: Callable[[], tuple[ASGIApp, Listening]],
    options: Mapping[str, Any] = MappingProxyType(SERVER_OPTIONS),
) -> int:
    """Serve until told to stop; 2 when the settings are wrong."""
    try:
        app, listening = prepare()
    except DeclarationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(app, host=listening.host, port=listening.port, **options)
    server = DrainingServer(config)
    log_library_warnings()
    sys.setswitchinterval(SWITCH_SECONDS)
    server.run()
    return 0 if server.started else 1


class DrainingServer(uvicorn.Server):
    """Stops without losing a request that was sent before its connection was said to end.

    SIGTERM leaves idle connections open for their usual time; SIGINT closes them. Both end the
    process with status 0.
    """

    _is_interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the signal is not raised again once that is done."""
        self._is_interrupted |= sig == signal.SIGINT
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Read what has arrived before connections end: the loop may have been busy."""
        for _ in range(DRAIN_TURNS):  # turns of the loop, which may come late: not a span of time
            await asyncio.sleep(DRAIN_SECONDS)
        if self._is_interrupted:
            for connection in list(self.server_state.connections):
                # A WebSocket is never idle: uvicorn closes it.
                getattr(connection, "close_if_idle", bool)()
        await super().shutdown(sockets)
