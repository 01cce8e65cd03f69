"""Erasing rows of a batch from its records: their personal part goes, and a mark says who could.

The links still hold: they cover each row's outcome and commitment, which stay. Of an erased row the
commitment proves nothing any more, so the mark, an HMAC, proves that a holder of the key erased it.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import DataError
from models.evidence.batch_tables import (
    METADATA_KEY,
    PERSONAL,
    RecordMetadata,
    metadata_from_file,
)
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Seal


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Rows of the scored file by their numbers, from 1, and those of applicants by pseudonym."""

    rows: frozenset[int] = frozenset()
    pseudonyms: frozenset[str] = frozenset()

    def select(self, table: pa.Table) -> list[bool]:
        """Return which rows of a block are meant and not erased already."""
        numbers, salts = table["row"].to_pylist(), table["salt"].to_pylist()
        has_names = "applicant" in table.column_names
        names = table["applicant"].to_pylist() if has_names else [None] * len(numbers)
        return [
            salt is not None and (number in self.rows or name in self.pseudonyms)
            for number, name, salt in zip(numbers, names, salts, strict=True)
        ]


def erase_rows(
    file: BinaryIO, selection: RowSelection, seals: Mapping[str, Seal], erased_at: str
) -> tuple[bytes, list[int]]:
    """Return the records of a part without the personal parts of some rows, and their numbers.

    Raises
    ------
    DataError
        If the part has a fault: erasing from it would hide that.
    """
    if faults := verify_part(file, seals):
        message = f"--records: row {faults[0].row}: {faults[0].detail}"
        raise DataError(message)
    file.seek(0)
    opened = pq.ParquetFile(file)
    metadata = metadata_from_file(opened.metadata.metadata)
    if metadata is None:
        message = "--records: it has no metadata of records"
        raise DataError(message)
    seal, erasures = seals[metadata.key], dict(metadata.erasures)
    blocks = []
    for block in range(opened.metadata.num_row_groups):
        table = opened.read_row_group(block)
        is_selected = selection.select(table)
        blocks.append(_without_personal_part(table, is_selected))
        for i in (i for i, selected in enumerate(is_selected) if selected):
            mark = seal.erasure(table["commitment"][i].as_py().hex(), erased_at)
            erasures[str(table["row"][i].as_py())] = [erased_at, mark]
    data = _write(blocks, opened.schema_arrow, metadata._replace(erasures=erasures))
    return data, sorted(int(row) for row in erasures.keys() - metadata.erasures.keys())


def _without_personal_part(table: pa.Table, is_selected: list[bool]) -> pa.Table:
    if not any(is_selected):
        return table
    mask = pa.array(is_selected)
    for index, field in enumerate(table.schema):
        if field.name in PERSONAL or field.name.startswith("input."):
            empty = pa.scalar(None, field.type)
            column = pa.compute.if_else(mask, empty, table[field.name].combine_chunks())
            table = table.set_column(index, field, column)
    return table


def _write(blocks: list[pa.Table], schema: pa.Schema, metadata: RecordMetadata) -> bytes:
    """Write the blocks as they were: each is a row group."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema.remove_metadata()) as writer:
        for table in blocks:
            writer.write_table(table.replace_schema_metadata(None), row_group_size=len(table))
        writer.add_key_value_metadata({METADATA_KEY: metadata.to_json()})
    return buffer.getvalue()
