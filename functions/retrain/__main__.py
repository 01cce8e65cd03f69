"""`python -m functions.retrain`: the server as the container runs it; `settings` lists them."""

from functions.retrain.app import prepare  # first: it starts with the settings of a cold start

# isort: split
import json
import sys

from functions.retrain.settings import TRAINING_VARIABLES
from functions.web.server import serve

if __name__ == "__main__":
    if sys.argv[1:] == ["settings"]:
        print(json.dumps({"Retraining": [v._asdict() for v in TRAINING_VARIABLES]}, indent=1))
        sys.exit(0)
    sys.exit(serve(prepare))
