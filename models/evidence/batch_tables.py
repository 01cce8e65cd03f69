"""Decision records of a batch as an Arrow table, and back: the layout of `records-*.parquet`.

Each row group of the file is a block of the part's chain. What all rows share, and the links, stand
in the metadata of the file under `surety`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.contract import CreditModel
from models.decision_columns import DECISIONS, DecidedColumns, list_ratings
from models.evidence.batch_records import (
    DIGEST_BYTES,
    SALT_BYTES,
    BatchShared,
    BlockContent,
    BlockRecords,
)
from models.policy import RISK_LEVELS
from models.score_scale import Bands

METADATA_KEY = "surety"
PERSONAL = ("salt", "applicant", "inputs", "features")


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """The columns of the records of a model."""

    model: type[CreditModel]
    bands: Bands | None
    inputs: tuple[str, ...]
    features: int
    has_reasons: bool
    has_applicants: bool

    def schema(self) -> pa.Schema:
        """Return the columns and their types."""
        words = pa.dictionary(pa.int8(), pa.string())
        fields: list[tuple[str, pa.DataType]] = [
            ("decision_id", pa.string()),
            ("row", pa.int64()),
            ("probability_of_default", pa.float64()),
            ("credit_score", pa.int64()),
            ("risk_level", words),
            ("decision", words),
        ]
        fields += [("rating", words)] if self.bands else []
        fields += [("reasons", pa.string())] if self.has_reasons else []
        fields.append(("commitment", pa.binary(DIGEST_BYTES)))
        fields.append(("salt", pa.binary(SALT_BYTES)))
        fields += [("applicant", pa.string())] if self.has_applicants else []
        fields += [(f"input.{name}", pa.float64()) for name in self.inputs]
        fields.append(("features", pa.binary(4 * self.features)))
        return pa.schema(fields)

    def build(
        self, batch: str, content: BlockContent, records: BlockRecords
    ) -> dict[str, pa.Array]:
        """Return the columns of a block."""
        columns = decision_columns(content.decided, self.bands)
        features = content.matrix.astype("<f4")
        return {
            "decision_id": decision_ids(batch, content.rows),
            "row": pa.array(content.rows),
            **columns,
            **({"reasons": pa.array(content.reasons)} if content.reasons is not None else {}),
            "commitment": binary_column(records.commitments),
            "salt": binary_column(records.salts),
            **({"applicant": _texts(content.applicants)} if self.has_applicants else {}),
            **{f"input.{name}": number_column(column) for name, column in content.inputs.items()},
            "features": binary_column(features.view(np.uint8).reshape(len(features), -1)),
        }


def decision_columns(decided: DecidedColumns, bands: Bands | None) -> dict[str, pa.Array]:
    """Return the columns of outcomes, which results and records share."""
    levels = [RISK_LEVELS[decision] for decision in DECISIONS]
    columns = {
        "probability_of_default": pa.array(decided.probabilities),
        "credit_score": pa.array(decided.credit_scores),
        "risk_level": word_column(decided.decisions, levels),
        "decision": word_column(decided.decisions, DECISIONS),
    }
    if bands is not None and decided.ratings is not None:
        columns["rating"] = word_column(decided.ratings, list_ratings(bands))
    return columns


def decision_ids(batch: str, rows: NDArray[np.int64]) -> pa.Array:
    """Return the decision id of each row: the batch's name and the number of the row."""
    numbers = pa.array(rows).cast(pa.string())
    return pa.compute.binary_join_element_wise(batch, numbers, "-")


