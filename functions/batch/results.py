"""What came out of a run, as callers fetch it: rows as CSV, parts as Parquet, faults as lines."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from functions.batch.plans import RunPlan
from models.stores.store import OpenedStore


def result_part(store: OpenedStore, prefix: str, part: int) -> bytes:
    """Return the Parquet file of one part; errors are those of `download`."""
    return store.download(f"{prefix}/part-{part:05d}.parquet")


def csv_lines(store: OpenedStore, prefix: str, plan: RunPlan) -> Iterator[bytes]:
    """Yield the rows of all parts as CSV, the header once."""
    for number in range(len(plan.parts)):
        table = pq.read_table(io.BytesIO(result_part(store, prefix, number)))
        buffer = io.BytesIO()
        options = arrow_csv.WriteOptions(include_header=number == 0)
        arrow_csv.write_csv(_with_plain_columns(table), buffer, options)
        yield buffer.getvalue()


def fault_lines(faults: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """Yield faults, one JSON object a line."""
    for fault in faults:
        yield json.dumps(fault).encode() + b"\n"


def _with_plain_columns(table: pa.Table) -> pa.Table:
    """Return a table that CSV can hold: words as text, and the sentences of reasons in one cell."""
    for i, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(i, column.name, table[column.name].cast(pa.string()))
        elif pa.types.is_list(column.type):
            texts = [_join_reasons(reasons) for reasons in table[column.name].to_pylist()]
            table = table.set_column(i, column.name, pa.array(texts, pa.string()))
    return table


def _join_reasons(reasons: Sequence[dict[str, Any]] | None) -> str | None:
    return None if reasons is None else "; ".join(f"{r['code']} {r['text']}" for r in reasons)
