"""Entry point of `python -m training`."""

import os
import sys

# Set before any library loads OpenMP, so that waiting threads sleep instead of spinning. Those of
# numpy's own library always spin, and its matrices are too small here to need more than one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from training.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
