"""The caller's name where Cloud Run checks callers: the `email` of the token it passes on."""

import base64
import binascii
import json
from collections.abc import Mapping

BEARER = "bearer "
PARTS = 3


def email_from_headers(headers: Mapping[str, str]) -> str | None:
    """Return the address of whoever Cloud Run let in.

    With `X-Serverless-Authorization` Cloud Run checks that header alone, and passes on whatever
    `Authorization` says.
    """
    checked = headers.get("x-serverless-authorization") or headers.get("authorization", "")
    return email_from_authorization(checked)


def email_from_authorization(header: str) -> str | None:
    """Return the verified e-mail address in a Google ID token, or None if there is none.

    Cloud Run checks the token before the request arrives, and replaces its signature. Call this
    only where `AUTH=iam`, which the settings refuse outside of Cloud Run.
    """
    parts = header[len(BEARER) :].strip().split(".")
    if not header.lower().startswith(BEARER) or len(parts) != PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(claims, dict) or claims.get("email_verified") is not True:
        return None
    email = claims.get("email")
    return email if isinstance(email, str) and email else None
