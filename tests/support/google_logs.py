"""A decision log as Google Cloud hands it back: what its services do to lines, done here.

Cloud Logging keeps numbers as doubles and members in no order, takes `severity` and `time` out, and
adds a document around each record. BigQuery makes a table of that: every column that any model has,
no sign of zero, its own way to write numbers. Emulated from their documentation: never met.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def as_doubles(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Every number as a double, members sorted backwards."""
    if isinstance(value, dict):
        return {name: as_doubles(value[name]) for name in sorted(value, reverse=True)}
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def log_entry(record: Document) -> Document:
    """A record as an entry of Cloud Logging."""
    payload = {n: v for n, v in record.items() if n not in {"severity", "time"}}
    return {
        "insertId": f"{record['chain']}{record['sequence']}",
        "jsonPayload": as_doubles(payload),
        "labels": {"instanceId": "0069c7a9"},
        "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
        "receiveTimestamp": "2026-11-21T01:44:01.000000Z",
        "resource": {"type": "cloud_run_revision", "labels": {"project_id": "p"}},
        "severity": "INFO",
        "timestamp": record["time"],
    }


def table_row(record: Document) -> Document:
    """An entry as a row of the table in BigQuery, with columns of other models and versions."""
    row = log_entry(record)
    payload = row["jsonPayload"]
    if "applications" in record:
        others: Document = {"decision_id": None, "reasons": [], "inputs": None}
    else:
        others = {"applications": [], "fields": [], "approved": None}
        payload["inputs"] = {"another_model": {"age": None}, **(payload.get("inputs") or {})}
    row["jsonPayload"] = _without_sign_of_zero(others | payload)
    return row


def _without_sign_of_zero(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        return {name: _without_sign_of_zero(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_sign_of_zero(item) for item in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


def _big_query_json(value: Any) -> str:  # noqa: ANN401 -- JSON
    """BigQuery writes 5.0 as 5 and 1e+16 as 1.0E16; a text stays as it is."""
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}:{_big_query_json(part)}" for name, part in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_big_query_json, value))}]"
    text = json.dumps(value)
    if not isinstance(value, float):
        return text
    return text.removesuffix(".0").replace("e+", ".0E" if "." not in text else "E")


def logging_read(records: Sequence[Document], folder: Path) -> Path:
    """`gcloud logging read --format=json`: one list over many lines, the newest first."""
    path = folder / "entries.json"
    path.write_text(json.dumps([log_entry(r) for r in reversed(records)], indent=2))
    return path


def sink_to_bucket(records: Sequence[Document], folder: Path) -> Path:
    """A sink to a bucket: a folder of files, one an hour, entries of any order in each."""
    for hour in range(3):
        path = folder / "run.googleapis.com" / "stdout" / "2026" / f"{hour:02}:00:00_S0.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(log_entry(r)) for r in records[hour::3]]
        path.write_text("\n".join([*lines, ""]))
    return folder


def query(records: Sequence[Document], folder: Path) -> Path:
    """`bq query --format=json` of `TO_JSON_STRING(jsonPayload) AS line`: one list in one line."""
    path = folder / "lines.json"
    rows = [{"line": _big_query_json(table_row(record)["jsonPayload"])} for record in records]
    path.write_text(json.dumps(rows))
    return path


def extract(records: Sequence[Document], folder: Path) -> Path:
    """`bq extract --destination_format=NEWLINE_DELIMITED_JSON`: rows without nulls, compressed."""
    path = folder / "rows-000000000000.json.gz"
    lines = [_big_query_json(_without_nulls(table_row(record))) for record in records]
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return path


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    parts = {name: _without_nulls(part) for name, part in value.items()}
    return {name: part for name, part in parts.items() if part not in (None, [], {})}


SHAPES: dict[str, Callable[[Sequence[Document], Path], Path]] = {
    "gcloud logging read": logging_read,
    "a sink to a bucket": sink_to_bucket,
    "bq query": query,
    "bq extract": extract,
}
