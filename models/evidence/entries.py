"""Decision records as they are written: a scored request in, one chain entry per decision out."""

from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from pydantic_core import to_json

from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.evidence.hash_chain import UNKEYED, Entry, Seal, canonical_json, commitment
from models.evidence.records import RECORD_VERSION, OwnPart, SharedPart
from models.features import Matrix
from models.prediction import ScoredRequest
from models.scorer import Decision
from models.table import Table

SALT_BYTES = 16
ID_DIGITS = 24
CONTRACT_DIGITS = 12

# Between two objects of one JSON list, where `_join_objects` puts it. Invariant: no object contains
# these bytes, because after a comma every object continues with a member's name, never empty.
SEPARATOR = b',"",'


class RequestContext(Protocol):
    """What a record needs to know of the request that asked for a decision."""

    @property
    def request_id(self) -> str:
        """Name of the request in response and logs."""

    @property
    def trace_id(self) -> str | None:
        """The caller's trace."""

    @property
    def principal(self) -> str | None:
        """Who asked, where callers are authenticated."""

    @property
    def applicant_id(self) -> str | None:
        """The one applicant of all rows."""

    @property
    def idempotency_key(self) -> str | None:
        """Gives a repeated request the same decision ids."""


class RequestEntries(NamedTuple):
    """The entries of a request, and all that was applied for, which is never recorded as it is."""

    entries: list[Entry]
    content: bytes


def entries_from_request(
    scored: ScoredRequest, context: RequestContext, seal: Seal, now: datetime, random: bytes
) -> RequestEntries:
    """Build one entry for each decision of a request.

    `now` is an aware datetime; `random` holds `SALT_BYTES` for each decision.
    """
    shared = _shared_part(scored, context, now)
    preamble = {"severity": "INFO", "message": "decision", "time": shared["decided_at"]}
    head = to_json(preamble | {"record": "decision", **shared})[:-1] + b","
    hashed_head = canonical_json(to_json(shared))
    inputs = _inputs_from_table(scored.table)
    content = _request_content(scored, context, seal, [hashed for _, hashed in inputs])
    # Without a key, anybody could try values that are recorded nowhere: they stay out.
    request = seal.request_digest(content.recorded if seal.name == UNKEYED else content.complete)
    request = request[:ID_DIGITS]
    applicants = _pseudonyms_from_table(scored.table, context, seal)
    features = features_as_text(scored.matrix)
    salts = random.hex(" ", SALT_BYTES).split()
    personal = list(zip(salts, applicants, features, inputs, strict=True))
    commitments = [
        commitment(salt, applicant, text, hashed) for salt, applicant, text, (_, hashed) in personal
    ]
    rows = zip(scored.positions, scored.decisions, commitments, strict=True)
    own = _join_objects([_own_part(f"{request}-{i}", i, decision, c) for i, decision, c in rows])
    parts = zip(personal, own.split(SEPARATOR), canonical_json(own).split(SEPARATOR), strict=True)
    entries = []
    for (salt, applicant, text, (shown_inputs, _)), shown_own, hashed_own in parts:
        quoted = f'"{applicant}"' if applicant else "null"
        tail = f',"applicant":{quoted},"features":"{text}","salt":"{salt}"'.encode()
        line = b"".join((head, shown_own[1:-1], b',"inputs":', shown_inputs, tail))
        entries.append(Entry(line, hashed_head + hashed_own))
    return RequestEntries(entries, content.complete)


def features_as_text(matrix: Matrix) -> list[str]:
    """Encode each row in base64 of little-endian single precision: JSON has no NaN."""
    single = matrix.astype("<f4")
    data, width = single.tobytes(), single.shape[1] * single.itemsize
    starts = range(0, len(data), width)
    return [b2a_base64(data[at : at + width], newline=False).decode() for at in starts]


@cache
def recorded_fields(model: type[CreditModel]) -> tuple[str, ...]:
    """Return the fields whose values are recorded as inputs, sorted."""
    return tuple(sorted(set(model.model_fields) - _withheld_fields(model)))


