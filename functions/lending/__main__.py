"""`python -m functions.lending`: the server as the container runs it.

`migrate` brings the database to the newest version. `close --date D` closes business days up to D.
`seed` fills an empty database. `openapi` and `settings` print documents.
"""

from functions.web.cold_start import finish_imports  # first

# isort: split
import sys

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            from functions.lending.app import prepare
            from functions.web.server import serve

            sys.exit(serve(prepare))
        case arguments:
            from functions.lending.cli import main  # the server has no use for it

            finish_imports()
            sys.exit(main(arguments))
