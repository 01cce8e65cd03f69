"""Who asks: an API key, a JWT or an ID token of Google's, each sent as a bearer token."""

import re
import threading
from collections.abc import Callable
from typing import Any

from functions.client.errors import CredentialError

Credential = str | Callable[[], str] | None

TOKEN = re.compile(r"[\x21-\x7e]+")


def google_id_token(audience: str) -> Callable[[], str]:
    """A credential for `AUTH=iam`: an ID token for the service's URL, fetched when it is needed.

    The account is the one google-auth finds: a key file named by `GOOGLE_APPLICATION_CREDENTIALS`,
    or the metadata server of Cloud Run and Compute Engine. A token is fetched anew before it
    expires.

    Raises
    ------
    CredentialError
        From the credential, when there is no account or no token to be had.
    """
    return _IdToken(audience)


def authorization(credential: Credential) -> dict[str, str]:
    """The header that tells who asks.

    Raises
    ------
    CredentialError
        If the credential is not one line of printable characters: it is never shown.
    """
    if credential is None:
        return {}
    token = credential if isinstance(credential, str) else credential()
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        message = "the credential is empty, or holds a blank, an end of line or no ASCII"
        raise CredentialError(message)
    return {"Authorization": f"Bearer {token}"}


class _IdToken:
    """An ID token that is kept until shortly before it expires; threads may share it."""

    def __init__(self, audience: str) -> None:
        from google.auth.transport.requests import Request  # noqa: PLC0415 -- only Google's need it

        self._audience = audience
        self._request = Request()
        self._lock = threading.Lock()
        self._found: Any = None

    def __call__(self) -> str:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- likewise
        from google.oauth2 import id_token  # noqa: PLC0415 -- likewise

        credentials_for: Any = id_token.fetch_id_token_credentials

        with self._lock:
            try:
                if self._found is None:
                    self._found = credentials_for(self._audience, self._request)
                if not self._found.valid:  # not from some minutes before the end on
                    self._found.refresh(self._request)
            except GoogleAuthError as error:
                message = f"no ID token for {self._audience}: {type(error).__name__}"
                raise CredentialError(message) from error
            return str(self._found.token)
