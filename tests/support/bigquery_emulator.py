"""A running bqemulator, in the environment of the warehouses' tests."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.foreign_features import find_python
from tests.support.running import free_port

START_SECONDS = 120
SPATIAL = "import duckdb_extensions as d; d.import_extension('spatial')"  # the emulator needs it


@contextlib.contextmanager
def running_emulator(home: Path) -> Iterator[str]:
    """Start the emulator, and yield its address."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    python = find_python("bigquery")
    subprocess.run([str(python), "-c", SPATIAL], env=environment, check=True)
    port = free_port()
    command = [str(python.with_name("bqemulator")), "start", "--rest-port", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--grpc-port", "0"], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_it_answers(url: str) -> None:
    """Return once it lists datasets."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/bigquery/v2/projects/bank/datasets", trust_env=False)
            return
        time.sleep(0.2)
    pytest.fail("the emulator does not answer")
