"""Decision records of a batch: by columns, one commitment a row, one link of the chain a block.

A record of a request is a line of JSON, which costs more than its decision. A batch writes columns
instead, with the same evidence. Each row has its own decision id, salt and commitment, so that it
can be named, replayed, and erased. The rows of a block share one link, an HMAC over the blocks
before it, what all rows have in common, and each row's outcome and commitment. The last link of a
part is its head, which is anchored.

Numbers are hashed as their bytes, little-endian, not as text: nothing rewrites a Parquet file.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json
from typing_extensions import TypedDict

from models.annotations import Column, Columns
from models.decision_columns import DecidedColumns
from models.evidence.hash_chain import Head, Seal
from models.features import Matrix

BATCH_RECORD_VERSION = 1
SALT_BYTES = 16
DIGEST_BYTES = 32
CHAIN_DIGITS = 16
NO_APPLICANT = "0" * 32

Bytes2D = NDArray[np.uint8]


class BatchShared(TypedDict):
    """What all records of a part have in common, in the order in which links cover it."""

    record_version: int
    decided_at: str
    batch: str
    run: str
    object: str
    generation: str
    part: int
    model: str
    model_version: str
    contract: str
    withheld: list[str]
    inputs: list[str]
    features: list[str]
    ratings: list[str]


@dataclass(frozen=True, slots=True)
class BlockContent:
    """The rows of a block, by column.

    `rows` are numbers in the object, from 1. `inputs` are the recorded fields: levels by code, NaN
    where absent. `applicants` are pseudonyms of 32 hex digits, or None; `reasons` are the codes of
    a row joined by commas, or None if none were asked for.
    """

    rows: NDArray[np.int64]
    decided: DecidedColumns
    inputs: Columns
    matrix: Matrix
    applicants: Sequence[str | None] | None = None
    reasons: Sequence[str] | None = None


class BlockRecords(NamedTuple):
    """What is written of a block beside its content, and its link."""

    salts: Bytes2D
    commitments: Bytes2D
    link: str


class SaltSource:
    """Salts of the rows of a part: the same whenever the part is scored again.

    The seed is an HMAC over object, generation and part, keyed by the seal. SHAKE-256 expands it to
    16 bytes for each row, in order.
    """

    def __init__(self, secret: bytes, shared: BatchShared) -> None:
        names = to_json([shared["object"], shared["generation"], shared["part"]])
        self._seed = hmac.digest(secret, b"batch salts" + names, "sha256")

    def draw(self, block: int, count: int) -> Bytes2D:
        """Return the salts of a block's rows, shape `(count, 16)`."""
        shake = hashlib.shake_256(self._seed + block.to_bytes(8, "little"))
        salts = np.frombuffer(shake.digest(SALT_BYTES * count), np.uint8)
        return salts.reshape(count, SALT_BYTES)


class BlockChain:
    """The blocks of one part, in order. Its name derives from the part: it has one content."""

    def __init__(self, seal: Seal, shared: BatchShared) -> None:
        self.seal = seal
        self.name = chain_name(
            shared["run"], shared["object"], shared["generation"], shared["part"]
        )
        self.links: list[str] = []
        self._shared = hashlib.sha256(to_json(shared)).digest()

    @property
    def head(self) -> Head | None:
        """The end of the chain, once it has a block."""
        return Head(self.name, len(self.links) - 1, self.links[-1]) if self.links else None

    def extend(self, content: BlockContent, commitments: Bytes2D) -> str:
        """Return the link of the next block."""
        previous = self.links[-1] if self.links else ""
        position = to_json([self.seal.name, self.name, len(self.links), previous])
        own = _own_bytes(content)
        reasons = "\n".join(content.reasons or ()).encode()
        parts = (self._shared, position, own.tobytes(), commitments.tobytes(), reasons)
        link = self.seal.link(b"".join(parts))
        self.links.append(link)
        return link


def chain_name(run: str, object_name: str, generation: str, part: int) -> str:
    """Name the chain of a part."""
    identity = to_json([run, object_name, generation, part])
    return hashlib.sha256(identity).hexdigest()[:CHAIN_DIGITS]


def record_block(chain: BlockChain, salts: SaltSource, content: BlockContent) -> BlockRecords:
    """Commit to each row of a block, and add the block to its chain."""
    drawn = salts.draw(len(chain.links), len(content.rows))
    commitments = commit_rows(drawn, content)
    return BlockRecords(drawn, commitments, chain.extend(content, commitments))


def commit_rows(salts: Bytes2D, content: BlockContent) -> Bytes2D:
    """Compute the commitment of each row, shape `(n, 32)`.

    It binds the row's salt, applicant, inputs, features, outcome and reasons. Nobody without the
    salt can try what was erased.
    """
    count = len(content.rows)
    parts = [salts, _own_bytes(content), _applicant_bytes(content)]
    parts += [_float_bytes(column, "<f8") for column in content.inputs.values()]
    parts.append(_float_bytes(content.matrix, "<f4"))
    table = np.concatenate(parts, axis=1)
    data, width = memoryview(table.tobytes()), table.shape[1]
    ends = range(width, width * count + 1, width)
    sha256 = hashlib.sha256
    if content.reasons is None:
        digests = [sha256(data[end - width : end]).digest() for end in ends]
    else:
        digests = [
            sha256(b"".join((data[end - width : end], codes.encode()))).digest()
            for end, codes in zip(ends, content.reasons, strict=True)
        ]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(count, DIGEST_BYTES)


def _own_bytes(content: BlockContent) -> Bytes2D:
    """Write the place and the outcome of each row as bytes of one width."""
    decided = content.decided
    columns = [
        _view_bytes(content.rows.astype("<i8")),
        _float_bytes(decided.probabilities, "<f8"),
        _view_bytes(decided.credit_scores.astype("<i8")),
        _view_bytes(decided.decisions.astype("<i1")),
    ]
    if decided.ratings is not None:
        columns.append(_view_bytes(decided.ratings.astype("<i1")))
    return np.concatenate(columns, axis=1)


def _applicant_bytes(content: BlockContent) -> Bytes2D:
    if content.applicants is None:
        return np.empty((len(content.rows), 0), np.uint8)
    digits = "".join(name or NO_APPLICANT for name in content.applicants)
    return np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(len(content.rows), -1)


def _float_bytes(values: Matrix | Column, kind: str) -> Bytes2D:
    """Write numbers one way: every NaN alike, and 0.0 for -0.0."""
    floats = values.astype(kind) + 0.0
    floats[np.isnan(floats)] = np.nan
    return _view_bytes(floats)


def _view_bytes(values: NDArray[np.generic]) -> Bytes2D:
    flat = np.ascontiguousarray(values).view(np.uint8)
    return flat.reshape(len(values), -1)
