"""Verification of the records of a batch: whether a part is complete and unchanged, else where.

A row that was edited is named by its number. Of a row whose personal part was erased only the block
can be named: nothing else is left to compute its commitment from.
"""

from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.evidence.batch_records import BlockChain, commit_rows
from models.evidence.batch_tables import RowSet, metadata_from_file, read_block
from models.evidence.hash_chain import Head, Seal

ERASURE_MEMBERS = 2  # when, and the mark


class BatchFault(NamedTuple):
    """What is wrong with a row of the file that was scored; row 0 is the part as a whole."""

    row: int
    detail: str


def verify_part(
    file: BinaryIO, seals: Mapping[str, Seal], head: Head | None = None
) -> list[BatchFault]:
    """Check every row of a part by itself, every block's link, and the end against its head."""
    try:
        opened = pq.ParquetFile(file)
        metadata = metadata_from_file(opened.metadata.metadata)
    except (pa.ArrowException, OSError) as error:
        return [BatchFault(0, f"edited: not readable as Parquet: {error}")]
    if metadata is None:
        return [BatchFault(0, "edited: it has no metadata of records")]
    seal = seals.get(metadata.key)
    if seal is None:
        return [BatchFault(0, "made with a key that is not in DECISION_LOG_KEY")]
    chain = BlockChain(seal, metadata.shared)
    faults: list[BatchFault] = []
    if chain.name != metadata.chain:
        faults.append(BatchFault(0, "edited: its chain is not named as its part"))
    for block in range(opened.metadata.num_row_groups):
        try:
            rows = read_block(opened.read_row_group(block), metadata)
            faults += _check_block(chain, rows, block, metadata.links)
        except (pa.ArrowException, KeyError, ValueError, AttributeError) as error:
            faults.append(BatchFault(0, f"edited: block {block} is not of records: {error}"))
            continue
        faults += _check_erasures(seal, rows, metadata.erasures)
    return faults + _check_end(chain, metadata.links, head)


def _check_block(chain: BlockChain, rows: RowSet, block: int, links: list[str]) -> list[BatchFault]:
    computed = commit_rows(rows.salts, rows.content)
    is_wrong = (computed != rows.commitments).any(axis=1) & ~rows.erased | rows.derived
    numbers = rows.content.rows[np.flatnonzero(is_wrong)].tolist()
    faults = [
        BatchFault(number, "edited: its commitment does not match its content")
        for number in numbers
    ]
    link = chain.extend(rows.content, rows.commitments)
    written = links[block] if block < len(links) else None
    if link != written:
        first, last = rows.content.rows[0], rows.content.rows[-1]
        detail = f"block {block}, rows {first} to {last}: its link does not match its content"
        faults.append(BatchFault(int(first), f"edited: {detail}"))
        if written is not None:
            chain.links[-1] = written  # so that the blocks after it are judged by themselves
    return faults


def _check_erasures(seal: Seal, rows: RowSet, erasures: Mapping[str, object]) -> list[BatchFault]:
    """Check that a holder of the key erased what is missing: anybody could take it away."""
    faults = []
    for index in np.flatnonzero(rows.erased).tolist():
        number = int(rows.content.rows[index])
        erasure = erasures.get(str(number))
        is_proved = False
        if isinstance(erasure, list) and len(erasure) == ERASURE_MEMBERS:
            digest = rows.commitments[index].tobytes().hex()
            is_proved = seal.erasure(digest, str(erasure[0])) == erasure[1]
        if not is_proved:
            faults.append(BatchFault(number, "edited: nothing proves that its data was erased"))
    return faults


def _check_end(chain: BlockChain, links: list[str], head: Head | None) -> list[BatchFault]:
    if len(links) != len(chain.links):
        blocks = f"{len(chain.links)} blocks, and links of {len(links)}"
        return [BatchFault(0, f"cut: the part has {blocks}")]
    if head is None or chain.head == head:
        return []
    return [BatchFault(0, f"it does not end as its anchor says: {head}")]
