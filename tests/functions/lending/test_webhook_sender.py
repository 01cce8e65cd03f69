"""Where webhooks may go: public addresses only, the checked one, over TLS with its own name."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from functions.lending.errors import WebhookAddressError
from functions.lending.webhook_sender import (
    NAT64,
    AttemptOutcome,
    PinnedConnection,
    Target,
    is_public,
    post,
    public_address,
    send,
    target_from_url,
)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", Target("example.org", 443, "/")),
        ("https://example.org:8443/a?b=c", Target("example.org", 8443, "/a?b=c")),
    ],
)
def test_a_url_is_read(url: str, target: Target) -> None:
    assert target_from_url(url) == target


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org", "https://", "https://u:p@example.org", "file:///x"),
        *("https://ö.org", "", "https://example.org:99999/"),
    ],
)
def test_a_url_that_is_not_https_to_a_host_is_refused(url: str) -> None:
    with pytest.raises(WebhookAddressError, match="must be https://host/path"):
        target_from_url(url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1"),
        *("fd20:ce::254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1"),
    ],
)
def test_what_is_private_local_or_reserved_is_no_receiver(address: str) -> None:
    assert not is_public(ip_address(address))
    target = Target("receiver.example.org", 443, "/")
    with pytest.raises(WebhookAddressError, match="not public"):
        public_address(target, lambda _host, _port: ["93.184.215.14", address])


def test_a_public_address_is_returned_and_a_name_without_one_refused() -> None:
    target = Target("receiver.example.org", 443, "/")
    assert public_address(target, lambda _host, _port: ["93.184.215.14"]) == "93.184.215.14"
    assert is_public(ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))

    def nothing(_host: str, _port: int) -> list[str]:
        raise OSError

    with pytest.raises(WebhookAddressError, match="has no address"):
        public_address(target, nothing)
    assert ip_network("64:ff9b::/96") == NAT64


def test_this_machine_is_not_sent_to() -> None:
    outcome = send("https://localhost/hook", {}, b"{}")
    assert outcome == AttemptOutcome(None, "localhost has an address that is not public")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and its certificate for `receiver.example.org`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example.org")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example.org")]), False)  # noqa: FBT003 -- critical
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "receiver.pem"
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def receiver(certificate: Path) -> Iterator[int]:
    """The port of a receiver: it answers the status that the path names."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(int(self.path[1:]))
            self.send_header("retry-after", "7")
            self.send_header("location", "https://elsewhere.example.org/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "delivered"), [(200, "yes"), (204, "yes"), (302, "no"), (410, "no"), (500, "no")]
)
def test_only_2xx_is_success_and_no_redirect_is_followed(
    status: int,
    delivered: str,
    receiver: int,
    certificate: Path,
) -> None:
    target = Target("receiver.example.org", receiver, f"/{status}")
    context = ssl.create_default_context(cafile=str(certificate))
    connection = PinnedConnection(target, "127.0.0.1", context)  # whatever the name resolves to
    outcome = post(connection, target, {"webhook-id": "1"}, b"{}")
    assert (outcome.status, outcome.retry_after_seconds) == (status, 7)
    assert outcome.is_delivered is (delivered == "yes")


def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: int) -> None:
    target = Target("receiver.example.org", receiver, "/200")
    connection = PinnedConnection(target, "127.0.0.1", ssl.create_default_context())
    outcome = post(connection, target, {}, b"{}")
    assert outcome == AttemptOutcome(None, "the certificate is not accepted")
