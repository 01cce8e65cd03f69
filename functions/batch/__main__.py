"""`python -m functions.batch score`: a file is scored, by one task or by several."""

import sys

from functions.batch.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
