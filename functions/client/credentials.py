"""Credentials: an API key, a JWT or a Google ID token, each sent as a bearer token."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import CredentialError

Credential = str | Callable[[], str] | None

PLATFORM_HEADER = "X-Serverless-Authorization"
TOKEN = re.compile(r"[\x21-\x7e]+")


def google_id_token(audience: str) -> Callable[[], str]:
    """Return a credential for `AUTH=iam`: an ID token for the service's URL, fetched when needed.

    google-auth finds the account: a key file named by `GOOGLE_APPLICATION_CREDENTIALS`, or the
    metadata server of Cloud Run and Compute Engine. A token is replaced before it expires.

    Raises
    ------
    CredentialError
        From the credential, if there is no account or it gets no token.
    """
    return _IdToken(audience)


@dataclass(frozen=True, slots=True)
class PlatformCredential:
    """A token that Cloud Run checks, in a header of its own: `Authorization` stays the user's."""

    token: Callable[[], str]

    def __call__(self) -> str:
        """Return the token."""
        return self.token()


def authorization(credential: Credential) -> dict[str, str]:
    """Return the header that authenticates the caller.

    Raises
    ------
    CredentialError
        If the credential is not one line of printable characters. It is never shown.
    """
    if credential is None:
        return {}
    token = credential if isinstance(credential, str) else credential()
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        message = (
            "the credential must be printable ASCII without spaces and line ends, and not empty"
        )
        raise CredentialError(message)
    name = PLATFORM_HEADER if isinstance(credential, PlatformCredential) else "Authorization"
    return {name: f"Bearer {token}"}


class _IdToken:
    """An ID token, cached until shortly before it expires; threads may share it."""

    def __init__(self, audience: str) -> None:
        from google.auth.transport.requests import Request  # noqa: PLC0415 -- only Google's need it

        self._audience = audience
        self._request = Request()
        self._lock = threading.Lock()
        self._credentials: Any = None

    def __call__(self) -> str:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- likewise
        from google.oauth2 import id_token  # noqa: PLC0415 -- likewise

        credentials_for: Any = id_token.fetch_id_token_credentials

        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = credentials_for(self._audience, self._request)
                if not self._credentials.valid:  # false from some minutes before it expires
                    self._credentials.refresh(self._request)
            except GoogleAuthError as error:
                message = f"no ID token for {self._audience}: {type(error).__name__}"
                raise CredentialError(message) from error
            return str(self._credentials.token)
