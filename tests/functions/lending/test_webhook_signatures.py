import pytest

from functions.lending.webhook_signatures import (
    WebhookMessage,
    WebhookSignatureError,
    key_from_secret,
    sign,
)

# The vector of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 -- published
MESSAGE = WebhookMessage(
    message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at=1614265330, body=b'{"test": 2432232314}'
)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER_SECRET = "whsec_" + "A" * 32


def test_the_published_vector() -> None:
    assert sign(MESSAGE, [SECRET]) == SIGNATURE


def test_the_old_and_the_new_secret_sign_during_a_rotation() -> None:
    old, new = sign(MESSAGE, [OTHER_SECRET]), SIGNATURE
    assert sign(MESSAGE, [SECRET, OTHER_SECRET]) == f"{new} {old}"
    assert old != new


@pytest.mark.parametrize(
    "secret",
    ["", SECRET.removeprefix("whsec_"), "whsec_", "whsec_not base64", "whsec_" + "A" * 28,
     "whsec_" + "A" * 88],
)  # fmt: skip
def test_a_secret_that_is_too_weak_or_misspelt_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(WebhookSignatureError, match="whsec_ and the base64 of 24 to 64") as caught:
        key_from_secret(secret)
    assert "A" * 28 not in str(caught.value)


@pytest.mark.parametrize("message_id", ["", "a.b"])
def test_an_id_that_would_make_the_signed_text_ambiguous_is_refused(message_id: str) -> None:
    with pytest.raises(WebhookSignatureError, match="must not be empty or contain a dot"):
        WebhookMessage(message_id=message_id, sent_at=1, body=b"")


def test_a_webhook_without_a_secret_is_not_sent() -> None:
    with pytest.raises(WebhookSignatureError, match="needs at least one secret"):
        sign(MESSAGE, [])
