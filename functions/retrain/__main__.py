"""`python -m functions.retrain`: the server as the container runs it."""

from functions.retrain.app import prepare  # first: it starts with the settings of a cold start

# isort: split
import sys

from functions.web.server import serve

if __name__ == "__main__":
    sys.exit(serve(prepare))
