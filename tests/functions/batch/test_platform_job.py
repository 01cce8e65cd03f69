"""The Cloud Run API as it is documented, served by this test."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from functions.batch.errors import JobUnavailableError
from functions.batch.platform_job import PlatformJob

JOB = "projects/p/locations/r/jobs/prod-batch"


class _Api(ThreadingHTTPServer):
    """Answers every request with one status and document, and remembers what it was sent."""

    status = 200
    document: Any = {"metadata": {"name": f"{JOB}/executions/prod-batch-x7"}}  # noqa: RUF012 -- replaced
    received: list[tuple[str, Any]] = []  # noqa: RUF012 -- of one test at a time


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Api)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.document).encode())

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def api() -> Iterator[_Api]:
    server = _Api(("127.0.0.1", 0), _Handler)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def job_from_api(api: _Api) -> PlatformJob:
    return PlatformJob(JOB, f"http://127.0.0.1:{api.server_port}")


def test_the_job_is_started_with_the_batch_as_its_arguments(api: _Api) -> None:
    assert job_from_api(api).start("batch_1") == "prod-batch-x7"
    arguments = {"containerOverrides": [{"args": ["run", "--batch", "batch_1"]}]}
    assert api.received == [(f"/v2/{JOB}:run", {"overrides": arguments})]


@pytest.mark.parametrize(
    ("status", "document", "detail"),
    [
        (403, {"error": "secret"}, "Cloud Run answered 403"),
        (200, {"name": "x"}, "Cloud Run did not answer as it is documented to"),
    ],
)
def test_a_refusal_may_be_tried_again_and_says_nothing_of_the_platforms(
    api: _Api, status: int, document: dict[str, Any], detail: str
) -> None:
    api.status, api.document = status, document
    with pytest.raises(JobUnavailableError) as error:
        job_from_api(api).start("batch_1")
    assert (str(error.value), error.value.retry_after_seconds) == (detail, 30)


def test_a_platform_out_of_reach_may_be_tried_again() -> None:
    with pytest.raises(JobUnavailableError, match="Cloud Run cannot be reached"):
        PlatformJob(JOB, "http://127.0.0.1:9").start("batch_1")
