"""Signatures of webhooks, as Standard Webhooks 1.0.0 defines them: HMAC-SHA256, scheme `v1`."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import SuretyError

SECRET_PREFIX = "whsec_"  # noqa: S105 -- what every secret begins with
FEWEST_BYTES, MOST_BYTES = 24, 64


class WebhookSignatureError(SuretyError):
    """A webhook cannot be signed. The message never holds a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMessage:
    """One attempt to deliver a message: its id stays over all attempts, the time does not."""

    message_id: str
    sent_at: int  # unix seconds, of this attempt
    body: bytes

    def __post_init__(self) -> None:
        """Refuse an id that would make the signed text ambiguous."""
        if not self.message_id or "." in self.message_id:
            message = f"a webhook id must not be empty or contain a dot, got {self.message_id!r}"
            raise WebhookSignatureError(message)

    @property
    def signed_text(self) -> bytes:
        """What is signed: `id.timestamp.body`."""
        return f"{self.message_id}.{self.sent_at}.".encode() + self.body


def sign(message: WebhookMessage, secrets: Sequence[str]) -> str:
    """Return the header `webhook-signature`: one signature a secret, separated by blanks.

    During a rotation the new and the old secret sign, so that a receiver may hold either.
    """
    if not secrets:
        text = "a webhook needs at least one secret; register the endpoint anew"
        raise WebhookSignatureError(text)
    keys = [key_from_secret(secret) for secret in secrets]
    digests = [hmac.digest(key, message.signed_text, hashlib.sha256) for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def key_from_secret(secret: str) -> bytes:
    """Return the bytes of a secret.

    Raises
    ------
    WebhookSignatureError
        If it is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(SECRET_PREFIX) and FEWEST_BYTES <= len(key) <= MOST_BYTES):
        message = (
            f"a webhook secret must be {SECRET_PREFIX} and the base64 of {FEWEST_BYTES} to "
            f"{MOST_BYTES} random bytes; make a new one"
        )
        raise WebhookSignatureError(message) from None
    return key
