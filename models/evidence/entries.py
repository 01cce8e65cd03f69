"""Decision records as they are written: a scored request in, one or more chain entries out."""

from binascii import b2a_base64
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple, Protocol

from pydantic_core import to_json

from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.evidence.hash_chain import (
    UNKEYED,
    Entry,
    Seal,
    canonical_json,
    commitment,
    personal_content,
)
from models.evidence.records import RECORD_VERSION, SharedPart
from models.features import Matrix
from models.policy import DecisionName
from models.prediction import ScoredRequest
from models.table import Table

SALT_BYTES = 16
ID_DIGITS = 24
CONTRACT_DIGITS = 12
# Cloud Logging takes 256 KiB a line, with all that it writes around it.
LINE_BYTES = 200_000
PREAMBLE = '{"severity":"INFO","message":"decision","record":"decision"'


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


class _Personal(NamedTuple):
    """What the record of one decision says that can be erased."""

    salt: str
    applicant: str | None
    features: str
    inputs: str


class _OwnPart(NamedTuple):
    """One decision: its name, its own part as written and as hashed, open for the commitment."""

    decision: DecisionName
    written: str
    hashed: str


def entries_from_request(
    scored: ScoredRequest, context: RequestContext, seal: Seal, now: datetime, random: bytes
) -> RequestEntries:
    """Build the entries of a request: as few as lines of `LINE_BYTES` allow.

    `now` is an aware datetime; `random` holds `SALT_BYTES` for each decision.
    """
    inputs = _inputs_as_text(scored.table)
    content = _request_content(scored, context, seal, inputs)
    # Without a key, anybody could try values that are recorded nowhere: they stay out.
    request = seal.request_digest(content.recorded if seal.name == UNKEYED else content.complete)
    applicants = _pseudonyms_from_table(scored.table, context, seal)
    features = features_as_text(scored.matrix)
    salts = random.hex(" ", SALT_BYTES).split()
    personal = list(map(_Personal, salts, applicants, features, inputs))
    members = _write_members(scored, request[:ID_DIGITS])
    longest = max(map(len, inputs)) + len(features[0]) + max(len(m.written) for m in members)
    size = max(1, LINE_BYTES // (2 * longest))
    shared = _shared_part(scored, context, now)
    starts = range(0, len(members), size)
    entries = [_entry(shared, members[i : i + size], personal[i : i + size]) for i in starts]
    return RequestEntries(entries, content.complete)


def _entry(shared: SharedPart, members: Sequence[_OwnPart], personal: Sequence[_Personal]) -> Entry:
    """Write one line, still open, and what its link covers of it."""
    counts = Counter(member.decision for member in members)
    shared["approved"], shared["referred"] = counts["approve"], counts["refer"]
    shared["declined"] = counts["decline"]
    preamble = f'{PREAMBLE},"time":"{shared["decided_at"]}",'
    written, hashed, previous = [], [], ""
    for member, part in zip(members, personal, strict=True):
        previous = commitment(previous, f"{member.hashed}}}", personal_content(*part))
        sealed = f',"commitment":"{previous}"'
        hashed.append(f"{member.hashed}{sealed}}}")
        applicant = f'"{part.applicant}"' if part.applicant else "null"
        inputs = part.inputs.replace("\\", "\\\\").replace('"', '\\"')
        written.append(
            f'{member.written}{sealed},"applicant":{applicant},"inputs":"{inputs}",'
            f'"features":"{part.features}","salt":"{part.salt}"}}'
        )
    head = to_json(shared)
    line = f'{preamble}{head[1:-1].decode()},"applications":[{",".join(written)}]'
    return Entry(line.encode(), canonical_json(head) + ",".join(hashed).encode())


def _write_members(scored: ScoredRequest, request: str) -> list[_OwnPart]:
    """Write every decision's own part, in the order of `OWN`."""
    probabilities = to_json([d.probability_of_default for d in scored.decisions]).decode()
    rows = zip(scored.positions, scored.decisions, probabilities[1:-1].split(","), strict=True)
    members = []
    for index, decision, probability in rows:
        codes = tuple([r.code for r in decision.reasons]) if decision.reasons else ()
        written, hashed = _write_codes(codes)
        own = (
            f'{{"decision_id":"{request}-{index}","index":{index},'
            f'"probability_of_default":{probability},'
            f'"credit_score":{round(decision.credit_score)},'
            f'"risk_level":"{decision.risk_level}","decision":"{decision.decision}","reasons":'
        )
        members.append(_OwnPart(decision.decision, own + written, own + hashed))
    return members


@cache
def _write_codes(codes: tuple[str, ...]) -> tuple[str, str]:
    written = to_json(codes)
    return written.decode(), canonical_json(written).decode()


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
        "fields": list(recorded_fields(model)),
        "approved": 0,
        "referred": 0,
        "declined": 0,
    }
    if scored.features_of is not None:
        part["features_of"] = scored.features_of.isoformat()
    return part


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
    scored: ScoredRequest, context: RequestContext, seal: Seal, inputs: Sequence[str]
) -> _Content:
    """Write a request's name, its applicant and everything that was applied for.

    Different applications never share a decision id, whatever their callers call them.
    """
    table = scored.table
    name = name_of_request(context, name_from_model(table.model))
    who = to_json([seal.pseudonym(context.applicant_id), list(scored.positions)])
    recorded = b"\n".join([name, who, "\n".join(inputs).encode()])
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


def _inputs_as_text(table: Table) -> list[str]:
    """Write each application's inputs as a JSON list of their values."""
    return [to_json(row).decode() for row in table.rows(recorded_fields(table.model))]


@cache
def _contract_digits(model: type[CreditModel]) -> str:
    return contract_hash(model)[:CONTRACT_DIGITS]


@cache
def _withheld_fields(model: type[CreditModel]) -> frozenset[str]:
    """Fields whose values are never recorded: protected and private ones."""
    return frozenset(c.name for c in characteristics(model) if c.protected or c.private)
