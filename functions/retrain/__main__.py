"""`python -m functions.retrain`: the server as the container runs it."""

from functions.web.cold_start import imported  # first

# isort: split
import sys

from starlette.applications import Starlette

from functions.retrain.app import create_app
from functions.retrain.settings import read_settings
from functions.web.server import serve
from functions.web.settings import Listening

imported()


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and put the function together."""
    settings = read_settings()
    return create_app(settings), settings.listening


if __name__ == "__main__":
    sys.exit(serve(prepare))
