"""How a connection proves who it is: a token of a Google account in the place of a password.

The database's URL says it: `?auth=iam` signs in as the account that the process runs as, and
`ca=<PEM, URL-encoded>` names the authority that the server's certificate must come from.
"""

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL

SCOPE = "https://www.googleapis.com/auth/sqlservice.login"
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
VERIFYING = ("verify-ca", "verify-full")
LOOPBACK = ("localhost", "127.0.0.1", "::1")

Token = Callable[[], str]


@dataclass(frozen=True, slots=True)
class DatabaseSignIn:
    """A URL as the driver takes it, and whether a token is the password."""

    url: URL
    with_token: bool


def sign_in_from_url(url: URL) -> DatabaseSignIn:
    """Take our own parameters out of a URL; the certificate goes into a file of this machine."""
    query = dict(url.query)
    auth, certificate = query.pop("auth", None), query.pop("ca", None)
    if isinstance(certificate, str):
        query["sslmode"] = "verify-ca"
        query["sslrootcert"] = str(_certificate_file(certificate))
    return DatabaseSignIn(url.set(query=query), with_token=auth == "iam")


def faults_in_url(url: URL) -> Iterator[str]:
    """Yield what is wrong with our own parameters; a URL may hold a password and is not shown."""
    auth, certificate = url.query.get("auth"), url.query.get("ca")
    if auth not in (None, "iam"):
        yield "auth must be iam, or be left out"
    if certificate is not None and not str(certificate).startswith(CERTIFICATE):
        yield "ca must be a certificate in PEM, URL-encoded"
    if auth == "iam" and url.password is not None:
        yield "auth=iam takes no password: remove it"
    is_verified = certificate is not None or url.query.get("sslmode") in VERIFYING
    if auth == "iam" and not is_verified and url.host not in LOOPBACK:
        yield "auth=iam sends a token: add ca, or sslmode=verify-full, to verify who gets it"


class AccessToken:
    """An access token that can sign in to Cloud SQL and do nothing else; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None

    def __call__(self) -> str:
        """Return a token, a new one shortly before the last expires.

        Raises
        ------
        psycopg.OperationalError
            If there is no account or it gets no token: the database counts as not answering.
        """
        import google.auth  # noqa: PLC0415 -- only Google's databases need it
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- likewise
        from google.auth.transport.requests import Request  # noqa: PLC0415 -- likewise

        default: Any = google.auth.default
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _ = default(scopes=[SCOPE])
                if not self._credentials.valid:
                    self._credentials.refresh(Request())
            except GoogleAuthError as error:
                message = f"no access token for the database: {type(error).__name__}"
                raise psycopg.OperationalError(message) from error
            return str(self._credentials.token)


def _certificate_file(certificate: str) -> Path:
    """Write a certificate, which is public, where libpq can read it; the same one only once."""
    digest = hashlib.sha256(certificate.encode()).hexdigest()
    path = Path(tempfile.gettempdir()) / f"surety-database-{digest[:16]}.pem"
    if not path.exists() or path.read_text() != certificate:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as written:
            written.write(certificate)
        Path(written.name).replace(path)  # whole, for whoever reads it at this moment
    return path
