"""One part of a file: read, validated, decided, recorded, and written as the bytes of its objects.

The same plan gives the same bytes, however often a part is scored and wherever.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.batch.plans import RunPlan, batch_name, read_columns
from functions.batch.rows import CellFault, RowValidator, ValidRows
from functions.batch.sources import Chunk, FilePart, InputFile
from models.contract import CreditModel, characteristics, contract_hash, name_from_model
from models.decision_columns import DECISIONS, DecidedColumns, decide_columns, list_ratings
from models.errors import SuretyError
from models.evidence.batch_records import (
    BATCH_RECORD_VERSION,
    BatchShared,
    BlockChain,
    BlockContent,
    SaltSource,
    record_block,
)
from models.evidence.batch_tables import (
    METADATA_KEY,
    RecordLayout,
    RecordMetadata,
    decision_columns,
    decision_ids,
)
from models.evidence.entries import CONTRACT_DIGITS, recorded_fields
from models.evidence.hash_chain import Head, Seal
from models.features import Matrix, columns_from_fields, features, matrix_from_columns
from models.reasons import AdverseReason
from models.registry.serving import LoadedVersion

COMPRESSION = "snappy"
SCORE_BIN = 20  # points
FIRST_FAULTS = 3  # rows that a summary lists for each rule
Texts = Sequence[str | None]

REASON = pa.struct([("code", pa.string()), ("text", pa.string()), ("points", pa.float64())])


class StoppedError(SuretyError):
    """The task was asked to stop; what it has not finished is scored when it is started again."""


@dataclass(frozen=True)
class PartScorer:
    """Scores the parts of a plan.

    `must_stop` is asked before every chunk. `advance` hears of the rows of each.
    """

    plan: RunPlan
    file: InputFile
    model: type[CreditModel]
    loaded: LoadedVersion
    seal: Seal
    must_stop: Callable[[], bool] = lambda: False
    advance: Callable[[int], None] = lambda _rows: None

    def score(self, part: FilePart) -> "ScoredPart":
        """Score a part.

        Raises
        ------
        DataError
            If the file cannot be read.
        StoppedError
            If the task must stop.
        """
        writer = _PartWriter(self, part)
        rows = self.file.read(part, read_columns(self.plan, self.model))
        writer.faults += [
            {"row": f.row, "field": "the row", "rule": f.rule} for f in rows.misshapen
        ]
        for chunk in rows.chunks:
            if self.must_stop():
                message = "the task was asked to stop"
                raise StoppedError(message)
            writer.add(chunk, self.validator.validate(chunk.batch))
            self.advance(chunk.batch.num_rows)
        if rows.lines is not None:
            for fault in writer.faults:
                fault["line"] = int(rows.lines[fault["row"] - part.rows_before - 1])
        return writer.finish()

    @cached_property
    def validator(self) -> RowValidator:
        """What checks the rows."""
        return RowValidator(self.model, self.plan.columns, self.file.dialect)

    @cached_property
    def layout(self) -> RecordLayout:
        """The columns of the records."""
        is_keyed = self.plan.salt_secret is None
        return RecordLayout(
            model=self.model,
            bands=self.loaded.scorer.bands,
            inputs=recorded_fields(self.model),
            features=len(features(self.model)),
            has_reasons=self.plan.request.reasons != "none",
            has_applicants=is_keyed and any(c.identifier for c in characteristics(self.model)),
        )

    def share(self, part: FilePart) -> BatchShared:
        """Return what all records of a part have in common."""
        plan = self.plan
        recorded = set(self.layout.inputs)
        bands = self.loaded.scorer.bands
        return {
            "record_version": BATCH_RECORD_VERSION,
            "decided_at": plan.decided_at.isoformat(),
            "batch": batch_name(plan),
            "run": plan.nonce,
            "object": plan.object,
            "generation": plan.generation,
            "part": part.number,
            "model": name_from_model(self.model),
            "model_version": plan.version.version,
            "contract": contract_hash(self.model)[:CONTRACT_DIGITS],
            "withheld": sorted(set(self.model.model_fields) - recorded),
            "inputs": list(self.layout.inputs),
            "features": [feature.name for feature in features(self.model)],
            "ratings": list(list_ratings(bands)) if bands else [],
        }

    def result_schema(self, repeated: pa.Schema) -> pa.Schema:
        """Return the columns of the results; `repeated` are those of the file among them."""
        records = self.layout.schema()
        identifiers = [c.name for c in characteristics(self.model) if c.identifier]
        fields = [("row", pa.int64()), *((name, pa.string()) for name in identifiers)]
        fields += [(name, repeated.field(name).type) for name in self.plan.request.keep]
        shared = ("decision_id", "probability_of_default", "credit_score", "risk_level")
        fields += [(name, records.field(name).type) for name in (*shared, "decision")]
        fields += [("rating", records.field("rating").type)] if self.loaded.scorer.bands else []
        fields += [("reasons", pa.list_(REASON))] if self.layout.has_reasons else []
        return pa.schema(fields)


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """The objects of a part, its counts, and the name and end of its chain.

    `faults` is one JSON object a line, empty if every row was scored.
    """

    results: bytes
    records: bytes
    faults: bytes
    summary: dict[str, Any]
    chain: str
    head: Head | None


@dataclass
class _PartWriter:
    """Collects the chunks of a part."""

    scorer: PartScorer
    part: FilePart
    faults: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    scores: Counter[int] = field(default_factory=Counter)
    probabilities: float = 0.0

    def __post_init__(self) -> None:
        scorer = self.scorer
        self._shared = scorer.share(self.part)
        secret = scorer.seal.salt_secret or bytes.fromhex(scorer.plan.salt_secret or "")
        self._salts = SaltSource(secret, self._shared)
        self._chain = BlockChain(scorer.seal, self._shared)
        self._records = io.BytesIO()
        self._results = io.BytesIO()
        self._record_writer = _open_writer(self._records, scorer.layout.schema())
        self._result_writer: pq.ParquetWriter | None = None

    def add(self, chunk: Chunk, rows: ValidRows) -> None:
        """Decide on the rows of a chunk, and record them."""
        self.faults += [_fault_from_cell(fault, chunk.first_row) for fault in rows.faults]
        repeated = chunk.batch.select(list(self.scorer.plan.request.keep))
        if self._result_writer is None:
            self._result_writer = self._open_results(repeated.schema)
        if not len(rows.row_indices):
            return
        decided, matrix, reasons = self._decide(rows)
        content = BlockContent(
            rows=rows.row_indices.astype(np.int64) + chunk.first_row,
            decided=decided,
            inputs={name: rows.fields[name] for name in self.scorer.layout.inputs},
            matrix=matrix,
            applicants=self._name_applicants(rows),
            reasons=None if reasons is None else [_join_codes(r) for r in reasons],
        )
        records = record_block(self._chain, self._salts, content)
        batch, schema = self._shared["batch"], self.scorer.layout.schema()
        columns = self.scorer.layout.build(batch, content, records)
        self._record_writer.write_batch(_batch_from_columns(columns, schema), len(content.rows))
        self._write_results(content, rows, repeated, reasons)
        self._count(decided)

    def finish(self) -> ScoredPart:
        """Close the files."""
        bands = self.scorer.loaded.scorer.bands
        metadata = RecordMetadata(
            self._shared, self._chain.seal.name, self._chain.name, self._chain.links, bool(bands)
        )
        self._record_writer.add_key_value_metadata({METADATA_KEY: metadata.to_json()})
        self._record_writer.close()
        keep = self.scorer.plan.request.keep
        absent = pa.schema([(name, pa.string()) for name in keep])  # of a part without a chunk
        (self._result_writer or self._open_results(absent)).close()
        ordered = sorted(self.faults, key=lambda fault: (fault["row"], fault["field"]))
        return ScoredPart(
            results=self._results.getvalue(),
            records=self._records.getvalue(),
            faults=b"".join(json.dumps(fault).encode() + b"\n" for fault in ordered),
            summary=self._summarise(ordered),
            chain=self._chain.name,
            head=self._chain.head,
        )

    def _open_results(self, repeated: pa.Schema) -> pq.ParquetWriter:
        return _open_writer(self._results, self.scorer.result_schema(repeated))

    def _decide(
        self, rows: ValidRows
    ) -> tuple[DecidedColumns, Matrix, list[tuple[AdverseReason, ...] | None] | None]:
        scorer = self.scorer.loaded.scorer
        columns = columns_from_fields(self.scorer.model, _scored_fields(self.scorer.model, rows))
        matrix = matrix_from_columns(self.scorer.model, columns)
        decided = decide_columns(scorer, matrix)
        wanted = self.scorer.plan.request.reasons
        if wanted == "none":
            return decided, matrix, None
        is_explained = np.ones(len(matrix), bool) if wanted == "all" else decided.decisions > 0
        reasons: list[tuple[AdverseReason, ...] | None] = [None] * len(matrix)
        indices = np.flatnonzero(is_explained)
        if len(indices):
            selected = {name: column[indices] for name, column in columns.items()}
            for i, selection in zip(
                indices.tolist(), scorer.explain_rows(selected, matrix[indices]), strict=True
            ):
                reasons[i] = selection
        return decided, matrix, reasons

    def _name_applicants(self, rows: ValidRows) -> Texts | None:
        if not self.scorer.layout.has_applicants:
            return None
        names = zip(*rows.identifiers.values(), strict=True)
        return [self.scorer.seal.pseudonym(next(filter(None, row), None)) for row in names]

    def _write_results(
        self,
        content: BlockContent,
        rows: ValidRows,
        repeated: pa.RecordBatch,
        reasons: list[tuple[AdverseReason, ...] | None] | None,
    ) -> None:
        if self._result_writer is None:
            return
        taken = repeated
        if len(rows.row_indices) < repeated.num_rows:
            taken = repeated.take(pa.array(rows.row_indices))
        columns: dict[str, pa.Array] = {
            "row": pa.array(content.rows),
            **{name: pa.array(texts, pa.string()) for name, texts in rows.identifiers.items()},
            **{name: taken.column(name) for name in self.scorer.plan.request.keep},
            "decision_id": decision_ids(self._shared["batch"], content.rows),
            **decision_columns(content.decided, self.scorer.loaded.scorer.bands),
        }
        if reasons is not None:
            columns["reasons"] = pa.array([_render(r) for r in reasons], pa.list_(REASON))
        batch = _batch_from_columns(columns, self._result_writer.schema)
        self._result_writer.write_batch(batch, batch.num_rows)

    def _count(self, decided: DecidedColumns) -> None:
        counts = np.bincount(decided.decisions, minlength=len(DECISIONS)).tolist()
        self.counts.update(dict(zip(DECISIONS, counts, strict=True)))
        bins, sizes = np.unique(decided.credit_scores // SCORE_BIN, return_counts=True)
        starts = (SCORE_BIN * bins).tolist()
        self.scores.update(dict(zip(starts, sizes.tolist(), strict=True)))
        self.probabilities += float(decided.probabilities.sum())

    def _summarise(self, faults: Sequence[dict[str, Any]]) -> dict[str, Any]:
        rules: dict[str, list[int]] = {}
        for fault in faults:
            rules.setdefault(f"{fault['field']}: {fault['rule']}", []).append(fault["row"])
        faulty = len({fault["row"] for fault in faults})
        head = self._chain.head
        return {
            "part": self.part.number,
            "rows": self.part.rows,
            "scored": sum(self.counts.values()),
            "faulty": faulty,
            "decisions": {name: self.counts[name] for name in DECISIONS},
            "scores": {str(start): self.scores[start] for start in sorted(self.scores)},
            "sum_of_probabilities": self.probabilities,
            "faults": {
                rule: {"rows": len(set(rows)), "first_rows": sorted(set(rows))[:FIRST_FAULTS]}
                for rule, rows in sorted(rules.items())
            },
            "head": str(head) if head else None,
        }


def _open_writer(buffer: io.BytesIO, schema: pa.Schema) -> pq.ParquetWriter:
    # Values that differ in every row gain nothing from a dictionary, and cost one.
    words = [f.name for f in schema if pa.types.is_dictionary(f.type)]
    return pq.ParquetWriter(
        buffer,
        schema,
        compression=COMPRESSION,
        use_dictionary=words,
        write_statistics=False,
        store_schema=True,
    )


def _batch_from_columns(columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _scored_fields(model: type[CreditModel], rows: ValidRows) -> dict[str, Any]:
    names = {c.name for c in characteristics(model) if not c.protected and c.compute is None}
    return {name: column for name, column in rows.fields.items() if name in names}


def _fault_from_cell(fault: CellFault, first_row: int) -> dict[str, Any]:
    kind = {"cell": fault.kind} if fault.kind else {}
    return {
        "row": first_row + fault.row_index,
        "field": fault.field,
        "rule": fault.rule,
        **kind,
    }


def _join_codes(reasons: tuple[AdverseReason, ...] | None) -> str:
    return ",".join(reason.code for reason in reasons or ())


def _render(reasons: tuple[AdverseReason, ...] | None) -> list[dict[str, Any]] | None:
    """Render reasons as the service does."""
    if reasons is None:
        return None
    return [{"code": r.code, "text": r.text, "points": round(r.points, 1) + 0.0} for r in reasons]
