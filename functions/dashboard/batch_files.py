"""Files of applications before they are sent: kind, columns, and which column has which field."""

import csv
import gzip
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

from functions.client.batch_endpoints import FileKind
from models.errors import DataError

KINDS: Mapping[str, FileKind] = {
    ".csv": "text/csv",
    ".csv.gz": "application/gzip",
    ".parquet": "application/vnd.apache.parquet",
}
HEADING_BYTES = 1 << 20


def kind_from_name(name: str) -> FileKind:
    """Return what a file is, by the end of its name.

    Raises
    ------
    DataError
        If it is none that batches read.
    """
    for suffix, kind in KINDS.items():
        if name.lower().endswith(suffix):
            return kind
    message = f"{name} must be one of {', '.join(KINDS)}"
    raise DataError(message)


def read_columns(content: bytes, kind: FileKind, delimiter: str = ",") -> list[str]:
    """Return the columns of a file; of a CSV its first line names them.

    Raises
    ------
    DataError
        If the file is not what its name says.
    """
    try:
        if kind == "application/vnd.apache.parquet":
            return list(pq.read_schema(io.BytesIO(content)).names)
        if kind == "application/gzip":
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(HEADING_BYTES)
        text = content[:HEADING_BYTES].decode("utf-8-sig", errors="replace")
        heading = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except (OSError, EOFError, ArrowInvalid, csv.Error) as error:
        message = f"the file cannot be read as {kind}"
        raise DataError(message) from error
    return [name for name in heading if name]


def match_columns(fields: Sequence[str], columns: Sequence[str]) -> dict[str, str | None]:
    """Return the column of each field whose name is the same but for case and separators."""
    by_name = {_plain(column): column for column in reversed(columns)}
    return {name: by_name.get(_plain(name)) for name in fields}


def fields_from_schema(schema: Mapping[str, Any]) -> dict[str, bool]:
    """Return the fields of a model's rows, and whether each is required."""
    required = set(schema.get("required", ()))
    return {name: name in required for name in schema.get("properties", {})}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
