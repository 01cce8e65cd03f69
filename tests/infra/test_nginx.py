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

from functions.dashboard.settings import settings_from
from infra.local.oidc_issuer import AUDIENCE, CLIENT_SECRET
from tests.infra.rehearsal import listening
from tests.support.running import REPOSITORY, free_port

FOLDER = REPOSITORY / "infra" / "docker"
TEXT = (FOLDER / "nginx.conf").read_text()
SERVICES = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
REAL = pytest.mark.skipif(
    not shutil.which("nginx"), reason="nginx is not installed (Debian's nginx): none was started"
)


def test_nginx_stands_before_every_service_and_shows_nobody_their_metrics() -> None:
    ports = re.findall(r"listen (\d+);", TEXT)
    assert re.findall(r"proxy_pass http://(\S+);", TEXT) == [f"scoring:{port}" for port in ports]
    assert [f"127.0.0.1:{port}:{port}" for port in ports] == SERVICES["nginx"]["ports"]
    assert TEXT.count("location = /metrics") == len(ports)
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in TEXT
    for name in ("scoring", "lending"):
        assert SERVICES[name]["environment"]["FORWARDED_HOPS"] == "1"
    assert TEXT.count("{") == TEXT.count("}")


@contextmanager
def running_nginx(folder: Path, upstream: str) -> Iterator[dict[str, str]]:
    """Start nginx as the composition does, all services being elsewhere: its addresses."""
    text = TEXT.replace("/tmp/", f"{folder}/").replace("/dev/stderr", f"{folder}/errors")  # noqa: S108 -- replaced
    text = re.sub(r"http://scoring:\d+", upstream, text)
    ports = {published: free_port() for published in re.findall(r"listen (\d+);", TEXT)}
    for published, port in ports.items():
        text = text.replace(f"listen {published};", f"listen 127.0.0.1:{port};")
    (folder / "nginx.conf").write_text(text)
    options = ["-g", "daemon off; master_process off;", "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(["nginx", "-p", str(folder), *options], stderr=subprocess.DEVNULL)
    try:
        yield {published: f"http://127.0.0.1:{port}" for published, port in ports.items()}
    finally:
        process.terminate()
        process.wait(timeout=10)


def first_answer(client: httpx.Client, path: str, headers: dict[str, str]) -> httpx.Response:
    """Ask as soon as nginx listens."""
    for _ in range(100):
        try:
            return client.get(path, headers=headers)
        except httpx.ConnectError:
            time.sleep(0.05)
    raise AssertionError(path)


@REAL
def test_a_service_learns_the_callers_address_last_and_nobody_reads_metrics(tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: BaseHTTPRequestHandler, _body: bytes) -> tuple[int, bytes]:
        seen.append((request.path, request.headers["x-forwarded-for"]))
        return 200, b"{}"

    with listening(answer) as upstream, running_nginx(tmp_path, upstream) as urls:
        transport = httpx.HTTPTransport(retries=10)  # until it listens
        with httpx.Client(transport=transport, base_url=urls["8080"], trust_env=False) as client:
            headers = {"x-forwarded-for": "203.0.113.7"}
            assert first_answer(client, "/health/live", headers).status_code == 200
            assert client.get("/metrics").status_code == 404
    assert seen == [("/health/live", "203.0.113.7, 127.0.0.1")]


@REAL
def test_a_connection_of_the_dashboard_is_passed_on_as_one_and_other_requests_are_not(
    tmp_path: Path,
) -> None:
    seen: list[tuple[str | None, str | None, str | None]] = []

    def answer(request: BaseHTTPRequestHandler, _body: bytes) -> tuple[int, bytes]:
        names = ("upgrade", "connection", "x-forwarded-for")
        seen.append(tuple(request.headers[name] for name in names))  # type: ignore[arg-type]  # three
        return 200, b"{}"

    with listening(answer) as upstream, running_nginx(tmp_path, upstream) as urls:
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport, base_url=urls["8501"], trust_env=False) as client:
            upgrade = {"connection": "upgrade", "upgrade": "websocket"}
            first_answer(client, "/_stcore/stream", upgrade)
            client.get("/")
            client.post("/_stcore/upload_file/x", content=bytes(20 << 20))  # a file of 20 MiB
    assert seen == [
        ("websocket", "upgrade", "127.0.0.1"),
        (None, None, "127.0.0.1"),
        (None, None, "127.0.0.1"),
    ]


def test_what_stands_behind_the_dashboard_checks_tokens() -> None:
    desk = {n: s for n, s in SERVICES.items() if s.get("profiles") == ["dashboard"]}
    assert set(desk) == {"issuer", "desk-scoring", "desk-lending", "desk-batch", "dashboard"}
    ports = {n: s["environment"]["PORT"] for n, s in desk.items() if n != "issuer"}
    assert len(set(ports.values())) == 4
    variables = desk["dashboard"]["environment"]
    settings = settings_from(variables)
    addresses = (settings.lending_url, settings.scoring_url, settings.batch_url)
    names = ("desk-lending", "desk-scoring", "desk-batch")
    for name, address in zip(names, addresses, strict=True):
        assert address == f"http://127.0.0.1:{ports[name]}"
        assert desk[name]["environment"]["AUTH"] == "jwt"
        assert desk[name]["environment"]["JWT_ISSUER"] == "http://localhost:8502"
    assert settings.sign_in.client_secret == CLIENT_SECRET
    assert variables["JWT_AUDIENCE"] == AUDIENCE
