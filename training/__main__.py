"""Entry point of `python -m training`."""

import os
import sys

# Set before any library loads OpenMP, so that waiting threads sleep instead of spinning. Those of
# numpy's own library always spin, and its matrices are too small here to need more than one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# MLflow, if it is installed, would try a server that is down for minutes, report its use to its
# authors, and print links among results.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # seconds
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from training.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
