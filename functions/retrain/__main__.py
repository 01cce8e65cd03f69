"""`python -m functions.retrain`: the server as the container runs it; `settings` lists them."""

from functions.retrain.app import prepare  # first: it starts with the settings of a cold start

# isort: split
import json
import sys

from functions.retrain.settings import TRAINING_VARIABLES
from functions.web.server import serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(serve(prepare))
        case ["settings"]:
            tables = {"Retraining": [v._asdict() for v in TRAINING_VARIABLES]}
            print(json.dumps(tables, indent=1))
        case _:
            sys.exit("usage: python -m functions.retrain [settings]")
