"""Where a request comes from, as far as that can be believed."""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope

UNKNOWN = "unknown"
SITE_BITS = 64  # one IPv6 subscriber has at least so many addresses to choose from


def is_loopback(host: str) -> bool:
    """Only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def caller_address(scope: Scope, forwarded_hops: int) -> str:
    """The address a request is counted under: an IPv4 address, or an IPv6 network.

    Each proxy appends the address it was called from to `X-Forwarded-For`, so with
    `forwarded_hops` proxies of ours the entry so many from the right is true. What stands
    further left was written by the caller, and is not looked at.
    """
    hops = _forwarded(scope)
    if 0 < forwarded_hops <= len(hops):
        return _counted(hops[-forwarded_hops])
    return _counted(_peer(scope))


def is_within_instance(scope: Scope, forwarded_hops: int) -> bool:
    """A sidecar asks: from loopback, and past the proxy that names every other caller."""
    return forwarded_hops > 0 and is_loopback(_peer(scope)) and not _forwarded(scope)


def _forwarded(scope: Scope) -> list[str]:
    lines = Headers(scope=scope).getlist("x-forwarded-for")
    return [entry.strip() for line in lines for entry in line.split(",")]


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else UNKNOWN


def _counted(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), SITE_BITS), strict=False))
