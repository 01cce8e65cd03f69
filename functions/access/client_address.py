"""The address a request comes from, as far as it can be trusted."""

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.types import Scope

from functions.web.settings import is_loopback

UNKNOWN = "unknown"
WITH_PORT = re.compile(r"(?:\[(?P<v6>[^]]*)\]|(?P<v4>[0-9.]+))(?::\d{1,5})?", re.ASCII)
SITE_BITS = 64  # one IPv6 subscriber has at least that many addresses to choose from


def client_address(scope: Scope, forwarded_hops: int) -> str:
    """Return the address a request is counted under: an IPv4 address, or an IPv6 network.

    Each proxy appends the address it was called from to `X-Forwarded-For`, so with
    `forwarded_hops` proxies of ours the entry that many from the right is true. Entries further
    left were written by the caller and are ignored.
    """
    hops = _forwarded_addresses(scope)
    if 0 < forwarded_hops <= len(hops):
        return _normalize(hops[-forwarded_hops])
    return _normalize(_peer(scope))


def is_within_instance(scope: Scope, forwarded_hops: int) -> bool:
    """Whether a sidecar calls: from loopback, past the proxy that names every other caller."""
    return forwarded_hops > 0 and is_loopback(_peer(scope)) and not _forwarded_addresses(scope)


def _forwarded_addresses(scope: Scope) -> list[str]:
    lines = Headers(scope=scope).getlist("x-forwarded-for")
    return [entry.strip() for line in lines for entry in line.split(",")]


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else UNKNOWN


def _normalize(text: str) -> str:
    # Azure's gateway and others append a port, and then write IPv6 in brackets.
    if match := WITH_PORT.fullmatch(text):
        text = match["v6"] or match["v4"] or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), SITE_BITS), strict=False))
