"""Secrets of webhooks at rest: sealed with AES-256-GCM under a key that is not in the database.

A sealed secret is `v1.KEY.TEXT`: the first eight digits of the key's SHA-256, then nonce and
ciphertext in base64. It opens for its endpoint only, so that rows cannot be exchanged. The first
key of `WEBHOOK_KEYS` seals; the others still open what they sealed, until `reseal` has run.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from functions.web.settings import Faults, split_list
from models.errors import DeclarationError

KEY_BYTES, NONCE_BYTES = 32, 12
VERSION = "v1"


class WebhookKeyError(DeclarationError):
    """A secret cannot be sealed or opened with the keys of `WEBHOOK_KEYS`."""


@dataclass(frozen=True, slots=True)
class SecretBox:
    """The keys that seal and open secrets, the sealing one first; without any it can do neither."""

    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def seal(self, endpoint: UUID, secret: str) -> str:
        """Seal the secret of an endpoint.

        Raises
        ------
        WebhookKeyError
            If there is no key.
        """
        if not self.keys:
            message = "WEBHOOK_KEYS: must be set before a webhook's secret can be stored"
            raise WebhookKeyError(message)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self.keys[0]).encrypt(nonce, secret.encode(), endpoint.bytes)
        text = base64.b64encode(nonce + sealed).decode()
        return f"{VERSION}.{key_name(self.keys[0])}.{text}"

    def open(self, endpoint: UUID, sealed: str) -> str:
        """Open a sealed secret.

        Raises
        ------
        WebhookKeyError
            If it was sealed with another key, for another endpoint, or never.
        """
        version, _, rest = sealed.partition(".")
        name, _, text = rest.partition(".")
        if version != VERSION:
            message = "a webhook's secret is not sealed: run `python -m functions.lending reseal`"
            raise WebhookKeyError(message)
        key = {key_name(key): key for key in self.keys}.get(name)
        if key is None:
            message = f"WEBHOOK_KEYS: must hold the key {name}, which sealed a webhook's secret"
            raise WebhookKeyError(message)
        try:
            data = base64.b64decode(text, validate=True)
            opened = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], endpoint.bytes)
        except (InvalidTag, binascii.Error, ValueError) as error:
            message = f"the secret of the webhook {endpoint.hex} was changed in the database"
            raise WebhookKeyError(message) from error
        return opened.decode()

    def reseal(self, endpoint: UUID, stored: str) -> str:
        """Seal with the first key what another one sealed, or what was never sealed."""
        is_sealed = stored.startswith(f"{VERSION}.")
        return self.seal(endpoint, self.open(endpoint, stored) if is_sealed else stored)


def key_name(key: bytes) -> str:
    """Return what names a key beside what it sealed."""
    return hashlib.sha256(key).hexdigest()[:8]


def secret_box_from(environment: Mapping[str, str]) -> tuple[SecretBox, Faults]:
    """Read `WEBHOOK_KEYS`; a fault repeats no key."""
    try:
        texts = split_list(environment.get("WEBHOOK_KEYS", ""))
        keys = tuple(base64.b64decode(text, validate=True) for text in texts)
    except (binascii.Error, ValueError):
        keys = (b"",)
    if any(len(key) != KEY_BYTES for key in keys):
        rule = f"must be {KEY_BYTES} random bytes in base64, or several separated by commas"
        return SecretBox(), [f"WEBHOOK_KEYS: {rule}: `openssl rand -base64 {KEY_BYTES}`"]
    return SecretBox(keys), []
