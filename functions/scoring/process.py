"""The server's process: settings read, the function put together, served until it is stopped."""

from functions.web.cold_start import imported  # first

# isort: split
import json
from dataclasses import replace
from functools import partial

from starlette.applications import Starlette

from functions.scoring.app import create_app, described
from functions.scoring.settings import read_settings
from functions.web.server import serve
from functions.web.settings import Listening
from models.stores.prefetch import PrefetchReader

imported()


def run(ahead: PrefetchReader | None) -> int:
    """Serve; some of the store was begun to be read `ahead`."""
    return serve(partial(prepare, ahead))


def prepare(ahead: PrefetchReader | None = None) -> tuple[Starlette, Listening]:
    """Read the settings and put the function together."""
    settings = read_settings()
    return create_app(settings, ahead), settings.listening


def print_document() -> int:
    """Print the OpenAPI document of these settings."""
    settings = replace(read_settings(), decision_log="off")
    print(json.dumps(described(settings, create_app(settings).routes), indent=1))
    return 0
