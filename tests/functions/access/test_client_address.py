import pytest

from functions.access.client_address import client_address, is_within_instance
from functions.web.settings import is_loopback


def scope(peer: str | None, *forwarded: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"type": "http", "headers": headers, "client": (peer, 9) if peer else None}


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "counted"),
    [
        (0, "192.0.2.1", [], "192.0.2.1"),
        (0, "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        (1, "169.254.1.1", ["203.0.113.9"], "203.0.113.9"),
        (1, "169.254.1.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        (1, "169.254.1.1", ["198.51.100.7", " 203.0.113.9 "], "203.0.113.9"),
        (2, "169.254.1.1", ["198.51.100.7, 203.0.113.9, 192.0.2.80"], "203.0.113.9"),
        (2, "169.254.1.1", ["203.0.113.9"], "169.254.1.1"),
        (1, "169.254.1.1", ["203.0.113.9, not an address"], "unknown"),
        (1, "169.254.1.1", [""], "unknown"),
        (1, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (1, "169.254.1.1", ["2001:db8:1:2::77"], "2001:db8:1:2::/64"),
        (1, "169.254.1.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        (1, None, [], "unknown"),
        (1, "169.254.1.1", ["203.0.113.9:51000"], "203.0.113.9"),
        (1, "169.254.1.1", ["[2001:db8:1:2::77]:51000"], "2001:db8:1:2::/64"),
        (1, "169.254.1.1", ["[2001:db8:1:2::77]"], "2001:db8:1:2::/64"),
        (1, "169.254.1.1", ["[::ffff:203.0.113.9]:80"], "203.0.113.9"),
        (1, "169.254.1.1", ["203.0.113.9:port"], "unknown"),
        (1, "169.254.1.1", ["[203.0.113.9"], "unknown"),
    ],
)
def test_only_what_our_own_proxies_append_is_believed(
    hops: int, peer: str | None, forwarded: list[str], counted: str
) -> None:
    assert client_address(scope(peer, *forwarded), hops) == counted


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "is_within"),
    [
        (1, "127.0.0.1", [], True),
        (1, "::1", [], True),
        (1, "127.0.0.1", ["203.0.113.9"], False),
        (1, "127.0.0.1", [""], False),
        (1, "169.254.1.1", [], False),
        (1, None, [], False),
        (0, "127.0.0.1", [], False),
    ],
)
def test_within_the_instance_is_loopback_past_the_proxy_that_names_everyone(
    hops: int, peer: str | None, forwarded: list[str], *, is_within: bool
) -> None:
    assert is_within_instance(scope(peer, *forwarded), hops) is is_within


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("0.0.0.0", False), ("a.b", False)],  # noqa: S104
)
def test_loopback_is_this_machine(host: str, *, is_it: bool) -> None:
    assert is_loopback(host) is is_it
