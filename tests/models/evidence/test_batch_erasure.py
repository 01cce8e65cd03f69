"""Rows erased from records of a batch: their data is gone, the rest verifies, a forger is found."""

import io
import json

import pyarrow.parquet as pq
import pytest

from models.errors import DataError
from models.evidence.batch_erasure import RowSelection, erase_rows
from models.evidence.batch_tables import METADATA_KEY, metadata_from_file
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Head, Seal
from tests.models.evidence.test_batch_verification import (
    BLOCK_ROWS,
    BLOCKS,
    SEAL,
    SEALS,
    edited,
    make_part,
    to_file,
)

ERASED_AT = "2026-12-01T09:00:00+00:00"
PERSONAL = {"salt", "applicant", "input.income", "input.home", "features"}
ROWS = BLOCKS * BLOCK_ROWS


@pytest.fixture
def part() -> tuple[io.BytesIO, Head]:
    tables, metadata, head = make_part()
    return to_file(tables, metadata), head


def erase(file: io.BytesIO, *rows: int, **pseudonyms: str) -> tuple[io.BytesIO, list[int]]:
    selection = RowSelection(frozenset(rows), frozenset(pseudonyms.values()))
    data, numbers = erase_rows(file, selection, SEALS, ERASED_AT)
    return io.BytesIO(data), numbers


def test_the_data_of_a_row_is_gone_and_everything_else_is_as_it_was(
    part: tuple[io.BytesIO, Head],
) -> None:
    file, head = part
    before = pq.read_table(file).to_pylist()
    erased, numbers = erase(file, 30)
    assert numbers == [30]
    after = pq.read_table(erased).to_pylist()
    changed = [i + 1 for i in range(ROWS) if before[i] != after[i]]
    assert changed == [30]
    assert {name for name, value in after[29].items() if value is None} == PERSONAL
    assert pq.ParquetFile(erased).metadata.num_row_groups == BLOCKS
    assert verify_part(erased, SEALS, head) == []


def test_rows_of_an_applicant_are_found_by_pseudonym_and_others_by_number_in_turn(
    part: tuple[io.BytesIO, Head],
) -> None:
    file, head = part
    pseudonym = SEAL.pseudonym("applicant 7")
    assert pseudonym
    erased, numbers = erase(file, 99, name=pseudonym)
    assert numbers == [7, 99]
    again, more = erase(erased, 7, 8)
    assert more == [8]
    assert verify_part(again, SEALS, head) == []
    unchanged, none = erase(again, 7, 1_000)
    assert none == []
    assert verify_part(unchanged, SEALS, head) == []


def test_data_that_somebody_without_the_key_took_away_is_found_at_its_row() -> None:
    tables, metadata, head = make_part()
    erased, _ = erase(to_file(tables, metadata), 30)
    blocks = [pq.ParquetFile(erased).read_row_group(i) for i in range(BLOCKS)]
    faults = verify_part(to_file(blocks, metadata), SEALS, head)
    assert [(f.row, f.detail) for f in faults] == [
        (30, "edited: nothing proves that its data was erased")
    ]
    stranger = Seal("s" * 32)
    digest = blocks[1]["commitment"][4].as_py().hex()
    for entry in ([ERASED_AT, stranger.erasure(digest, ERASED_AT)], [ERASED_AT], "x", 5):
        forged = metadata._replace(erasures={"30": entry})  # type: ignore[dict-item]
        assert [f.row for f in verify_part(to_file(blocks, forged), SEALS, head)] == [30]


def test_the_outcome_of_an_erased_row_is_still_covered_by_its_block(
    part: tuple[io.BytesIO, Head],
) -> None:
    erased, _ = erase(part[0], 30)
    opened = pq.ParquetFile(erased)
    metadata = metadata_from_file(opened.metadata.metadata)
    assert metadata
    blocks = [opened.read_row_group(i) for i in range(BLOCKS)]
    blocks[1] = edited(blocks[1], 4, "probability_of_default")
    [fault] = verify_part(to_file(blocks, metadata), SEALS, part[1])
    assert fault.row == BLOCK_ROWS + 1
    assert "its link does not match its content" in fault.detail


def test_nothing_is_erased_from_a_part_that_was_edited() -> None:
    tables, metadata, _ = make_part()
    tables[0] = edited(tables[0], 2, "probability_of_default")
    with pytest.raises(DataError, match="--records: row 3: edited: its commitment does not match"):
        erase(to_file(tables, metadata), 30)


def test_a_part_from_before_erasures_has_none_and_members_of_another_kind_are_no_metadata() -> None:
    _, metadata, _ = make_part()
    document = json.loads(metadata.to_json())
    assert document.pop("erasures") == {}
    key = METADATA_KEY.encode()
    old = metadata_from_file({key: json.dumps(document).encode()})
    assert old
    assert old.erasures == {}
    assert metadata_from_file({key: json.dumps({**document, "erasures": 5}).encode()}) is None
