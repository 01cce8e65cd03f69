"""The lake: what arrived, as Parquet, created once and never changed.

    raw/<table>/day=<day>/load-<n>.parquet          the accepted rows of a load
    quarantine/<table>/day=<day>/load-<n>.parquet   the refused ones, with their reasons

A day may be loaded again, with late or corrected rows: that is its next load, and the last one
counts. The same rows again are no new load. A day without rows has no object.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.parquet as parquet_files

from models.errors import ObjectExistsError
from models.stores.store import OpenedStore
from training.pipeline.contract_check import RefusedRow

RAW, QUARANTINE = "raw", "quarantine"
QUARANTINE_SCHEMA = pa.schema(
    [("row", pa.int64()), ("reason", pa.string()), ("values", pa.string())]
)
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """One load of a table and a day: the name of its object and the sha256 of its bytes.

    Both are empty if the day has no rows and never had any.
    """

    name: str
    sha256: str
    is_new: bool


EMPTY = StoredLoad("", "", is_new=False)


@dataclass(frozen=True, slots=True)
class Lake:
    """The lake in a store."""

    store: OpenedStore

    def write(self, table: str, day: date, rows: pa.Table) -> StoredLoad:
        """Store the accepted rows of a day, unless the last load has the same."""
        return self._write(RAW, table, day, rows)

    def quarantine(self, table: str, day: date, refused: tuple[RefusedRow, ...]) -> StoredLoad:
        """Store refused rows with their values, which no log and no message repeats."""
        rows = pa.table(
            {
                "row": [row.number for row in refused],
                "reason": [row.reason for row in refused],
                "values": [json.dumps(dict(row.values), default=str) for row in refused],
            },
            QUARANTINE_SCHEMA,
        )
        return self._write(QUARANTINE, table, day, rows)

    def read(self, load_name: str) -> pa.Table:
        """Read the rows of a load."""
        return parquet_files.read_table(io.BytesIO(self.store.download(load_name)))

    def list_loads(self, table: str, day: date) -> list[str]:
        """Return the names of all loads of a day, oldest first."""
        return self.store.names(_prefix(RAW, table, day))

    def _write(self, kind: str, table: str, day: date, rows: pa.Table) -> StoredLoad:
        """Create the next load. Two runs at once get one number each."""
        prefix = _prefix(kind, table, day)
        names = self.store.names(prefix)
        if not names and not rows.num_rows:
            return EMPTY
        buffer = io.BytesIO()
        parquet_files.write_table(rows, buffer, compression="zstd")
        data = buffer.getvalue()
        sha256 = hashlib.sha256(data).hexdigest()
        for _ in range(ATTEMPTS):
            if names and self.store.download(names[-1]) == data:
                return StoredLoad(names[-1], sha256, is_new=False)
            name = f"{prefix}load-{len(names) + 1:04}.parquet"
            try:
                self.store.create(name, data)
            except ObjectExistsError:
                names = self.store.names(prefix)  # another run was faster: compare with its load
                continue
            return StoredLoad(name, sha256, is_new=True)
        raise ObjectExistsError(prefix)


def _prefix(kind: str, table: str, day: date) -> str:
    return f"{kind}/{table}/day={day.isoformat()}/"
