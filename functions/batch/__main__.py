"""`python -m functions.batch`: the server as the container runs it.

`score` scores a file, `run` a batch of the API; `openapi` and `settings` print documents.
"""

from functions.web.cold_start import finish_imports  # first

# isort: split
import sys

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            from functions.batch.app import prepare
            from functions.web.server import serve

            sys.exit(serve(prepare))
        case ["openapi" | "settings" as name]:
            import json

            from functions.batch.documents import DOCUMENTS

            print(json.dumps(DOCUMENTS[name](), indent=1))
        case arguments:
            from functions.batch.cli import main  # the server has no use for it

            finish_imports()
            sys.exit(main(arguments))
