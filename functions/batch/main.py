"""The functions-framework targets: `batch` is the API, `finalised` hears of files in an inbox.

`functions-framework --target=batch --source=functions/batch/main.py`
"""

from functions.web.cold_start import finish_imports  # first

# isort: split
import functions_framework.aio
from cloudevents.http import CloudEvent
from starlette.requests import Request
from starlette.types import ASGIApp

from functions.batch.app import create_app, create_worker
from functions.batch.events import score_event
from functions.batch.settings import read_settings
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
async def batch(_request: Request) -> ASGIApp:
    """Hand the request to the application, which answers it as an ASGI response."""
    return APP


@functions_framework.aio.cloud_event
def finalised(event: CloudEvent) -> None:
    """Score the file that an event of Cloud Storage names."""
    score_event(create_worker(SETTINGS), event.get_attributes(), event.data)
