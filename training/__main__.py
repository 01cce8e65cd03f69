"""Entry point of `python -m training`."""

import os
import sys

# Set before any library loads OpenMP, so that waiting threads sleep instead of spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from training.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