def _shared_part(scored: ScoredRequest, context: RequestContext, now: datetime) -> SharedPart:
    model = scored.loaded.scorer.model
    part: SharedPart = {
        "record_version": RECORD_VERSION,
        "decided_at": now.isoformat(),
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "model": name_from_model(model),
        "model_version": scored.loaded.version,
        "contract": _contract_digits(model),
        "variant": scored.variant,
        "withheld": sorted(_withheld_fields(model)),
        "latency_ms": scored.latency_ms,
    }
    if scored.features_of is not None:
        part["features_of"] = scored.features_of.isoformat()
    return part


def _own_part(decision_id: str, index: int, decision: Decision, digest: str) -> OwnPart:
    return {
        "decision_id": decision_id,
        "index": index,
        "probability_of_default": decision.probability_of_default,
        "credit_score": round(decision.credit_score),
        "risk_level": decision.risk_level,
        "decision": decision.decision,
        "reasons": [reason.code for reason in decision.reasons or ()],
        "commitment": digest,
    }


def name_of_request(context: RequestContext, model_name: str) -> bytes:
    """Name a request: the same when its caller repeats it under its key, or else under its id."""
    is_keyed = context.idempotency_key is not None
    name = context.idempotency_key if is_keyed else context.request_id
    return to_json(["key" if is_keyed else "id", context.principal, model_name, name])


class _Content(NamedTuple):
    """What a request says: what is recorded of it, and all of it."""

    recorded: bytes
    complete: bytes


def _request_content(
    scored: ScoredRequest, context: RequestContext, seal: Seal, inputs: Sequence[bytes]
) -> _Content:
    """Write a request's name, its applicant and everything that was applied for.

    Different applications never share a decision id, whatever their callers call them.
    """
    table = scored.table
    name = name_of_request(context, name_from_model(table.model))
    who = to_json([seal.pseudonym(context.applicant_id), list(scored.positions)])
    recorded = b"\n".join([name, who, *inputs])
    withheld = sorted(_withheld_fields(table.model))
    return _Content(recorded, recorded + to_json(list(table.rows(withheld))))


def _pseudonyms_from_table(table: Table, context: RequestContext, seal: Seal) -> list[str | None]:
    """Compute each applicant's pseudonym: from the application's identifier, else the request's."""
    of_request = seal.pseudonym(context.applicant_id)
    identifiers = [c.name for c in characteristics(table.model) if c.identifier]
    if not identifiers:
        return [of_request] * len(table)
    names = (next(filter(None, row), None) for row in table.rows(identifiers))
    return [seal.pseudonym(name) if name else of_request for name in names]


def _inputs_from_table(table: Table) -> list[tuple[bytes, bytes]]:
    """Write each application's inputs as they are shown, and as they are hashed: without nulls."""
    model_name, names = name_from_model(table.model), recorded_fields(table.model)
    rows = list(table.rows(names))
    inputs = [dict(zip(names, row, strict=True)) for row in rows]
    written = hashed = _join_objects([{model_name: fields} for fields in inputs])
    if b":-0.0" in written:
        rows = [tuple(map(_without_sign_of_zero, row)) for row in rows]
        inputs = [dict(zip(names, row, strict=True)) for row in rows]
        written = hashed = _join_objects([{model_name: fields} for fields in inputs])
    if any(None in row for row in rows):
        present = [{n: v for n, v in fields.items() if v is not None} for fields in inputs]
        hashed = _join_objects([{model_name: fields} if fields else {} for fields in present])
    return list(zip(written.split(SEPARATOR), canonical_json(hashed).split(SEPARATOR), strict=True))


def _without_sign_of_zero(value: object) -> object:
    """Return 0.0 for -0.0: BigQuery does not keep the sign."""
    return 0.0 if type(value) is float and value == 0 else value


def _join_objects(objects: Sequence[Any]) -> bytes:
    """Write all objects as JSON in one call, `SEPARATOR` between them."""
    items: list[object] = [""] * (2 * len(objects) - 1)
    items[::2] = objects
    return to_json(items)[1:-1]


@cache
def _contract_digits(model: type[CreditModel]) -> str:
    return contract_hash(model)[:CONTRACT_DIGITS]


@cache
def _withheld_fields(model: type[CreditModel]) -> frozenset[str]:
    """Fields whose values are never recorded: protected and private ones."""
    return frozenset(c.name for c in characteristics(model) if c.protected or c.private)
