"""Requests and responses on connections that are kept: all that touches the network.

aiohttp parses responses in C: a call takes a quarter of the processor's time that httpx takes.
"""

import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
from yarl import URL

from .errors import UnreadableResponseError

CHUNK_BYTES = 64 * 1024
KEPT_SECONDS = 4.0  # shorter than uvicorn keeps a connection that rests
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class HttpResponse(NamedTuple):
    """A whole response; header names are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class FailedTryError(Exception):
    """A try without a response.

    `is_sent` is false if the request certainly did not arrive; `is_timeout` says that it took too
    long.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.is_sent = not isinstance(error, NOT_SENT)
        self.is_timeout = isinstance(error, TimeoutError)


class Transport:
    """Connections, opened when needed; they belong to the event loop that first uses them.

    Responses of more than `most_bytes`, once uncompressed, are not read to their end.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # Reading certificates takes a while: not of the first request's time.
        self._tls = ssl.create_default_context()  # a company's own authority is in its list
        self._tls.load_verify_locations(certifi.where())  # some systems' own list is empty
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[URL, URL | None] = {}

    async def close(self) -> None:
        """Close all connections."""
        if self._session:
            await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> HttpResponse:
        """Send a request and read its response.

        Raises
        ------
        FailedTryError
            If there is no response.
        UnreadableResponseError
            If it is too long.
        """
        if self._session is None:
            self._session = _open_session(self._tls)
        address = URL(url, encoded=True)
        origin = address.origin()
        if origin not in self._proxies:
            self._proxies[origin] = proxy_from_environment(origin)
        try:
            async with self._session.request(
                method,
                address,
                proxy=self._proxies[origin],
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(connect=seconds, sock_read=seconds),
            ) as response:
                read = bytearray()
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    read += chunk
                    if len(read) > self._most_bytes:
                        path = response.url.path
                        message = f"{path} responded with more than {self._most_bytes} bytes"
                        raise UnreadableResponseError(message)
        except aiohttp.ClientError as error:
            raise FailedTryError(error) from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, response.reason or "", names, bytes(read))


def proxy_from_environment(origin: URL) -> URL | None:
    """Return the proxy that the environment names for an origin, with its credentials.

    aiohttp's own way asks anew for each request, in two threads, and reads credentials for the
    origin itself from `~/.netrc`, which nobody has asked for.
    """
    is_direct = origin.host is None or proxy_bypass(origin.host)
    name = None if is_direct else getproxies().get(origin.scheme)
    if not name:
        return None
    return URL(name if "://" in name else f"http://{name}")


def _open_session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """Open a session that keeps no cookies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, keepalive_timeout=KEPT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
