"""Debian's Prometheus, started with the shipped configuration and addresses of this machine."""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.running import REPOSITORY, START_SECONDS, STOP_SECONDS, free_port

SHIPPED = REPOSITORY / "infra" / "monitoring" / "prometheus"


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, asked over HTTP."""

    client: httpx.Client

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what an address of its interface has."""
        response = self.client.get(f"/api/v1/{path}", params=parameters)
        document = response.json()
        assert document["status"] == "success", document
        return document["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result

    def wait(self, expression: str) -> list[dict[str, Any]]:
        """Wait until an expression has a series."""
        deadline = time.monotonic() + START_SECONDS
        while not (series := self.query(expression)):
            assert time.monotonic() < deadline, f"{expression} has no series"
            time.sleep(0.2)
        return series


@contextlib.contextmanager
def running_prometheus(
    folder: Path, addresses: Mapping[str, Sequence[str]]
) -> Iterator[Prometheus]:
    """Start Prometheus, which scrapes each job's addresses every second."""
    shutil.copytree(SHIPPED, folder / "configuration")
    path = folder / "configuration" / "prometheus.yaml"
    document = yaml.safe_load(path.read_text())
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    document["alerting"] = {}
    for job in document["scrape_configs"]:
        job.pop("file_sd_configs", None)
        job["static_configs"] = [{"targets": list(addresses[job["job_name"]])}]
    path.write_text(json.dumps(document))
    port = free_port()
    address = f"127.0.0.1:{port}"
    words = [f"--config.file={path}", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *words, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            wait_until_live(client)
            yield Prometheus(client)
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def wait_until_live(client: httpx.Client, path: str = "/-/ready") -> None:
    """Wait until a server of the Prometheus family answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if client.get(path).is_success:
                return
        time.sleep(0.1)
    message = f"{client.base_url} did not start"
    raise TimeoutError(message)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Print nothing."""

    def guess_type(self, path: Any) -> str:  # noqa: ANN401, ARG002 -- the library's signature
        """Say what node_exporter says of its page."""
        return "text/plain; version=0.0.4"


@contextlib.contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """Serve files of a folder, as node_exporter shows those it collects; return the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
