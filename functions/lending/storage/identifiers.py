"""Identifiers: UUIDs of version 7, which sort by creation; in public with the name of their kind.

They carry the millisecond of their creation and 74 random bits: nobody can guess the next one.
"""

import secrets
import time
from typing import Literal
from uuid import UUID

Kind = Literal["app", "loan", "fact", "item"]
VERSION, VARIANT = 0x7000, 0x8000_0000_0000_0000
LOWEST_CUSTOMER, CUSTOMERS = 100_000_000, 900_000_000


def new_id() -> UUID:
    """Make an identifier. Source: RFC 9562, 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | VERSION | secrets.randbits(12)
    return UUID(int=high << 64 | VARIANT | secrets.randbits(62))


def new_customer_id() -> int:
    """Make a customer's number: of nine digits and random, so that it tells nothing of others."""
    return LOWEST_CUSTOMER + secrets.randbelow(CUSTOMERS)


def public_id(kind: Kind, identifier: UUID) -> str:
    """Write an identifier as callers see it."""
    return f"{kind}_{identifier.hex}"


def identifier_from_text(kind: Kind, text: str) -> UUID | None:
    """Read a public identifier; None if it is none of this kind."""
    prefix, _, digits = text.partition("_")
    if prefix != kind or len(digits) != len(UUID(int=0).hex) or not digits.isalnum():
        return None
    try:
        return UUID(digits)
    except ValueError:
        return None
