"""Idempotency keys: a key stands for one request of one caller, and for the reply it was given.

The key's row is inserted first, in the transaction of the effect: a second request with it waits
until the first one ends, and then finds its reply, or a free key.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.types.json import Jsonb
from pydantic_core import to_json

from functions.lending.errors import KeyReusedError
from functions.lending.storage.round_trips import Statement, send
from functions.lending.storage.transaction import Transaction

CLAIM = """
INSERT INTO idempotency_keys (principal, route, key, fingerprint, created_at)
    VALUES (%(principal)s, %(route)s, %(key)s, %(fingerprint)s, %(now)s)
    ON CONFLICT DO NOTHING RETURNING key
"""
OF_KEY = "WHERE principal = %(principal)s AND route = %(route)s AND key = %(key)s"
STORED = f"SELECT fingerprint, status, body, headers FROM idempotency_keys {OF_KEY}"  # noqa: S608 -- constants
KEEP = f"""
UPDATE idempotency_keys SET status = %(status)s, body = %(body)s, headers = %(headers)s {OF_KEY}
"""  # noqa: S608 -- likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a caller is answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_replay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """An idempotency key with its scope, and the fingerprint of the request that came with it."""

    principal: str
    route: str
    key: str
    fingerprint: bytes


def fingerprint(route: str, document: object) -> bytes:
    """Compute the SHA-256 of a request: members in any order are the same request."""
    return hashlib.sha256(route.encode() + b"\n" + to_json(_canonical(document))).digest()


def _canonical(document: object) -> object:
    if isinstance(document, dict):
        return {name: _canonical(document[name]) for name in sorted(document)}
    if isinstance(document, list):
        return [_canonical(item) for item in document]
    return document


def claim(transaction: Transaction, key: RequestKey) -> Reply | None:
    """Take a key; return the reply if it was taken before.

    Raises
    ------
    KeyReusedError
        If it was taken by another request.
    """
    scope = {"principal": key.principal, "route": key.route, "key": key.key}
    values = {**scope, "fingerprint": key.fingerprint, "now": transaction.now}
    [taken] = send(transaction.connection, [Statement(CLAIM, values)])
    if taken:
        return None
    [[stored]] = send(transaction.connection, [Statement(STORED, scope)])
    if stored.fingerprint != key.fingerprint:
        raise KeyReusedError
    return Reply(status=stored.status, body=stored.body, headers=stored.headers, is_replay=True)


def store(transaction: Transaction, key: RequestKey, reply: Reply) -> None:
    """Keep the reply for whoever sends the key again."""
    scope = {"principal": key.principal, "route": key.route, "key": key.key}
    values = {"status": reply.status, "body": reply.body, "headers": Jsonb(dict(reply.headers))}
    transaction.change(Statement(KEEP, {**scope, **values}))
