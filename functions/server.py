"""The server as the containers run it: a faster one than functions-framework's.

It stops gracefully within the time Cloud Run gives, which the framework's command line cannot set.
"""

import sys
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from functions.settings import Listening
from models.errors import DeclarationError

STOP_SECONDS = 8  # Cloud Run kills ten seconds after SIGTERM


def serve(prepare: Callable[[], tuple[Starlette, Listening]]) -> int:
    """Serve until told to stop; 2 when the settings are wrong."""
    try:
        app, listening = prepare()
    except DeclarationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=listening.host,
        port=listening.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        # It would believe whatever a caller on this machine says of where it comes from.
        proxy_headers=False,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return 0
