"""Replay: recorded decisions made again, by any version, from the features that were recorded."""

import math
from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from models.contract import CreditModel
from models.errors import ObjectMissingError
from models.evidence.entries import CONTRACT_DIGITS
from models.evidence.log_reader import DecisionLogError, LogLine, decisions_in
from models.features import Matrix
from models.registry.bundle import GOLDEN_TOLERANCE, bundle_from_bytes, scorer_from_bundle
from models.registry.serving import LoadedVersion
from models.registry.versions import read_by_name
from models.scorer import Decision
from models.stores.store import Store

BATCH_ROWS = 1_000

Record = Mapping[str, Any]


class Difference(NamedTuple):
    """A recorded decision, and what the version decides from the same features."""

    line: int
    record: Record
    decision: Decision


@dataclass(slots=True)
class Replay:
    """What a version decides on a log; `differences` are those in its own decisions."""

    replayed: int = 0
    skipped: int = 0
    flips: list[Difference] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def add(self, batch: Sequence[tuple[int, Record]], loaded: LoadedVersion) -> None:
        """Decide on a batch of records again."""
        if not batch:
            return
        matrix = _matrix_from_records(batch, len(loaded.manifest.features))
        decisions = loaded.scorer.decisions_from_matrix(matrix)
        self.replayed += len(batch)
        for difference in _find_differences(batch, decisions):
            if difference.decision.decision != difference.record["decision"]:
                self.flips.append(difference)
            if difference.record["model_version"] == loaded.version:
                self.differences.append(difference)


def load_by_name(
    store: Store, catalogue: Mapping[str, type[CreditModel]], models: Iterable[str], version: str
) -> LoadedVersion:
    """Load the version of this name, of whichever of the models has it.

    Raises
    ------
    DecisionLogError
        If none has.
    """
    for name in models:
        try:
            _, data = read_by_name(store, name, version)
        except ObjectMissingError:
            continue
        bundle = bundle_from_bytes(data)
        return LoadedVersion(version, bundle.manifest, scorer_from_bundle(bundle, catalogue[name]))
    message = f"no model with decisions in this log has a version {version}"
    raise DecisionLogError(message)


def replay(lines: Iterable[LogLine], loaded: LoadedVersion) -> Replay:
    """Decide again; records of other models or contracts, and erased ones, are skipped."""
    result = Replay()
    batch: list[tuple[int, Record]] = []
    for line in lines:
        for decision in decisions_in(line.record) if line.record else ():
            if not _is_replayable(decision, loaded):
                result.skipped += 1
                continue
            batch.append((line.number, decision))
            if len(batch) == BATCH_ROWS:
                result.add(batch, loaded)
                batch = []
    result.add(batch, loaded)
    return result


def _is_replayable(record: Record, loaded: LoadedVersion) -> bool:
    manifest = loaded.manifest
    return (
        record.get("model") == manifest.model
        and record.get("contract") == manifest.contract_hash[:CONTRACT_DIGITS]
        and isinstance(record.get("features"), str)
    )


def _find_differences(
    batch: Sequence[tuple[int, Record]], decisions: Sequence[Decision]
) -> Iterator[Difference]:
    for (line, record), decision in zip(batch, decisions, strict=True):
        is_same = (record["decision"], record["credit_score"]) == (
            decision.decision,
            round(decision.credit_score),
        )
        recorded = _log_odds(_read_probability(line, record))
        distance = abs(_log_odds(decision.probability_of_default) - recorded)
        if not is_same or distance > GOLDEN_TOLERANCE:
            yield Difference(line, record, decision)


def _matrix_from_records(batch: Sequence[tuple[int, Record]], width: int) -> Matrix:
    rows = []
    for line, record in batch:
        try:
            row = np.frombuffer(a2b_base64(record["features"], strict_mode=True), dtype="<f4")
        except ValueError as error:
            message = f"line {line}: its features are not readable; run `audit verify` on the log"
            raise DecisionLogError(message) from error
        if len(row) != width:
            message = f"line {line}: it has {len(row)} features, the version reads {width}"
            raise DecisionLogError(message)
        rows.append(row)
    return np.array(rows, dtype=np.float64)


def _read_probability(line: int, record: Record) -> float:
    probability = record.get("probability_of_default")
    if not isinstance(probability, float) or not 0 < probability < 1:
        message = f"line {line}: it has no probability; run `audit verify` on the log"
        raise DecisionLogError(message)
    return probability


def _log_odds(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)
