"""`python -m functions.retrain`: the server as the container runs it.

`openapi` and `settings` print documents.
"""

from functions.retrain.app import prepare  # first: it starts with the settings of a cold start

# isort: split
import json
import sys

from functions.web.server import serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            sys.exit(serve(prepare))
        case ["openapi" | "settings" as name]:
            from functions.retrain.documents import DOCUMENTS

            print(json.dumps(DOCUMENTS[name](), indent=1))
        case _:
            sys.exit("usage: python -m functions.retrain [openapi | settings]")
