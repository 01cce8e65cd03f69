"""Idempotency keys: a key stands for one request of one caller, and for the reply it was given.

The key's row is inserted first, in the transaction of the effect: a second request with it waits
until the first one ends, and then finds its reply, or a free key.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from functions.lending.errors import KeyReusedError
from functions.lending.storage import tables


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


def claim(connection: Connection, key: RequestKey, now: datetime) -> Reply | None:
    """Take a key; return the reply if it was taken before.

    Raises
    ------
    KeyReusedError
        If it was taken by another request.
    """
    table = tables.idempotency_keys
    row = {"principal": key.principal, "route": key.route, "key": key.key}
    taken = connection.execute(
        insert(table)
        .values(**row, fingerprint=key.fingerprint, headers={}, created_at=now)
        .on_conflict_do_nothing()
        .returning(table.c.key)
    ).first()
    if taken:
        return None
    stored = connection.execute(select(table).filter_by(**row)).one()
    if stored.fingerprint != key.fingerprint:
        raise KeyReusedError
    return Reply(status=stored.status, body=stored.body, headers=stored.headers, is_replay=True)


def store(connection: Connection, key: RequestKey, reply: Reply) -> None:
    """Keep the reply for whoever sends the key again."""
    statement = (
        update(tables.idempotency_keys)
        .filter_by(principal=key.principal, route=key.route, key=key.key)
        .values(status=reply.status, body=reply.body, headers=dict(reply.headers))
    )
    connection.execute(statement)
