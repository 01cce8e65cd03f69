"""`python -m training`: the command line and its exit codes."""

import os
import sys

# Before any library with OpenMP is loaded: threads that wait should sleep, not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from training.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
