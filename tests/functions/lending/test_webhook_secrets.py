"""Secrets of webhooks at rest: each opens with its key, for its endpoint, unchanged."""

import base64
from uuid import UUID

import pytest

from functions.lending.webhook_secrets import SecretBox, WebhookKeyError, key_name, secret_box_from

ONE, TWO = bytes(32), bytes([1] * 32)
ENDPOINT, OTHER = UUID(int=1), UUID(int=2)


def test_what_is_sealed_opens_again_and_is_never_sealed_alike() -> None:
    box = SecretBox((ONE,))
    sealed = box.seal(ENDPOINT, "whsec_x")
    assert box.open(ENDPOINT, sealed) == "whsec_x"
    assert box.seal(ENDPOINT, "whsec_x") != sealed
    assert sealed.startswith(f"v1.{key_name(ONE)}.")
    assert "keys" not in repr(box)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old = SecretBox((ONE,)).seal(ENDPOINT, "whsec_x")
    both = SecretBox((TWO, ONE))
    assert both.open(ENDPOINT, old) == "whsec_x"
    assert SecretBox((TWO,)).open(ENDPOINT, both.reseal(ENDPOINT, old)) == "whsec_x"
    assert SecretBox((TWO,)).open(ENDPOINT, both.reseal(ENDPOINT, "whsec_y")) == "whsec_y"


@pytest.mark.parametrize(
    ("keys", "endpoint", "change", "message"),
    [
        ((), ENDPOINT, ("", ""), f"must hold the key {key_name(ONE)}"),
        ((TWO,), ENDPOINT, ("", ""), f"must hold the key {key_name(ONE)}"),
        ((ONE,), OTHER, ("", ""), "was changed in the database"),
        ((ONE,), ENDPOINT, ("=", "!"), "was changed in the database"),
        ((ONE,), ENDPOINT, ("v1.", "whsec_"), "is not sealed"),
    ],
)
def test_what_cannot_be_opened_is_named(
    keys: tuple[bytes, ...], endpoint: UUID, change: tuple[str, str], message: str
) -> None:
    sealed = SecretBox((ONE,)).seal(ENDPOINT, "whsec_x")
    with pytest.raises(WebhookKeyError, match=message):
        SecretBox(keys).open(endpoint, sealed.replace(*change))


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(WebhookKeyError, match="WEBHOOK_KEYS: must be set"):
        SecretBox().seal(ENDPOINT, "whsec_x")


@pytest.mark.parametrize("text", ["secret", "c2VjcmV0", "c2VjcmV0,", "\u00e9"])
def test_a_key_of_another_form_is_named_and_not_repeated(text: str) -> None:
    _, faults = secret_box_from({"WEBHOOK_KEYS": text})
    [fault] = faults
    assert fault.startswith("WEBHOOK_KEYS: must be 32 random bytes in base64")
    assert text not in fault


def test_several_keys_are_read_in_order() -> None:
    text = ",".join(base64.b64encode(key).decode() for key in (TWO, ONE))
    assert secret_box_from({"WEBHOOK_KEYS": text}) == (SecretBox((TWO, ONE)), [])
    assert secret_box_from({}) == (SecretBox(), [])
