"""A stand-in for Cloud Run's router: traffic by share, tags, draining, and no retries at all."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.stack.revision import Instance, Revision

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
REQUEST_SECONDS = 30  # the service's timeout
DRAIN_SECONDS = 30
TAG_SEPARATOR = "---"


class Balancer:
    """Which revision answers: by tag where the host names one, else by its share of traffic."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shares: dict[Revision, float] = {}
        self._tags: dict[str, Revision] = {}
        self._in_flight: Counter[Instance] = Counter()
        self._chance = random.Random(1)  # noqa: S311 -- no secret

    def set_traffic(self, shares: dict[Revision, float]) -> None:
        """Split new requests; a revision left out gets none."""
        assert sum(shares.values()) == 1
        with self._changed:
            self._shares = shares

    def set_tag(self, tag: str, revision: Revision | None) -> None:
        """Give a revision an address of its own, or take the address away."""
        with self._changed:
            self._tags.pop(tag, None)
            if revision:
                self._tags[tag] = revision

    def drain(self, revision: Revision) -> None:
        """Wait until a revision that gets no new requests has answered all it has."""
        with self._changed:
            assert revision not in {*self._shares, *self._tags.values()}
            done = self._changed.wait_for(
                lambda: not any(self._in_flight[i] for i in revision.instances), DRAIN_SECONDS
            )
        assert done, f"{revision.name} still has requests"

    @contextmanager
    def instance_for(self, host: str) -> Iterator[Instance | None]:
        """The least busy instance of the revision that shall answer; None if there is none."""
        with self._changed:
            revision = self._revision_for(host)
            if revision is None or not revision.instances:
                chosen = None
            else:
                order = self._chance.sample(revision.instances, len(revision.instances))
                chosen = min(order, key=self._in_flight.__getitem__)
                self._in_flight[chosen] += 1
        try:
            yield chosen
        finally:
            with self._changed:
                if chosen:
                    self._in_flight[chosen] -= 1
                self._changed.notify_all()

    def _revision_for(self, host: str) -> Revision | None:
        tag, separator, _ = host.partition(TAG_SEPARATOR)
        if separator:
            return self._tags.get(tag)
        if not self._shares:
            return None
        [chosen] = self._chance.choices([*self._shares], [*self._shares.values()])
        return chosen


@contextmanager
def listening(balancer: Balancer) -> Iterator[str]:
    """Serve a balancer on a port as long as the block lasts; yields its URL."""

    class Handler(_Forwarding):
        router = balancer

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        accepting = threading.Thread(target=server.serve_forever, args=(0.05,))
        accepting.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            accepting.join()


class _Forwarding(BaseHTTPRequestHandler):
    router: Balancer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.router.instance_for(self.headers.get("host", "")) as instance:
            if instance is None:
                self._say(503, b"no revision can answer")
                return
            try:
                self._forward(instance, body)
            except (OSError, HTTPException) as error:
                self._say(502, f"{instance.name}: {error!r}".encode())

    do_POST = do_GET  # noqa: N815 -- likewise

    def _forward(self, instance: Instance, body: bytes) -> None:
        connection = HTTPConnection("127.0.0.1", instance.port, timeout=REQUEST_SECONDS)
        try:
            connection.request(self.command, self.path, body, _passed_on(self.headers.items()))
            answer: HTTPResponse = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        headers = _passed_on(answer.getheaders()) | {"x-served-by": instance.name}
        self._say(answer.status, data, headers)

    def _say(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _passed_on(headers: object) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in HOP_BY_HOP}  # type: ignore[attr-defined]
