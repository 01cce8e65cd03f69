"""The functions-framework target: `functions-framework --target=lending --source=<this file>`."""

from functions.web.cold_start import finish_imports  # first

# isort: split
import functions_framework.aio
from starlette.requests import Request
from starlette.types import ASGIApp

from functions.lending.app import create_app
from functions.lending.settings import read_settings
from functions.web.framework import use_our_server
from functions.web.logs import log

finish_imports()

# Before the server forks: a wrong setting ends the process here, by name.
SETTINGS = read_settings()
APP = create_app(SETTINGS)
use_our_server(APP)
if SETTINGS.access.auth == "none":
    log("WARNING", "AUTH is none, and functions-framework listens everywhere unless HOST is set")


@functions_framework.aio.http  # type: ignore[arg-type]  # any ASGI application answers
async def lending(_request: Request) -> ASGIApp:
    """Hand the request to the application, which answers it as an ASGI response."""
    return APP
