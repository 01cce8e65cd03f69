"""A client of a mixed load, meant for a process of its own.

Reading a thousand-row answer would hold up whoever measures single scores beside it.
"""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

HEADERS = {"content-type": "application/json"}
TIMEOUT_SECONDS = 30

Expected = Mapping[str, Sequence[float]]  # by version, the probabilities of the first rows


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request about the first `rows` rows."""

    verb: str
    rows: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Whom a client asks, what the answers must be, and when it stops."""

    port: int
    model: str
    expected: Expected
    until: float  # of time.monotonic, which is one for all processes of a machine


@dataclass(frozen=True, slots=True)
class Answer:
    """When a request was sent, how long it took, which version answered how many rows."""

    verb: str
    rows: int
    at: float
    seconds: float
    version: str


def ask(client: Client, requests: Sequence[SentRequest], pause_seconds: float) -> list[Answer]:
    """Ask in turn, with a pause after each answer; fails with the first that is wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=TIMEOUT_SECONDS)
    answers = []
    for turn in cycle(requests):
        if time.monotonic() >= client.until:
            break
        at = time.monotonic()
        connection.request("POST", f"/v1/models/{client.model}:{turn.verb}", turn.body, HEADERS)
        answer = connection.getresponse()
        data = answer.read()
        seconds = time.monotonic() - at
        assert answer.status == http.client.OK, (turn.verb, turn.rows, answer.status, data[:500])
        version = version_in(data, turn.rows, client.expected)
        answers.append(Answer(turn.verb, turn.rows, at, seconds, version))
        time.sleep(pause_seconds)
    connection.close()
    return answers


def version_in(data: bytes, rows: int, expected: Expected) -> str:
    """Which version answered all rows, each exactly as it must."""
    predictions = json.loads(data)["predictions"]
    [version] = {prediction["model_version"] for prediction in predictions}
    answers = [prediction["probability_of_default"] for prediction in predictions]
    assert answers == list(expected[version][:rows]), version
    return str(version)
