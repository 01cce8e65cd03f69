"""HTTP/1.1 on a connection: uvicorn's protocol, strict about what it leaves open.

Source: RFC 9110, RFC 9112; https://github.com/encode/uvicorn/pull/2722 on upgrades.
"""

import asyncio
from collections.abc import Callable, Sized
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

import httptools
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_INCOMPLETE_BYTES = 32_768  # of a head, or between two parts of a body: twice what is answered
VERSIONS = ("1.0", "1.1")
REQUEST_SECONDS = 30.0  # from a request's first byte to its last
LINGER_SECONDS = 2.0
MAX_PIPELINED = 100  # requests that wait for the answer to the one before them
MAX_DISCARDED_BYTES = 65_536


class Refusal(NamedTuple):
    """Why a request is answered without having been read to its end."""

    status: HTTPStatus
    detail: str


MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, "the request is not valid HTTP/1.1")
LONG_URL = Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the URL is too long")
LARGE_HEADERS = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers or trailers are too large"
)
SLOW = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {REQUEST_SECONDS:.0f} s"
)


class HttpProtocol(HttpToolsProtocol):
    """Answers every request of a connection once, in order, or closes the connection.

    - An upgrade is ignored: its request is answered, body and all.
    - What arrives is limited while it arrives, in bytes and in seconds.
    - A request that cannot be read is the connection's last.
    - While the server stops, every response announces the end of the connection, and idle
      connections stay open for their usual time: a client may be sending.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that sends nothing is closed too."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._has_begun = False
        self._is_reading_head = True
        self._is_replaying_head = False
        self._has_progressed = False
        self._incomplete_bytes = 0
        self._incomplete_since: float | None = self.loop.time()
        self._active: RequestResponseCycle | None = None
        self._last: RequestResponseCycle | None = None
        self._is_refused = False
        self._discarded_bytes = 0
        self._is_stopping = False
        self._clock = self.loop.call_later(REQUEST_SECONDS, self._check_clock)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of the connection, the one being answered and those behind it."""
        self._clock.cancel()
        for cycle in (self._active, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        if self._is_refused:
            self._discarded_bytes += len(data)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.flow.pause_reading()  # until the connection is closed
            return
        self._unset_keepalive_if_required()
        if self._incomplete_since is None:
            self._incomplete_since = self.loop.time()
        self._has_progressed = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(MALFORMED)
            return
        self._incomplete_bytes = 0 if self._has_progressed else self._incomplete_bytes + len(data)
        if self._incomplete_bytes > MAX_INCOMPLETE_BYTES:
            self._refuse(self._too_large())

    def _too_large(self) -> Refusal:
        if not self._has_begun:
            return MALFORMED
        return LONG_URL if 2 * len(self.url) > MAX_INCOMPLETE_BYTES else LARGE_HEADERS

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._ignore_upgrade()
                data = data[upgrade.args[0] :]
            else:
                return

    def _ignore_upgrade(self) -> None:
        """Continue behind a head that asks for an upgrade, where the parser has stopped.

        A new parser is given a head that frames the body as that one did. The first one has
        accepted its framing, so the new one does.
        """
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        framing = (b"content-length", b"transfer-encoding")
        lines = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name in framing]
        version = self.scope["http_version"].encode()
        self._is_replaying_head = True
        try:
            self.parser.feed_data(b"POST / HTTP/%s\r\n%s\r\n" % (version, b"".join(lines)))
        finally:
            self._is_replaying_head = False

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._is_replaying_head:
            return
        super().on_message_begin()
        self._has_begun = self._is_reading_head = True
        if self._incomplete_since is None:
            self._incomplete_since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """Read a part of the URL."""
        if not self._is_replaying_head:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header; trailers are dropped, the request they would change is being answered."""
        if self._is_reading_head and not self._is_replaying_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer a request, whose body may still be arriving."""
        if self._is_replaying_head:
            return
        self._check_head()
        super().on_headers_complete()
        if not self.cycle.keep_alive:
            self.cycle.transport = _HalfClosing(self.transport, partial(self._close, self.cycle))  # type: ignore[assignment]
        if self.scope["method"] != "HEAD":
            self.cycle.transport = GatheringTransport(self.cycle)  # type: ignore[assignment]
        self._is_reading_head = False
        self._has_progressed = True
        if self._is_stopping:
            self._announce_end()

    def _check_head(self) -> None:
        """Raise for what the parser accepts and we do not; the parser makes that a parser error."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in VERSIONS or hosts > 1 or (version == "1.1" and not hosts):
            message = "another version, or not one Host (RFC 9112, 3.2)"
            raise ValueError(message)
        if len(self.pipeline) >= MAX_PIPELINED:
            message = "too many requests that nobody waits for"
            raise ValueError(message)
        if version == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        if not self.url.startswith(b"/") and httptools.parse_url(self.url).path is None:
            self.url += b"/"  # the absolute form without a path

    def on_body(self, body: bytes) -> None:
        """Read a part of the body."""
        self._has_progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self.parser.should_upgrade():  # the head alone: its body follows
            return
        super().on_message_complete()
        self._has_progressed = self._is_reading_head = True
        self._has_begun = False
        self._incomplete_since = None
        if self.cycle.response_complete and not self.pipeline:
            self._arm_keep_alive()  # the answer came before the end of the request

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer what has been sent, though the client sends no more; then close."""
        is_waiting = self.cycle is not None and not self.cycle.response_complete
        if not is_waiting or self._has_begun or not self._is_reading_head:
            return None
        self._is_refused = True
        self.cycle.keep_alive = False
        return True

    def shutdown(self) -> None:
        """Announce the end of the connection with its last response."""
        self._is_stopping = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._announce_end()
        else:
            self._arm_keep_alive()

    def close_if_idle(self) -> None:
        """Close a connection on which no request is being answered."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _arm_keep_alive(self) -> None:
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        self._active = cycle
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]
        self.flow.resume_reading()  # what follows may be read while this one is answered

    def _announce_end(self) -> None:
        """Let the newest request be the last, and no longer the one that was before it came."""
        if self._last is not None and not self._last.response_started:
            self._last.keep_alive = True
        self._last = self.cycle if self.cycle.keep_alive else None
        self.cycle.keep_alive = False

    def _check_clock(self) -> None:
        if self.transport.is_closing():
            return
        now, since = self.loop.time(), self._incomplete_since
        if since is None or self.flow.read_paused:
            # Complete, or not read further because of us: neither is the client's fault.
            since = self._incomplete_since = now if since else None
        elif now - since >= REQUEST_SECONDS:
            self._refuse(SLOW)
            return
        self._clock = self.loop.call_later(
            REQUEST_SECONDS - (now - (since or now)), self._check_clock
        )

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection; the request that is arriving is told why, if that is possible.

        Requests before it are answered first. Then it is not told: responses come in order, and
        its own would be taken for another's.
        """
        self._is_refused = True
        arriving = None if self._is_reading_head else self.cycle
        if arriving is not None and self.pipeline:
            self.pipeline.popleft()
            arriving = None
            self.cycle = self.pipeline[0][0] if self.pipeline else self._active  # type: ignore[assignment]  # never None: it is being answered
        if arriving is not None and not arriving.response_started:
            arriving.disconnected = True
            arriving.message_event.set()
            self._answer(refusal)
        elif arriving is not None or (not self._has_begun and refusal is SLOW):
            self.transport.close()
        elif self.cycle is None or self.cycle.response_complete:
            self._answer(refusal)
        else:
            self.cycle.keep_alive = False

    def _answer(self, refusal: Refusal) -> None:
        if not self._has_begun:
            super().on_message_begin()
        unknown = {"method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}
        state = {**self.app_state, "refusal": refusal}
        scope: Any = {**unknown, **self.scope, "state": state}
        self.cycle = RequestResponseCycle(
            scope=scope,
            transport=_HalfClosing(self.transport, self._linger),  # type: ignore[arg-type]
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=lambda: None,
        )
        self.cycle.more_body = False
        self._start_asgi_task(self.cycle, self.app)

    def _close(self, cycle: RequestResponseCycle) -> None:
        """Close behind an answer, or linger if its request is still arriving."""
        if cycle.more_body:
            self._is_refused = True
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Close the way out and drop what still arrives, so that the client can read the answer.

        Closing a connection with unread data resets it, and the answer may be lost with it.
        """
        if self.transport.is_closing():
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Flow(FlowControl):
    """Reads no further while requests wait for their turn: what has been read is held in memory."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Read on, if nothing waits."""
        if not self._pipeline:
            super().resume_reading()


class _Wrapping:
    """A transport that is another's but for what a subclass changes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the transport has
        return getattr(self._transport, name)


class _HalfClosing(_Wrapping):
    """A transport whose `close` is another's: the response cycle closes it when it is done."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__(transport)
        self.close = close


class GatheringTransport(_Wrapping):
    """A transport that sends a response's head with the first part of its body: in one packet.

    Each write is a system call that wakes the client.
    """

    def __init__(self, cycle: RequestResponseCycle) -> None:
        super().__init__(cycle.transport)
        self._cycle = cycle
        self._head: bytes | None = None
        self._has_gathered = False

    def write(self, data: bytes) -> None:
        """Hold the head; send it with what follows."""
        if self._head is not None:
            self._transport.write(self._head + data)
            self._head = None
        elif self._cycle.response_started and not self._has_gathered:
            self._head, self._has_gathered = data, True
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send a head whose body failed, then close."""
        if self._head is not None:
            self.write(b"")
        self._transport.close()
