"""Records of a batch are edited, cut and mixed: every change is found, and at its row."""

import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.decision_columns import DecidedColumns
from models.evidence.batch_records import (
    BatchShared,
    BlockChain,
    BlockContent,
    SaltSource,
    chain_name,
    record_block,
)
from models.evidence.batch_tables import METADATA_KEY, RecordLayout, RecordMetadata
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Head, Seal
from tests.support.counts import counts
from tests.support.toy import Toy

SEAL = Seal("k" * 32)
SEALS = {SEAL.name: SEAL}
BLOCKS, BLOCK_ROWS = 4, 25
INPUTS = ("income", "home")
Edit = Callable[[pa.Table], pa.Table]

SHARED: BatchShared = {
    "record_version": 1,
    "decided_at": datetime(2026, 11, 30, tzinfo=UTC).isoformat(),
    "batch": "b" * 24,
    "run": "r",
    "object": "toy.parquet",
    "generation": "1",
    "part": 0,
    "model": "toy",
    "model_version": "v",
    "contract": "c",
    "withheld": ["age"],
    "inputs": list(INPUTS),
    "features": ["a", "b"],
    "ratings": [],
}


def content(block: int) -> BlockContent:
    draw = np.random.default_rng(block)
    decided = DecidedColumns(
        probabilities=draw.uniform(0.1, 0.9, BLOCK_ROWS),
        credit_scores=draw.integers(400, 700, BLOCK_ROWS),
        decisions=draw.integers(0, 3, BLOCK_ROWS).astype(np.int8),
        ratings=None,
    )
    inputs = {"income": draw.uniform(1, 9, BLOCK_ROWS), "home": np.full(BLOCK_ROWS, np.nan)}
    rows = np.arange(BLOCK_ROWS, dtype=np.int64) + 1 + block * BLOCK_ROWS
    matrix = draw.normal(size=(BLOCK_ROWS, 2)).astype(np.float32).astype(np.float64)
    names = [SEAL.pseudonym(f"applicant {row}") for row in rows.tolist()]
    return BlockContent(rows, decided, inputs, matrix, names, ["T1,T2"] * BLOCK_ROWS)


def layout() -> RecordLayout:
    return RecordLayout(Toy, None, INPUTS, 2, has_reasons=True, has_applicants=True)


def make_part() -> tuple[list[pa.Table], RecordMetadata, Head]:
    chain, salts = BlockChain(SEAL, SHARED), SaltSource(b"secret", SHARED)
    schema, tables = layout().schema(), []
    for block in range(BLOCKS):
        rows = content(block)
        columns = layout().build(SHARED["batch"], rows, record_block(chain, salts, rows))
        tables.append(pa.Table.from_pydict(columns, schema=schema))
    assert chain.head
    return (
        tables,
        RecordMetadata(SHARED, SEAL.name, chain.name, chain.links, has_ratings=False),
        chain.head,
    )


def to_file(tables: list[pa.Table], metadata: RecordMetadata) -> io.BytesIO:
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, layout().schema()) as writer:
        for table in tables:
            writer.write_table(table)
        writer.add_key_value_metadata({METADATA_KEY: metadata.to_json()})
    buffer.seek(0)
    return buffer


def changed(value: object) -> object:
    """Another value of the same type."""
    match value:
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
        case "approve" | "refer" | "decline":
            return "approve" if value != "approve" else "refer"
        case "low" | "medium" | "high":
            return "low" if value != "low" else "high"
        case str():
            return ("1" if value[0] != "1" else "2") + value[1:]
        case None:
            return 1.0
    return value + 1  # type: ignore[operator]  # a number


def edited(table: pa.Table, row: int, column: str) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = changed(values[row])
    index, field = table.column_names.index(column), table.schema.field(column)
    return (
        table.set_column(index, field, pa.array(values, pa.string()).cast(field.type))
        if (pa.types.is_dictionary(field.type))
        else table.set_column(index, field, pa.array(values, field.type))
    )


