"""Requests to the batch function, each a value that `Surety.request` sends.

A batch is named by its id. The same `idempotency_key` with the same file gives the same batch, so
that a call whose response was lost may be made again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import quote, urlencode

from .batch_responses import BatchState
from .endpoints import Call, header
from .response import FileContent, Response

FileKind = Literal["text/csv", "application/gzip", "application/vnd.apache.parquet"]
BatchReasons = Literal["none", "adverse", "all"]
PATH = "/v1/batches"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What to score with, and how the file is written.

    `mapping` names the column of a field, `without` the optional fields that have no column, `keep`
    columns that the results repeat. `dialect` says how a CSV is written, such as its `delimiter`.
    """

    model: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    keep: Sequence[str] = ()
    reasons: BatchReasons = "none"
    dialect: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    dry_run: bool = False


class BatchFault(Response):
    """Why a row was not scored: `line` of a CSV, and `cell`, the kind of value but never it."""

    row: int
    line: int | None = None
    field: str
    rule: str
    cell: str | None = None


class BatchFaults(Response):
    """The faults of the rows that were read so far."""

    faults: tuple[BatchFault, ...]

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read one JSON object a line."""
        return cls(faults=tuple(map(BatchFault.model_validate_json, content.splitlines())))


def upload(
    content: bytes, kind: FileKind, options: BatchOptions, idempotency_key: str
) -> Call[BatchState]:
    """Request that a file be scored, or checked."""
    return Call(
        method="POST",
        path=f"{PATH}?{urlencode(_query(options))}",
        response=BatchState,
        headers={"Content-Type": kind, **header("Idempotency-Key", idempotency_key)},
        body=content,
    )


def submit(uri: str, options: BatchOptions, idempotency_key: str) -> Call[BatchState]:
    """Request that a file below a place of `BATCH_INPUTS` be scored, or checked."""
    members: dict[str, object] = {
        "model": options.model,
        "input": uri,
        "reasons": options.reasons,
        "dry_run": options.dry_run,
    }
    optional = {
        "mapping": dict(options.mapping),
        "without": list(options.without),
        "keep": list(options.keep),
        "dialect": dict(options.dialect),
    }
    members |= {name: value for name, value in optional.items() if value}
    return Call(
        method="POST",
        path=PATH,
        response=BatchState,
        headers=JSON | header("Idempotency-Key", idempotency_key),
        body=json.dumps(members).encode(),
    )


def batch(batch_id: str) -> Call[BatchState]:
    """Request a batch: its status, and how far it is."""
    return Call(method="GET", path=_path(batch_id), response=BatchState)


def cancel(batch_id: str) -> Call[BatchState]:
    """Request that a batch stop after the chunk in progress."""
    return Call(method="POST", path=f"{_path(batch_id)}:cancel", response=BatchState)


def resume(batch_id: str) -> Call[BatchState]:
    """Request that a cancelled batch go on: what is scored stays."""
    return Call(method="POST", path=f"{_path(batch_id)}:resume", response=BatchState)


def results(batch_id: str) -> Call[FileContent]:
    """Request the scored rows as one CSV file."""
    return Call(method="GET", path=f"{_path(batch_id)}/results", response=FileContent)


def result_part(batch_id: str, part: int) -> Call[FileContent]:
    """Request the scored rows of one part as a Parquet file."""
    return Call(method="GET", path=f"{_path(batch_id)}/results?part={part}", response=FileContent)


def faults(batch_id: str) -> Call[BatchFaults]:
    """Request why rows were not scored; of a dry run the first hundred."""
    return Call(method="GET", path=f"{_path(batch_id)}/faults", response=BatchFaults)


def _path(batch_id: str) -> str:
    return f"{PATH}/{quote(batch_id, safe='')}"


def _query(options: BatchOptions) -> list[tuple[str, str]]:
    pairs = [("model", options.model), ("reasons", options.reasons)]
    pairs += [("mapping", f"{name}={column}") for name, column in options.mapping.items()]
    pairs += [("without", name) for name in options.without]
    pairs += [("keep", column) for column in options.keep]
    for name, value in options.dialect.items():
        pairs += _dialect_pairs(name, value)
    return [*pairs, ("dry_run", "true" if options.dry_run else "false")]


def _dialect_pairs(name: str, value: str | int | Sequence[str]) -> list[tuple[str, str]]:
    """Write an option of the dialect: `columns` in one text, other lists one by one."""
    if isinstance(value, str | int):
        return [(name, str(value))]
    return [(name, ",".join(value))] if name == "columns" else [(name, text) for text in value]
