"""The chain of decision records: what a link is computed from, for writer and auditor alike.

A record's values are hashed, not its bytes: Cloud Logging and BigQuery keep neither the order of
members nor the difference between 5 and 5.0. What is personal enters as a salted hash, so that it
can be erased and the link still holds.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

LEAST_KEY_CHARACTERS = 32
UNKEYED = "none"
SHARED = (
    *("record_version", "decided_at", "request_id", "trace_id", "model", "model_version"),
    *("contract", "variant", "withheld", "latency_ms"),
)
OWN = (
    *("decision_id", "index", "probability_of_default", "credit_score", "risk_level"),
    *("decision", "reasons", "commitment"),
)
PLACE = ("key", "chain", "sequence", "previous")
PERSONAL = ("applicant", "inputs", "features", "salt")


class Seal:
    """One key of the decision log, for links, pseudonyms and erasures; or none.

    Without a key, links are HMAC-SHA256 with an empty one: anybody can compute them, so they show
    accidents, and forgery only by an anchored head.
    """

    def __init__(self, key: str = "") -> None:
        start = key.encode()
        self._link = hmac.new(hmac.digest(start, b"link", "sha256"), digestmod="sha256")
        self._applicant = hmac.digest(start, b"applicant", "sha256")
        self._erasure = hmac.digest(start, b"erasure", "sha256")
        self.name = hmac.digest(start, b"name", "sha256").hex()[:8] if key else UNKEYED

    def link(self, content: bytes) -> str:
        """The link of a record, 64 hex digits."""
        mac = self._link.copy()
        mac.update(content)
        return mac.hexdigest()

    def pseudonym(self, applicant_id: str | None) -> str | None:
        """What stands for an applicant; without a key it could be guessed, so there is none."""
        if self.name == UNKEYED or not applicant_id:
            return None
        return hmac.digest(self._applicant, applicant_id.encode(), "sha256").hex()[:32]

    def erasure(self, link: str, erased_at: str) -> str:
        """The mark of a record whose personal part was erased by a holder of the key."""
        return hmac.digest(self._erasure, to_json([link, erased_at]), "sha256").hex()


def plain(document: bytes) -> bytes:
    """The same JSON for the same members: a whole number is one however it is written."""
    return document.replace(b".0,", b",").replace(b".0}", b"}")


def content(record: Mapping[str, Any]) -> bytes:
    """What a record's link is computed from, its place in the chain last."""
    said = (to_json({name: record.get(name) for name in part}) for part in (SHARED, OWN))
    return plain(b"".join([*said, to_json([record.get(name) for name in PLACE])]))


def commitment(salt: str, applicant: str | None, features: str, inputs: bytes) -> str:
    """A hash that binds a record to its personal part and says nothing of it without the salt.

    `inputs` is plain JSON, `{"model": {"field": value}}` with fields sorted and none null.
    """
    start = f'["{salt}","{applicant or ""}","{features}"]'
    return hashlib.sha256(start.encode() + inputs).hexdigest()


def personal_commitment(record: Mapping[str, Any]) -> str:
    """The commitment of a record as it was read."""
    written = {
        model: {name: fields[name] for name in sorted(fields) if fields[name] is not None}
        for model, fields in record["inputs"].items()
        if fields
    }
    inputs = plain(to_json({model: fields for model, fields in written.items() if fields}))
    return commitment(record["salt"], record.get("applicant"), record["features"], inputs)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: its last record's sequence number and link."""

    chain: str
    sequence: int
    link: str

    def __str__(self) -> str:
        """As commands print and read it."""
        return f"{self.chain}:{self.sequence}:{self.link}"


class Entry(NamedTuple):
    """A record before it has its place: its JSON without the last brace, and what is hashed."""

    opened: bytes
    hashed: bytes


class Chain:
    """The records of one process, in order; its caller sees to it that there is one writer."""

    def __init__(self, seal: Seal) -> None:
        self.seal = seal
        self.name = secrets.token_hex(8)
        self.head: Head | None = None

    def extended(self, entries: Iterable[Entry]) -> tuple[list[bytes], Head | None]:
        """Lines for the entries as the next in the chain, and the head if they are written."""
        lines: list[bytes] = []
        sequence, previous = (self.head.sequence, self.head.link) if self.head else (-1, "")
        fixed = f'["{self.seal.name}","{self.name}",'
        shown = f',"key":"{self.seal.name}","chain":"{self.name}","sequence":'
        for entry in entries:
            sequence += 1
            link = self.seal.link(entry.hashed + f'{fixed}{sequence},"{previous}"]'.encode())
            ending = f'{shown}{sequence},"previous":"{previous}","link":"{link}"}}'
            lines.append(entry.opened + ending.encode())
            previous = link
        return lines, Head(self.name, sequence, previous) if lines else self.head
