"""`python -m functions.scoring`: the server as the container runs it.

`audit` reads its decision log. `openapi`, `decision-table` and `settings` print the OpenAPI
document, the schema of the decision log's table and the settings, for the files that `make
documents` writes.
"""

from functions.web.cold_start import finish_imports  # first

# isort: split
import sys

from functions.scoring.prefetch import prefetch_champion

if __name__ == "__main__":
    match sys.argv[1:]:
        case [] | ["serve"]:  # SageMaker gives its containers this argument
            prefetched = prefetch_champion()
            # Imported while the bucket is being read.
            from functools import partial

            from functions.scoring.app import prepare
            from functions.web.server import serve

            sys.exit(serve(partial(prepare, prefetched)))
        case [("openapi" | "decision-table" | "settings") as name]:
            from functions.scoring.documents import print_document  # only for people

            sys.exit(print_document(name))
        case arguments:
            from functions.scoring.evidence.audit_cli import main  # the server has no use for it

            finish_imports()
            sys.exit(main(arguments))
