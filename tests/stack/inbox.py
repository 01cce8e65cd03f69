"""The inbox of batches: the service that Terraform starts for events, and Eventarc's part."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from functions.batch.events import FINALISED
from models.stores.uri import open_store
from tests.support.running import REPOSITORY, START_SECONDS, free_port

INBOX, BATCHES = "test-inbox", "test-batches"
TERRAFORM = (REPOSITORY / "terraform" / "batch.tf").read_text()


@contextmanager
def hearing(folder: Path, **settings: str) -> Iterator[str]:
    """Start the service with the command that Terraform gives it, and yield its address."""
    [line] = [line for line in TERRAFORM.splitlines() if "functions-framework" in line]
    program, *words = re.findall(r'"([^"]*)"', line)
    port = free_port()
    environment = {"PYTHONPATH": str(REPOSITORY), "PORT": str(port), "HOST": "127.0.0.1"}
    environment |= {"AUTH": "iam", "K_SERVICE": "test-batch", "PATH": "/usr/bin:/bin"}
    with (folder / "batch.log").open("ab") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / program), *words],
            cwd=REPOSITORY,
            env=environment | settings,
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=15)


def land(name: str, data: bytes) -> dict[str, str]:
    """Put a file into the inbox; return what the event of it says."""
    store = open_store(f"gs://{INBOX}")
    store.create(name, data)
    return {"bucket": INBOX, "name": name, "generation": str(store.stat(name).generation)}


def tell(url: str, event: dict[str, str]) -> int:
    """Send an event as Eventarc does, again until the service is there; return its status."""
    headers = {"ce-specversion": "1.0", "ce-type": FINALISED, "ce-id": "1", "ce-source": "inbox"}
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=START_SECONDS) as client:
        while True:
            try:
                return client.post(url, json=event, headers=headers).status_code
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
