"""Mutated bytes on the wire: each request is answered or closed, and no process crashes or grows.

`make soak` sends 100,000, `make test` 3,000.
"""

import json
import random
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.counts import counts
from tests.support.raw_http import drain
from tests.support.running import ModelStore, Server, running_server

pytestmark = pytest.mark.soak

MOST_GROWTH_BYTES = 40 * 2**20
TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"%", b"%00", b"\xff", b"{", b"}", b"["),
    *(b"]", b'"', b"\\u0000", b"null", b"NaN", b"1e999", b"-0.0", b"9" * 40, b"A" * 300),
    *(b"a: b\r\n" * 40, b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n"),
    *(b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Upgrade: websocket\r\n", b"0\r\n\r\n"),
    *(b"Authorization: Bearer x\r\n", b"X-Applicant-Id: \xc3\xb6\r\n", b"Idempotency-Key: k\r\n"),
    *(b"Inference-Header-Content-Length: 7\r\n", b"Content-Type: text/csv\r\n", b"HTTP/2.0"),
    b"Expect: 100-continue\r\n",
]


def templates(rows: dict[str, dict[str, Any]]) -> list[bytes]:
    """A sound request of each kind."""
    bodies: list[tuple[str, object]] = [
        ("POST /predict", rows["application"]),
        ("POST /predict/batch", {"applications": [rows["application"]] * 3}),
        ("POST /v1/models/application:predict", {"instances": [rows["application"]] * 2}),
        ("POST /v1/models/application:explain", {"instances": [rows["application"]]}),
        ("POST /v1/models/application:recourse", {"instances": [rows["application"]]}),
        ("POST /v1/models/customer:whatif", {"instances": [rows["customer"]]}),
        ("POST /api/v1/predict", rows["customer"]),
        ("POST /bigquery/application", {"calls": [list(rows["application"].values())]}),
        ("POST /invocations", {"dataframe_records": [rows["application"]] * 2}),
        ("POST /v2/models/application/infer", {"inputs": [{"name": "age", "shape": [1]}]}),
        ("GET /v1/models", None),
        ("GET /v2/models/application/versions/x", None),
        ("GET /model/info?model=application", None),
        ("GET /metrics", None),
    ]
    requests = []
    for line, document in bodies:
        body = b"" if document is None else json.dumps(document).encode()
        kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        head = f"{line} HTTP/1.1\r\nHost: test\r\n".encode() + (kind if body else b"")
        requests.append(head + b"Connection: close\r\n\r\n" + body)
    return requests


def mutate(request: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice([0, 1, 1, 2, 3, 8])):
        start = chance.randrange(len(request) + 1)
        end = min(len(request), start + chance.choice([0, 0, 1, 4, 30]))
        piece = chance.choice([chance.choice(TOKENS), chance.randbytes(3), request[start:end] * 2])
        request = request[:start] + piece + request[end:]
    return request


def send(server: Server, request: bytes) -> list[int]:
    """Send bytes and no more; return the statuses of all answers."""
    port = server.client.base_url.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return []
        answers, is_closed = drain(connection)
    assert is_closed, request
    return [answer.status for answer in answers]


def test_whatever_arrives_is_answered_or_closed(
    made_models: ModelStore, rows: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    chance, statuses = random.Random(20261129), Counter[int]()  # noqa: S311 -- no secret
    log = str(tmp_path / "decisions.jsonl")
    with running_server(tmp_path / "log", MODEL_STORE=made_models.uri, DECISION_LOG=log) as server:
        requests = templates(rows)
        for request in requests:
            send(server, request)
        before = 0
        for number in range(counts().raw_requests):
            sent = mutate(chance.choice(requests), chance)
            answered = send(server, sent)
            assert not [s for s in answered if s >= 500 and s != 503], sent
            statuses.update(answered)
            if number == counts().raw_requests // 4:
                before = server.resident_bytes()
        assert server.resident_bytes() - before < MOST_GROWTH_BYTES
        assert server.process.poll() is None
    assert {200, 400, 404, 415, 422} <= set(statuses), statuses
    assert not [line for line in server.log() if line["severity"] == "ERROR"]
