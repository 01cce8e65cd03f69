"""Records of version 2, which were written until release 0.6: one decision each, to be read.

Their inputs are JSON members, which Cloud Logging and BigQuery rewrite: numbers lose the difference
between 5 and 5.0, nulls and empty lists go, and members change their order. Hashes cover values.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from models.evidence.hash_chain import canonical_json
from models.evidence.records import CHAIN, ERASURE_MARKS, OPTIONAL, OWN, PERSONAL

VERSION = 2
SHARED = (
    *("record_version", "decided_at", "request_id", "trace_id", "model", "model_version"),
    *("contract", "variant", "withheld", "latency_ms", "features_of"),
)
MEMBERS = {*SHARED, *OWN, *PERSONAL, *CHAIN, "link", *ERASURE_MARKS}
LISTS = ("withheld", "reasons")
EXPONENT_FROM = 10**16  # floats are written with an exponent from here on


def link_content(record: Mapping[str, Any]) -> bytes:
    """Return what a record's link is computed from, its position in the chain last."""
    # BigQuery leaves an empty list out of an export.
    lists: dict[str, list[str]] = {name: [] for name in LISTS if record.get(name) is None}
    full = {**record, **lists}
    present = [name for name in SHARED if name not in OPTIONAL or full.get(name) is not None]
    parts = (to_json({name: full.get(name) for name in part}) for part in (present, OWN))
    return canonical_json(b"".join([*parts, to_json([record.get(name) for name in CHAIN])]))


def commitment(record: Mapping[str, Any]) -> str:
    """Compute the commitment of a record as it was read: without nulls, fields sorted."""
    inputs = {
        model: {
            name: _as_written(fields[name]) for name in sorted(fields) if fields[name] is not None
        }
        for model, fields in record["inputs"].items()
        if fields
    }
    document = canonical_json(
        to_json({model: fields for model, fields in inputs.items() if fields})
    )
    applicant = "" if record.get("applicant") is None else record["applicant"]
    head = f'["{record["salt"]}","{applicant}","{record["features"]}"]'
    return hashlib.sha256(head.encode() + document).hexdigest()


def _as_written(value: Any) -> Any:  # noqa: ANN401 -- JSON may be anything
    """Return a large number as the service wrote it, whose form others change."""
    is_large = type(value) is int and abs(value) >= EXPONENT_FROM
    return float(value) if is_large else value
