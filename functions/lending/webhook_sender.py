"""Sending one webhook: to a public address over TLS, and to the address that was checked.

A receiver's URL is somebody else's text. Its name is resolved once; if any address of it is not
public the message is not sent, and the connection goes to the address that was looked at.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from functions.lending.errors import WebhookAddressError

TIMEOUT_SECONDS = 15.0
HTTPS_PORT = 443
MOST_ANSWER_BYTES = 65_536
MOST_RETRY_AFTER_SECONDS = 86_400
# Addresses that hold an IPv4 address, which may be a private one.
NAT64 = ipaddress.ip_network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What an attempt ended in: a status, or the cause why there is none."""

    status: int | None
    cause: str = ""
    retry_after_seconds: int = 0

    @property
    def is_delivered(self) -> bool:
        """Only 2xx is success; redirects are not followed."""
        return (
            self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        )

    @property
    def text(self) -> str:
        """In words, for the record."""
        return self.cause or str(self.status)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes."""

    host: str
    port: int
    path: str


def target_from_url(url: str) -> Target:
    """Read the URL of a webhook.

    Raises
    ------
    WebhookAddressError
        If it is not https, or holds credentials.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or HTTPS_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "https" or not parts.hostname or parts.username or not url.isascii():
        message = "a webhook's URL must be https://host/path in ASCII, without credentials"
        raise WebhookAddressError(message)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, port, path)


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host."""
    found_addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found_addresses]


def public_address(target: Target, look_up: Resolve = resolve) -> str:
    """Return an address of the target; all of them must be public.

    Raises
    ------
    WebhookAddressError
        If the name has no address, or one that is private, local or reserved.
    """
    try:
        addresses = look_up(target.host, target.port)
    except OSError as error:
        message = f"{target.host} has no address"
        raise WebhookAddressError(message) from error
    if not addresses or not all(is_public(ipaddress.ip_address(a)) for a in addresses):
        message = f"{target.host} has an address that is not public"
        raise WebhookAddressError(message)
    return addresses[0]


def is_public(address: IpAddress) -> bool:
    """Whether an address may be that of a receiver: no private, local or metadata address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address.sixtofour or address.teredo or address in NAT64:
            return False
    return address.is_global and not address.is_multicast


class PinnedConnection(http.client.HTTPSConnection):
    """A connection to one address, whose certificate must be that of the host."""

    def __init__(self, target: Target, address: str, context: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_SECONDS, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        """Connect to the address that was checked, whatever the name resolves to by now."""
        plain = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def send(url: str, headers: Mapping[str, str], body: bytes) -> AttemptOutcome:
    """Send one message to a public address."""
    try:
        target = target_from_url(url)
        address = public_address(target)
    except WebhookAddressError as error:
        return AttemptOutcome(None, str(error))
    connection = PinnedConnection(target, address, ssl.create_default_context())
    return post(connection, target, headers, body)


def post(
    connection: http.client.HTTPSConnection, target: Target, headers: Mapping[str, str], body: bytes
) -> AttemptOutcome:
    """Post a message over a connection and read the outcome; nothing of the answer is kept."""
    try:
        connection.request("POST", target.path, body, dict(headers))
        response = connection.getresponse()
        response.read(MOST_ANSWER_BYTES)
        return AttemptOutcome(
            response.status, "", _retry_after(response.getheader("retry-after", ""))
        )
    except ssl.SSLError:
        return AttemptOutcome(None, "the certificate is not accepted")
    except (OSError, http.client.HTTPException) as error:
        return AttemptOutcome(None, f"no answer: {type(error).__name__}")
    finally:
        connection.close()


def _retry_after(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < len(str(10**9))
    return min(int(text), MOST_RETRY_AFTER_SECONDS) if is_number else 0
