"""Verification of one part of a run: its records, and what else was written of the same rows."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from functions.batch.anchors import UNANCHORED, PartAnchor
from functions.batch.runs import sha256_hex
from functions.batch.sources import FilePart
from models.errors import ObjectMissingError
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Seal
from models.stores.store import OpenedStore

SAME_COLUMNS = (
    *("decision_id", "probability_of_default", "credit_score", "risk_level", "decision"),
    "rating",
)
# The others were read when each row was verified.
READ_COLUMNS = ["row", "salt", *SAME_COLUMNS]
NOTHING = sha256_hex(b"")


class PartFault(NamedTuple):
    """What is wrong with an object, or with a row of the file that was scored; row 0 is all."""

    object: str
    row: int
    detail: str


@dataclass(slots=True)
class PartCheck:
    """The verification of one part.

    `names` are the objects that it has; `rows` and `summary` are those of its records, once they
    were read, and its summary as anchored.
    """

    store: OpenedStore
    folder: str
    part: FilePart
    anchor: PartAnchor | None
    names: set[str] = field(default_factory=set)
    rows: int = 0
    summary: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Name the objects."""
        has_faults = self.anchor is None or self.anchor.sha256.get("faults") != NOTHING
        kinds = ("records", "results", "summary", *(("faults",) if has_faults else ()))
        self.names = {self._name(kind) for kind in kinds}

    def find_faults(self, seals: Mapping[str, Seal]) -> list[PartFault]:
        """Check records, results, refused rows and summary."""
        faults = []
        if self.anchor is None:
            faults.append(PartFault(self._name("records"), 0, UNANCHORED))
        summary = self._read("summary", faults)
        refused = self._read("faults", faults)
        results, records = self._read("results", faults), self._read("records", faults)
        self._check_hashes(summary, refused, faults)
        if records is None:
            return faults
        head = self.anchor.head if self.anchor else None
        name = self._name("records")
        faults += [
            PartFault(name, fault.row, fault.detail)
            for fault in verify_part(io.BytesIO(records), seals, head)
        ]
        try:
            table = pq.ParquetFile(io.BytesIO(records)).read(columns=READ_COLUMNS)
            numbers = table["row"].to_numpy()
        except (pa.ArrowException, OSError, KeyError):
            return [*faults, PartFault(name, 0, "edited: its rows cannot be compared")]
        self.rows = len(numbers)
        faults += self._check_numbers(numbers, refused)
        if results is not None:
            faults += self._check_results(results, table)
        return faults

    def _name(self, kind: str) -> str:
        stem, end = {
            "records": ("records", "parquet"),
            "results": ("part", "parquet"),
            "faults": ("faults", "jsonl"),
            "summary": ("summary", "json"),
        }[kind]
        return f"{self.folder}/{stem}-{self.part.number:05d}.{end}"

    def _read(self, kind: str, faults: list[PartFault]) -> bytes | None:
        """Return an object, empty if there should be none; one that is missing is a fault."""
        name = self._name(kind)
        if name not in self.names:
            return b""
        try:
            data: bytes = self.store.download(name)
        except ObjectMissingError:
            if kind != "faults" or self.anchor:
                faults.append(PartFault(name, 0, "removed: there is no object of this name"))
            return None
        return data

    def _check_hashes(
        self, summary: bytes | None, refused: bytes | None, faults: list[PartFault]
    ) -> None:
        expected = self.anchor.sha256 if self.anchor else {}
        for kind, data in (("summary", summary), ("faults", refused)):
            if data is not None and sha256_hex(data) != expected.get(kind):
                detail = "edited: it is not what was anchored"
                faults += [PartFault(self._name(kind), 0, detail)] if self.anchor else []
            elif kind == "summary" and data is not None:
                self.summary = json.loads(data)

    def _check_numbers(
        self, numbers: NDArray[np.int64], refused: bytes | None
    ) -> Iterator[PartFault]:
        """Compare the rows that are recorded with those that are neither that nor refused."""
        name, part = self._name("records"), self.part
        for number in (numbers[1:][np.diff(numbers) <= 0]).tolist():
            yield PartFault(name, number, "moved or repeated: rows ascend")
        if refused is None:
            return
        try:
            refusals = {int(json.loads(line)["row"]) for line in refused.splitlines()}
        except (ValueError, KeyError, TypeError):
            return  # its hash differs
        expected = set(range(part.rows_before + 1, part.rows_before + part.rows + 1)) - refusals
        present = set(numbers.tolist())
        for first, last in _ranges(sorted(expected - present)):
            yield PartFault(name, first, f"removed: rows {first} to {last} have no record")
        for first, last in _ranges(sorted(present - expected)):
            yield PartFault(name, first, f"added: rows {first} to {last} are none of this part")

    def _check_results(self, data: bytes, records: pa.Table) -> Iterator[PartFault]:
        """Compare results with the anchored hash; if they differ, with the records, row by row.

        Rows whose personal part was erased from the records may be erased here too.
        """
        name, expected = self._name("results"), self.anchor.sha256 if self.anchor else {}
        if sha256_hex(data) == expected.get("results"):
            return
        try:
            results = pq.read_table(io.BytesIO(data))
            differing = _differing_rows(results, records)
        except (pa.ArrowException, OSError, KeyError) as error:
            yield PartFault(name, 0, f"edited: not readable as results: {type(error).__name__}")
            return
        erased = set(records.filter(records["salt"].is_null())["row"].to_pylist())
        for row in sorted(differing - erased):
            yield PartFault(name, row, "edited: the results are not those of the records")
        if self.anchor and not erased and not differing:
            yield PartFault(name, 0, "edited: decisions are those of the records, other bytes not")


def _differing_rows(results: pa.Table, records: pa.Table) -> set[int]:
    """Return the rows of which results and records do not say the same."""
    names = ["row", *(n for n in SAME_COLUMNS if n in records.column_names)]
    recorded, written = (
        {values[0]: values for values in zip(*(t[n].to_pylist() for n in names), strict=True)}
        for t in (records, results)
    )
    return {
        row for row in recorded.keys() | written.keys() if recorded.get(row) != written.get(row)
    }


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of neighbours."""
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(numbers)) if b != a + 1)]
    for start, end in zip(starts, [*starts[1:], len(numbers)], strict=True):
        if numbers:
            yield numbers[start], numbers[end - 1]