COLUMNS = layout().schema().names


def test_a_part_as_it_was_written_has_no_fault() -> None:
    tables, metadata, head = make_part()
    assert verify_part(to_file(tables, metadata), SEALS, head) == []
    name = chain_name(SHARED["run"], SHARED["object"], SHARED["generation"], SHARED["part"])
    assert name == metadata.chain == head.chain


def test_every_edit_of_a_cell_is_found_at_its_row() -> None:
    tables, metadata, head = make_part()
    draw = random.Random(1)  # noqa: S311 -- a test
    for _ in range(counts().mutations // 4):
        block, row = draw.randrange(BLOCKS), draw.randrange(BLOCK_ROWS)
        column = draw.choice(COLUMNS)
        mutated = [edited(t, row, column) if i == block else t for i, t in enumerate(tables)]
        faults = verify_part(to_file(mutated, metadata), SEALS, head)
        number = mutated[block]["row"][row].as_py()
        assert number in {fault.row for fault in faults}, column


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables[:-1],
        lambda tables: tables[1:],
        lambda tables: [tables[1], tables[0], *tables[2:]],
        lambda tables: [tables[0].slice(1), *tables[1:]],
        lambda tables: [*tables, tables[-1]],
    ],
)
def test_blocks_and_rows_that_are_cut_swapped_or_repeated_are_found(
    change: Callable[[list[pa.Table]], list[pa.Table]],
) -> None:
    tables, metadata, head = make_part()
    assert verify_part(to_file(change(tables), metadata), SEALS, head)


def test_a_part_that_ends_before_its_anchor_is_found_though_its_links_agree() -> None:
    tables, metadata, head = make_part()
    short = metadata._replace(links=metadata.links[:-1])
    assert verify_part(to_file(tables[:-1], short), SEALS) == []
    [fault] = verify_part(to_file(tables[:-1], short), SEALS, head)
    assert "does not end as its anchor says" in fault.detail


def test_what_all_rows_share_is_covered_too() -> None:
    tables, metadata, _ = make_part()
    other = metadata._replace(shared={**metadata.shared, "model_version": "w"})
    faults = verify_part(to_file(tables, other), SEALS)
    assert [fault.row for fault in faults] == [1, 26, 51, 76]


def test_another_key_and_files_that_hold_no_records_are_told() -> None:
    tables, metadata, _ = make_part()
    [fault] = verify_part(to_file(tables, metadata), {})
    assert fault.detail == "made with a key that is not in DECISION_LOG_KEY"
    assert "not readable" in verify_part(io.BytesIO(b"no parquet"), SEALS)[0].detail
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), buffer)
    buffer.seek(0)
    assert verify_part(buffer, SEALS)[0].detail == "edited: it has no metadata of records"


def test_salts_and_commitments_repeat_for_the_same_rows_and_differ_for_others() -> None:
    salts, other = SaltSource(b"secret", SHARED), SaltSource(b"secret", SHARED | {"part": 1})
    assert np.array_equal(salts.draw(0, 3), salts.draw(0, 3))
    assert not np.array_equal(salts.draw(0, 3), other.draw(0, 3))
    assert not np.array_equal(salts.draw(0, 3), salts.draw(1, 3))


def test_minus_zero_and_every_nan_are_hashed_alike() -> None:
    rows = content(0)
    zero = replace(rows, inputs={"income": np.zeros(BLOCK_ROWS), "home": rows.inputs["home"]})
    minus = replace(zero, inputs={"income": -np.zeros(BLOCK_ROWS), "home": -rows.inputs["home"]})
    chain = BlockChain(SEAL, SHARED)
    salts = SaltSource(b"secret", SHARED)
    first = record_block(chain, salts, zero).commitments
    again = record_block(BlockChain(SEAL, SHARED), salts, minus).commitments
    assert np.array_equal(first, again)
    assert (
        json.loads(RecordMetadata(SHARED, "", "", [], has_ratings=False).to_json())["shared"]
        == SHARED
    )
