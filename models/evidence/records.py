"""The decision record, version 2: what was decided, by which model, from which inputs."""

import hashlib
import io
import os
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from functions.web.logs import write_stdout
from functions.web.middleware import Caller
from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.errors import DeclarationError
from models.evidence.hash_chain import SHARED, Entry, Seal, commitment, plain
from models.registry.serving import LoadedVersion, Variant
from models.scorer import Decision, Scored
from models.table import Table

RECORD_VERSION = 2
SALT_BYTES = 16
ID_DIGITS = 24
CONTRACT_DIGITS = 12
BETWEEN = b',"",'

Write = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """Decisions of one request by one version, each with its application's place in the request."""

    variant: Variant
    loaded: LoadedVersion
    table: Table
    places: Sequence[int]
    scored: Scored
    latency_ms: float


def open_log(setting: str) -> Write | None:
    """Open where records go: `stdout`, `off` (None) or a file to append to.

    Raises
    ------
    DeclarationError
        If the file cannot be opened.
    """
    if setting == "off":
        return None
    if setting == "stdout":
        return write_stdout
    try:
        file = open_private(Path(setting), "ab")
    except OSError as error:
        message = f"DECISION_LOG: {error}"
        raise DeclarationError(message) from error
    return lambda lines: _write_whole(file, lines)


def open_private(path: Path, mode: Literal["ab", "xb"]) -> io.FileIO:
    """Open a file that, if it is new, is only its owner's: it will hold personal data.

    Unbuffered: one request's lines are one write, which the system appends whole.
    """
    return io.FileIO(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def entries_from(answered: Answered, caller: Caller, seal: Seal) -> list[Entry]:
    """One entry for each decision of a request."""
    shared = _shared(answered, caller)
    said = {"severity": "INFO", "message": "decision", "time": shared["decided_at"]}
    shown = said | {"record": "decision", **shared}
    head = to_json(shown)[:-1] + b","
    hashed = plain(to_json({name: shared[name] for name in SHARED}))
    request = _request_digest(caller, shared["model"])
    written = _inputs_of(answered.table)
    applied = _applicants_of(answered.table, caller, seal)
    texts = features_as_text(answered)
    salts = os.urandom(SALT_BYTES * len(texts)).hex(" ", SALT_BYTES).split()
    personal = list(zip(salts, applied, texts, written, strict=True))
    committed = [commitment(salt, who, text, hashed) for salt, who, text, (_, hashed) in personal]
    rows = zip(answered.places, answered.scored.decisions, committed, strict=True)
    own = _joined([_own(f"{request}-{i}", i, decision, told) for i, decision, told in rows])
    entries = []
    parts = zip(personal, own.split(BETWEEN), plain(own).split(BETWEEN), strict=True)
    for (salt, applicant, text, (inputs, _)), shown_own, hashed_own in parts:
        who = f'"{applicant}"' if applicant else "null"
        rest = f',"applicant":{who},"features":"{text}","salt":"{salt}"'.encode()
        line = b"".join((head, shown_own[1:-1], b',"inputs":', inputs, rest))
        entries.append(Entry(line, hashed + hashed_own))
    return entries


def features_as_text(answered: Answered) -> list[str]:
    """Each row of the matrix in base64 of little-endian single precision: JSON has no NaN."""
    matrix = answered.scored.matrix.astype("<f4")
    data, width = matrix.tobytes(), matrix.shape[1] * matrix.itemsize
    rows = range(0, len(data), width)
    return [b2a_base64(data[at : at + width], newline=False).decode() for at in rows]


def _shared(answered: Answered, caller: Caller) -> dict[str, Any]:
    """What all records of a request have in common."""
    model = answered.loaded.scorer.model
    return {
        "record_version": RECORD_VERSION,
        "decided_at": datetime.now(UTC).isoformat(),
        "request_id": caller.request_id,
        "trace_id": caller.trace_id,
        "model": name_from_model(model),
        "model_version": answered.loaded.version,
        "contract": _contract(model),
        "variant": answered.variant,
        "withheld": sorted(_withheld(model)),
        "latency_ms": answered.latency_ms,
    }


def _own(decision_id: str, index: int, decision: Decision, committed: str) -> dict[str, Any]:
    return {
        "decision_id": decision_id,
        "index": index,
        "probability_of_default": decision.probability_of_default,
        "credit_score": round(decision.credit_score),
        "risk_level": decision.risk_level,
        "decision": decision.decision,
        "reasons": [reason.code for reason in decision.reasons or ()],
        "commitment": committed,
    }


def _request_digest(caller: Caller, model: str) -> str:
    """The same for a request that is sent again under its key; the key itself is not kept."""
    kind, name = (
        ("k", caller.idempotency_key) if caller.idempotency_key else ("r", caller.request_id)
    )
    return hashlib.sha256(f"{kind}\0{model}\0{name}".encode()).hexdigest()[:ID_DIGITS]


def _applicants_of(table: Table, caller: Caller, seal: Seal) -> list[str | None]:
    """The pseudonym of each applicant: as an application's identifier says, else the caller."""
    of_request = seal.pseudonym(caller.applicant_id)
    identifiers = [c.name for c in characteristics(table.model) if c.identifier]
    if not identifiers:
        return [of_request] * len(table)
    named = (next(filter(None, row), None) for row in table.rows(identifiers))
    return [seal.pseudonym(name) if name else of_request for name in named]


def _inputs_of(table: Table) -> list[tuple[bytes, bytes]]:
    """Each application's inputs as they are shown, and as they are hashed: without nulls."""
    model, names = name_from_model(table.model), _written(table.model)
    rows = list(table.rows(names))
    found = [dict(zip(names, row, strict=True)) for row in rows]
    shown = hashed = _joined([{model: fields} for fields in found])
    if any(None in row for row in rows):
        kept = [{n: v for n, v in fields.items() if v is not None} for fields in found]
        hashed = _joined([{model: fields} if fields else {} for fields in kept])
    return list(zip(shown.split(BETWEEN), plain(hashed).split(BETWEEN), strict=True))


def _joined(objects: Sequence[dict[str, Any]]) -> bytes:
    """JSON of all objects, `BETWEEN` them what no object can hold: a name, after a comma, empty."""
    separated: list[object] = [""] * (2 * len(objects) - 1)
    separated[::2] = objects
    return to_json(separated)[1:-1]


@cache
def _contract(model: type[CreditModel]) -> str:
    return contract_hash(model)[:CONTRACT_DIGITS]


@cache
def _written(model: type[CreditModel]) -> tuple[str, ...]:
    return tuple(sorted(set(model.model_fields) - _withheld(model)))


@cache
def _withheld(model: type[CreditModel]) -> frozenset[str]:
    """Fields whose values are never written down: protected and private ones."""
    return frozenset(c.name for c in characteristics(model) if c.protected or c.private)


def _write_whole(file: io.FileIO, data: bytes) -> None:
    if file.write(data) != len(data):
        message = "the disk filled up within a record"
        raise OSError(message)
