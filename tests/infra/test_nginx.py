"""nginx of the composition: what it lets through, and what a service learns of a caller."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
import yaml

from tests.infra.rehearsal import listening
from tests.support.running import REPOSITORY, free_port

FOLDER = REPOSITORY / "infra" / "docker"
TEXT = (FOLDER / "nginx.conf").read_text()
SERVICES = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
REAL = pytest.mark.skipif(
    not shutil.which("nginx"), reason="nginx is not installed (Debian's nginx): none was started"
)


def test_nginx_stands_before_both_services_and_shows_nobody_their_metrics() -> None:
    ports = re.findall(r"listen (\d+);", TEXT)
    assert re.findall(r"proxy_pass http://(\S+);", TEXT) == [f"scoring:{port}" for port in ports]
    assert [f"127.0.0.1:{port}:{port}" for port in ports] == SERVICES["nginx"]["ports"]
    assert TEXT.count("location = /metrics") == len(ports)
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in TEXT
    for name in ("scoring", "lending"):
        assert SERVICES[name]["environment"]["FORWARDED_HOPS"] == "1"
    assert TEXT.count("{") == TEXT.count("}")


@contextmanager
def running_nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Start nginx as the composition does, both services being elsewhere: its first address."""
    text = TEXT.replace("/tmp/", f"{folder}/").replace("/dev/stderr", f"{folder}/errors")  # noqa: S108 -- replaced
    text = re.sub(r"http://scoring:\d+", upstream, text)
    ports = [free_port(), free_port()]
    for port, published in zip(ports, re.findall(r"listen (\d+);", TEXT), strict=True):
        text = text.replace(f"listen {published};", f"listen 127.0.0.1:{port};")
    (folder / "nginx.conf").write_text(text)
    options = ["-g", "daemon off; master_process off;", "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(["nginx", "-p", str(folder), *options], stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@REAL
def test_a_service_learns_the_callers_address_last_and_nobody_reads_metrics(tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: BaseHTTPRequestHandler, _body: bytes) -> tuple[int, bytes]:
        seen.append((request.path, request.headers["x-forwarded-for"]))
        return 200, b"{}"

    with listening(answer) as upstream, running_nginx(tmp_path, upstream) as url:
        transport = httpx.HTTPTransport(retries=10)  # until it listens
        with httpx.Client(transport=transport, base_url=url, trust_env=False) as client:
            headers = {"x-forwarded-for": "203.0.113.7"}
            for _ in range(100):
                try:
                    assert client.get("/health/live", headers=headers).status_code == 200
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            assert client.get("/metrics").status_code == 404
    assert seen == [("/health/live", "203.0.113.7, 127.0.0.1")]
