"""`python -m functions.scoring`: the server as the container runs it; `audit` reads its log."""

import sys

from starlette.applications import Starlette

from functions.scoring.app import create_app
from functions.scoring.settings import read_settings
from functions.server import serve
from functions.settings import Listening


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and put the function together."""
    settings = read_settings()
    return create_app(settings), settings.listening


if __name__ == "__main__":
    if sys.argv[1:]:
        from functions.scoring.audit import main  # the server has no use for it

        sys.exit(main(sys.argv[1:]))
    sys.exit(serve(prepare))
