"""The hash chain of decision records: what a link is computed from, for writer and auditor alike.

A record's values are hashed, not its bytes: Cloud Logging and BigQuery keep neither the order of
members nor the difference between 5 and 5.0. Personal data enters as a salted hash, so that it can
be erased and the link still holds. Within a record each decision's hash covers the one before it,
which shows where one was changed, removed or moved.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from models.evidence.records import CHAIN, OPTIONAL, OWN, SHARED

MIN_KEY_CHARACTERS = 32
UNKEYED = "none"
LISTS = ("withheld", "fields")


class Seal:
    """One key of the decision log, for links, pseudonyms and erasures; or none.

    Without a key, links are HMAC-SHA256 with an empty one: anyone can compute them, so they reveal
    accidents, and forgery only against an anchored head.
    """

    def __init__(self, key: str = "") -> None:
        secret = key.encode()
        self._link = hmac.new(hmac.digest(secret, b"link", "sha256"), digestmod="sha256")
        self._applicant = hmac.digest(secret, b"applicant", "sha256")
        self._request = hmac.digest(secret, b"request", "sha256")
        self._erasure = hmac.digest(secret, b"erasure", "sha256")
        self._anchor = hmac.digest(secret, b"anchor", "sha256")
        # Without a key anybody could compute it, and with it the salts.
        self.salt_secret = hmac.digest(secret, b"salt", "sha256") if key else None
        self.name = hmac.digest(secret, b"name", "sha256").hex()[:8] if key else UNKEYED

    def link(self, content: bytes) -> str:
        """Compute the link of a record, 64 hex digits."""
        mac = self._link.copy()
        mac.update(content)
        return mac.hexdigest()

    def pseudonym(self, applicant_id: str | None) -> str | None:
        """Compute the pseudonym of an applicant; without a key it could be guessed: None.

        However its letters are composed in Unicode, a name has one pseudonym.
        """
        if self.name == UNKEYED or not applicant_id:
            return None
        name = unicodedata.normalize("NFC", applicant_id)
        return hmac.digest(self._applicant, name.encode(), "sha256").hex()[:32]

    def request_digest(self, content: bytes) -> str:
        """Identify a request by what it says; nobody without the key can guess that from it."""
        return hmac.digest(self._request, content, "sha256").hex()

    def anchor_mark(self, content: bytes) -> str:
        """Compute the mark of an anchor, which nobody writes without the key."""
        return hmac.digest(self._anchor, content, "sha256").hex()

    def erasure(self, digest: str, erased_at: str) -> str:
        """Compute the mark of a decision whose personal part a holder of the key has erased.

        `digest` is the decision's commitment; in a record of version 2, its link.
        """
        return hmac.digest(self._erasure, to_json([digest, erased_at]), "sha256").hex()


def canonical_json(document: bytes) -> bytes:
    """Write whole numbers one way, so that the same values give the same bytes: 5.0 becomes 5.

    Invariant: writer and auditor both hash what this returns, so it need not be valid JSON. In
    compact JSON a number of an object ends in `,` or `}`. A text that holds `.0,` is rewritten
    too, on both sides alike.
    """
    return document.replace(b".0,", b",").replace(b".0}", b"}")


def link_content(record: Mapping[str, Any]) -> bytes:
    """Return what a record's link is computed from, its position in the chain last."""
    # BigQuery leaves an empty list out of an export.
    full = {**record, **{name: [] for name in LISTS if record.get(name) is None}}
    present = [name for name in SHARED if name not in OPTIONAL or full.get(name) is not None]
    shared = canonical_json(to_json({name: full.get(name) for name in present}))
    own = b",".join(own_content(decision, OWN) for decision in record["applications"])
    position = canonical_json(to_json([record.get(name) for name in CHAIN]))
    return b"".join((shared, own, position))


def own_content(decision: Mapping[str, Any], members: Iterable[str]) -> bytes:
    """Write some members of one decision as they are hashed."""
    own = {name: decision.get(name) for name in members}
    # BigQuery leaves an empty list out; any other empty value is an edit.
    reasons = [] if own["reasons"] is None else own["reasons"]
    return canonical_json(to_json({**own, "reasons": reasons}))


def commitment(previous: str, own: str, personal: str) -> str:
    """Hash that binds a decision to the one before it in its record and to its personal part.

    It reveals nothing of that part without the salt. `own` is `own_content` without this very
    commitment; `previous` is the commitment before it, empty for the first.
    """
    return hashlib.sha256(f"{previous}{own}{personal}".encode()).hexdigest()


def personal_content(salt: str, applicant: str | None, features: str, inputs: str) -> str:
    """Write a decision's personal part as its commitment covers it; `inputs` is a JSON text."""
    return f'["{salt}","{"" if applicant is None else applicant}","{features}"]{inputs}'


def commitment_from_decision(previous: str, decision: Mapping[str, Any]) -> str:
    """Compute the commitment of a decision as it was read."""
    own = own_content(decision, OWN[:-1]).decode()
    salt, features, inputs = (str(decision[name]) for name in ("salt", "features", "inputs"))
    return commitment(
        previous, own, personal_content(salt, decision.get("applicant"), features, inputs)
    )


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: sequence number and link of its last record."""

    chain: str
    sequence: int
    link: str

    def __str__(self) -> str:
        """As commands print and read it."""
        return f"{self.chain}:{self.sequence}:{self.link}"


class Entry(NamedTuple):
    """A record without its position in the chain: its JSON, still open, and what is hashed."""

    open_json: bytes
    hashed: bytes


class Chain:
    """The records of one process, in order; the caller ensures that there is one writer.

    `name` is random, so that no two processes write the same chain.
    """

    def __init__(self, seal: Seal, name: str) -> None:
        self.seal = seal
        self.name = name
        self.head: Head | None = None

    def extend(self, entries: Iterable[Entry]) -> tuple[list[bytes], Head | None]:
        """Return lines for the entries as the next in the chain, and the head once written."""
        lines: list[bytes] = []
        sequence, previous = (self.head.sequence, self.head.link) if self.head else (-1, "")
        hashed_prefix = f'["{self.seal.name}","{self.name}",'
        json_prefix = f',"key":"{self.seal.name}","chain":"{self.name}","sequence":'
        for entry in entries:
            sequence += 1
            position = f'{hashed_prefix}{sequence},"{previous}"]'
            link = self.seal.link(entry.hashed + position.encode())
            ending = f'{json_prefix}{sequence},"previous":"{previous}","link":"{link}"}}'
            lines.append(entry.open_json + ending.encode())
            previous = link
        return lines, Head(self.name, sequence, previous) if lines else self.head
