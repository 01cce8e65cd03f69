"""Names that callers give: one rule for headers, for commands, and for the client.

An identifier is 1 to 128 printable characters in UTF-8, without a blank at either end.
"""

import unicodedata

MAX_CHARACTERS = 128
IDENTIFIERS = {b"x-applicant-id": "X-Applicant-Id", b"idempotency-key": "Idempotency-Key"}
RULE = f"must be 1 to {MAX_CHARACTERS} printable characters in UTF-8, without a blank at either end"


def is_identifier(text: str) -> bool:
    """Whether a text may name somebody or something."""
    return 1 <= len(text) <= MAX_CHARACTERS and text.isprintable() and text == text.strip()


def identifier_from_bytes(value: bytes) -> str | None:
    """Read the value of a header, its letters composed as NFC; None if it is no identifier."""
    try:
        text = unicodedata.normalize("NFC", value.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return text if is_identifier(text) else None
