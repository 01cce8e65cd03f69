"""Behind nginx and HAProxy, which share their connections among clients: each gets its own answer.

An attacker sends requests that proxies and servers have read differently before.
"""

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.functions.web.test_http_protocol import DOUBTFUL, UPGRADES, post
from tests.support.counts import counts
from tests.support.running import free_port, running_server

pytestmark = [pytest.mark.soak, pytest.mark.environments]

CLIENTS = 16
ANSWER_SECONDS = 5
NGINX = """
daemon off;
worker_processes 1;
error_log stderr crit;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # The usual lines for WebSockets.
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream service {{ server 127.0.0.1:{service}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    timeout tunnel 2s
frontend public
    bind 127.0.0.1:{port}
    default_backend service
backend service
    http-reuse always
    server one 127.0.0.1:{service}
"""
PROXIES = {"nginx": (NGINX, ["nginx", "-c"]), "haproxy": (HAPROXY, ["haproxy", "-db", "-f"])}


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """The port of a proxy before the echo service."""
    configuration, (command, *options) = PROXIES[request.param]
    program = shutil.which(command)
    if program is None:
        pytest.skip(f"{command} is not installed")
    with running_server(tmp_path / "log", "echo") as server:
        port = free_port()
        path = tmp_path / "proxy.conf"
        service = server.client.base_url.port
        path.write_text(configuration.format(folder=tmp_path, port=port, service=service))
        with (tmp_path / "proxy.log").open("wb") as log:
            process = subprocess.Popen([program, *options, path], stdout=log, stderr=log)
        try:
            yield port
        finally:
            process.terminate()
            process.wait(timeout=15)
        assert server.process.poll() is None


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    deadline = time.monotonic() + 10
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < deadline, "the proxy did not start"
            await asyncio.sleep(0.1)


async def be_a_client(port: int, name: str, number: int) -> list[str]:
    """Ask for one name after another; return each answer that was another's, or none."""
    wrong = []
    reader, writer = await connect(port)
    for i in range(number):
        expected = f"{name}-{i}"
        writer.write(f"GET /echo/{expected} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                document = json.loads(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            wrong.append(f"{expected}: {type(error).__name__}")
            writer.transport.abort()
            reader, writer = await connect(port)
            continue
        if document.get("name") != expected:
            wrong.append(f"{expected}: {document}")
    writer.transport.abort()
    return wrong


SMUGGLED = b"GET /echo/smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(SMUGGLED)
ATTACKS = [
    *((post(*upgrade, LENGTH, body=b""), SMUGGLED) for upgrade in UPGRADES.values()),
    *((post(*upgrade, LENGTH, body=SMUGGLED), SMUGGLED) for upgrade in UPGRADES.values()),
    *(
        (
            post(*upgrade, b"Transfer-Encoding: chunked", body=b""),
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
        )
        for upgrade in UPGRADES.values()
    ),
    *((request, SMUGGLED) for request in DOUBTFUL.values()),
]


async def be_an_attacker(port: int, is_over: asyncio.Event) -> None:
    for head, rest in cycle(ATTACKS):
        if is_over.is_set():
            return
        reader, writer = await connect(port)
        try:
            with contextlib.suppress(OSError, TimeoutError):
                writer.write(head)
                await asyncio.sleep(0.002)  # the rest comes in a segment of its own
                writer.write(rest)
                await asyncio.wait_for(reader.read(4_096), 0.05)
        finally:
            writer.transport.abort()


async def attack_and_ask(port: int) -> list[str]:
    is_over = asyncio.Event()
    attackers = [asyncio.create_task(be_an_attacker(port, is_over)) for _ in range(4)]
    number = counts().proxied_requests // CLIENTS
    clients = (be_a_client(port, f"client{i}", number) for i in range(CLIENTS))
    answers = await asyncio.gather(*clients)
    is_over.set()
    await asyncio.wait(attackers)
    await asyncio.sleep(0.1)  # their transports close
    return [wrong for client in answers for wrong in client]


def test_every_client_gets_its_own_answer_beside_an_attacker(proxy: int) -> None:
    wrong = asyncio.run(attack_and_ask(proxy))
    assert wrong == []
