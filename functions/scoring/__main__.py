"""`python -m functions.scoring`: the server as the container runs it.

`audit` reads its decision log; `openapi` prints what it serves.
"""

from functions.start import imported  # first

# isort: split
import json
import sys
from dataclasses import replace

from starlette.applications import Starlette

from functions.scoring.app import create_app, described
from functions.scoring.settings import read_settings
from functions.server import serve
from functions.settings import Listening

imported()


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and put the function together."""
    settings = read_settings()
    return create_app(settings), settings.listening


def print_document() -> int:
    """Print the OpenAPI document of these settings."""
    settings = replace(read_settings(), decision_log="off")
    print(json.dumps(described(settings, create_app(settings).routes), indent=1))
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(serve(prepare))
        case ["openapi"]:
            sys.exit(print_document())
        case words:
            from functions.scoring.audit import main  # the server has no use for it

            sys.exit(main(words))
