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


class _PersonalColumns(NamedTuple):
    """What the record says that can be erased, one item a decision."""

    salts: Sequence[str]
    applicants: Sequence[str | None]
    features: Sequence[str]
    inputs: Sequence[str]

    def cut(self, rows: slice) -> "_PersonalColumns":
        """Take the columns of some rows."""
        salts, applicants = self.salts[rows], self.applicants[rows]
        return _PersonalColumns(salts, applicants, self.features[rows], self.inputs[rows])


class _OwnColumns(NamedTuple):
    """Each decision, its own part as written and as hashed, both open for the commitment."""

    decisions: Sequence[DecisionName]
    written: Sequence[str]
    hashed: Sequence[str]

    def cut(self, rows: slice) -> "_OwnColumns":
        """Take the columns of some rows."""
        return _OwnColumns(self.decisions[rows], self.written[rows], self.hashed[rows])


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
    personal = _PersonalColumns(salts, applicants, features, inputs)
    own = _write_own_parts(scored, request[:ID_DIGITS])
    longest = max(map(len, inputs)) + len(features[0]) + max(map(len, own.written))
    size = max(1, LINE_BYTES // (2 * longest))
    shared = _shared_part(scored, context, now)
    parts = [slice(start, start + size) for start in range(0, len(inputs), size)]
    entries = [_entry(shared, own.cut(rows), personal.cut(rows)) for rows in parts]
    return RequestEntries(entries, content.complete)


def _entry(shared: SharedPart, own: _OwnColumns, personal: _PersonalColumns) -> Entry:
    """Write one line, still open, and what its link covers of it."""
    counts = Counter(own.decisions)
    shared["approved"], shared["referred"] = counts["approve"], counts["refer"]
    shared["declined"] = counts["decline"]
    written, hashed, previous = [], [], ""
    columns = (own.written, own.hashed, *personal, _quote(personal.inputs))
    for text, covered, salt, applicant, features, inputs, quoted in zip(*columns, strict=True):
        content = personal_content(salt, applicant, features, inputs)
        previous = commitment(previous, f"{covered}}}", content)
        sealed = f',"commitment":"{previous}"'
        hashed.append(covered + sealed)
        who = f'"{applicant}"' if applicant else "null"
        written.append(
            f'{text}{sealed},"applicant":{who},"inputs":"{quoted}",'
            f'"features":"{features}","salt":"{salt}"}}'
        )
    head = to_json(shared)
    preamble = f'{PREAMBLE},"time":"{shared["decided_at"]}",{head[1:-1].decode()}'
    line = f'{preamble},"applications":[{",".join(written)}]'
    covered = "},".join(hashed)
    return Entry(line.encode(), canonical_json(head) + f"{covered}}}".encode())


def _quote(texts: Sequence[str]) -> list[str]:
    """Write JSON texts as JSON strings, without their quotation marks; they have no line ends."""
    return "\n".join(texts).replace("\\", "\\\\").replace('"', '\\"').split("\n")


def _write_own_parts(scored: ScoredRequest, request: str) -> _OwnColumns:
    """Write every decision's own part, in the order of `OWN`."""
    probabilities = to_json([d.probability_of_default for d in scored.decisions]).decode()
    rows = zip(scored.positions, scored.decisions, probabilities[1:-1].split(","), strict=True)
    decisions: list[DecisionName] = []
    written, hashed = [], []
    for index, (_, score, level, decision, _, reasons), probability in rows:
        codes = _write_codes(tuple([r.code for r in reasons]) if reasons else ())
        own = (
            f'{{"decision_id":"{request}-{index}","index":{index},'
            f'"probability_of_default":{probability},"credit_score":{round(score)},'
            f'"risk_level":"{level}","decision":"{decision}","reasons":'
        )
        decisions.append(decision)
        written.append(own + codes.written)
        hashed.append(own + codes.hashed)
    return _OwnColumns(decisions, written, hashed)


class _Codes(NamedTuple):
    """Reason codes as a JSON list, as written and as hashed."""

    written: str
    hashed: str


@cache
def _write_codes(codes: tuple[str, ...]) -> _Codes:
    written = to_json(codes)
    return _Codes(written.decode(), canonical_json(written).decode())


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