def word_column(codes: NDArray[np.int8], words: Sequence[str]) -> pa.Array:
    """Return words by their codes."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(words)))


def number_column(column: NDArray[np.float64]) -> pa.Array:
    """Return numbers, with NaN as an absent value."""
    return pa.array(column, from_pandas=True)


def binary_column(rows: NDArray[np.uint8]) -> pa.Array:
    """Return each row of bytes as one value."""
    width = rows.shape[1]
    buffer = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(rows), [None, buffer])


def _texts(values: Sequence[str | None] | None) -> pa.Array:
    return pa.array(values or [], pa.string())


class RecordMetadata(NamedTuple):
    """What the metadata of a file of records has.

    `erasures` are when a row was erased, and the mark of who could, by the row's number. A file
    from which nothing was erased has none.
    """

    shared: BatchShared
    key: str
    chain: str
    links: list[str]
    has_ratings: bool
    erasures: Mapping[str, list[str]] = MappingProxyType({})

    def to_json(self) -> str:
        """Write it as the value of `METADATA_KEY`."""
        return json.dumps({**self._asdict(), "erasures": dict(self.erasures)})


def metadata_from_file(members: Mapping[bytes, bytes] | None) -> RecordMetadata | None:
    """Read the metadata of a Parquet file, or return None if it is none of records."""
    text = (members or {}).get(METADATA_KEY.encode())
    try:
        metadata = RecordMetadata(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return None
    return metadata if metadata and isinstance(metadata.erasures, Mapping) else None


class RowSet(NamedTuple):
    """The rows of a block as they were read: their content, salts and commitments.

    `erased` masks rows whose personal part is gone. `derived` masks those whose id and level are
    not what follows from their number and decision.
    """

    content: BlockContent
    salts: NDArray[np.uint8]
    commitments: NDArray[np.uint8]
    erased: NDArray[np.bool_]
    derived: NDArray[np.bool_]


def read_block(table: pa.Table, metadata: RecordMetadata) -> RowSet:
    """Read the rows of a block back.

    Raises
    ------
    KeyError, ValueError, pa.ArrowException
        If it does not have the layout of records.
    """
    table = table.combine_chunks()
    shared = metadata.shared
    decisions = _codes(table, "decision", DECISIONS)
    ratings = table["rating"].to_pylist() if metadata.has_ratings else None
    decided = DecidedColumns(
        table["probability_of_default"].to_numpy(),
        table["credit_score"].to_numpy(),
        decisions,
        _rating_codes(shared, ratings) if ratings is not None else None,
    )
    has_reasons = "reasons" in table.column_names
    content = BlockContent(
        rows=table["row"].to_numpy(),
        decided=decided,
        inputs={n: _numbers(table, f"input.{n}") for n in shared["inputs"]},
        matrix=_bytes(table, "features").view("<f4").astype(np.float64),
        applicants=table["applicant"].to_pylist() if "applicant" in table.column_names else None,
        reasons=table["reasons"].to_pylist() if has_reasons else None,
    )
    erased = table["salt"].is_null().to_numpy()
    ids = decision_ids(shared["batch"], content.rows).to_pylist()
    levels = [RISK_LEVELS[DECISIONS[code]] for code in decisions.tolist()]
    derived = [
        pair != expected
        for pair, expected in zip(
            zip(table["decision_id"].to_pylist(), table["risk_level"].to_pylist(), strict=True),
            zip(ids, levels, strict=True),
            strict=True,
        )
    ]
    salts, commitments = _bytes(table, "salt"), _bytes(table, "commitment")
    return RowSet(content, salts, commitments, erased, np.array(derived, bool))


def _codes(table: pa.Table, name: str, words: Sequence[str]) -> NDArray[np.int8]:
    codes = [words.index(word) for word in table[name].to_pylist()]
    return np.array(codes, np.int8)


def _rating_codes(shared: BatchShared, ratings: Sequence[str]) -> NDArray[np.int8]:
    return np.array([shared["ratings"].index(rating) for rating in ratings], np.int8)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _bytes(table: pa.Table, name: str) -> NDArray[np.uint8]:
    values: list[Any] = table[name].to_pylist()
    width = table.schema.field(name).type.byte_width
    data = b"".join(value or bytes(width) for value in values)
    return np.frombuffer(data, np.uint8).reshape(len(values), width)
