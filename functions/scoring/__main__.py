"""`python -m functions.scoring`: the server as the container runs it.

`audit` reads its decision log; `openapi` prints what it serves.
"""

from functions.web.cold_start import imported  # first

# isort: split
import sys

from functions.scoring.prefetch import prefetch_champion

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            ahead = prefetch_champion()
            from functions.scoring.process import run  # imported while a bucket is read

            sys.exit(run(ahead))
        case ["openapi"]:
            from functions.scoring.process import print_document

            sys.exit(print_document())
        case words:
            from functions.scoring.evidence.audit_cli import main  # the server has no use for it

            imported()
            sys.exit(main(words))
