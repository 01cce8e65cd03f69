"""The commands `erase` and `replay`: records of a batch without some data, or decided again."""

import argparse
import io
import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from functions.batch.execution import MustStop
from functions.batch.settings import TaskSettings, read_task_settings
from models.decision_columns import DECISIONS
from models.errors import DataError
from models.evidence.batch_erasure import RowSelection, erase_rows
from models.evidence.batch_tables import RecordMetadata, RowSet, metadata_from_file, read_block
from models.evidence.hash_chain import UNKEYED
from models.registry.bundle import GOLDEN_TOLERANCE
from models.registry.serving import LoadedVersion, load_version
from models.registry.versions import read_by_name
from models.scorer import Scorer
from models.stores.uri import open_store

MOST_DIFFERENCES = 100  # that are listed; all are counted


def add_audit_commands(commands: Any) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add both commands to the subcommands of a parser."""
    erase = commands.add_parser("erase", help="copy records without the data of some rows")
    erase.set_defaults(run=erase_records)
    erase.add_argument("--applicant", help="the applicant's id, as the scored file has it")
    erase.add_argument("--output", type=Path, required=True, help="the file to write")
    replay = commands.add_parser("replay", help="decide again from the recorded features")
    replay.set_defaults(run=replay_records)
    replay.add_argument("--version", help="the version that decides (default: the recorded one)")
    for command in (erase, replay):
        command.add_argument("--records", required=True, help="a records-*.parquet: path or URI")
        command.add_argument(
            "--row", type=int, action="append", default=[], help="number of a row; repeatable"
        )


def uri_from_text(text: str) -> str:
    """Return a URI as it is, and a path as one."""
    return text if "://" in text else Path(text).resolve().as_uri()


def erase_records(options: argparse.Namespace, _must_stop: MustStop) -> dict[str, Any]:
    """Write the records of a part anew, without the personal part of some rows.

    Raises
    ------
    DataError
        If no row is named, none is found, or the part has a fault.
    """
    settings = read_task_settings()
    selection = RowSelection(frozenset(options.row), _pseudonyms(options.applicant, settings))
    if not (selection.rows or selection.pseudonyms):
        message = "erase needs --row or --applicant"
        raise DataError(message)
    file = io.BytesIO(_read(options.records))
    erased_at = datetime.now(UTC).isoformat()
    data, rows = erase_rows(file, selection, settings.seals_by_name, erased_at)
    if not rows:
        message = "--records: it has no such row, or it is erased already; nothing was written"
        raise DataError(message)
    try:
        with io.FileIO(options.output, "xb", opener=_open_private) as output:
            output.write(data)
    except OSError as error:
        message = f"--output: {error.strerror}; name a file that does not exist yet"
        raise DataError(message) from error
    return {"outcome": "erased", "rows": rows, "output": str(options.output)}


def replay_records(options: argparse.Namespace, _must_stop: MustStop) -> dict[str, Any]:
    """Decide on rows again from their recorded features.

    Raises
    ------
    DataError
        If the file is none of records or lacks a row, or the version reads other features.
    """
    settings = read_task_settings()
    opened = pq.ParquetFile(io.BytesIO(_read(options.records)))
    metadata = metadata_from_file(opened.metadata.metadata)
    if metadata is None:
        message = "--records: it has no metadata of records"
        raise DataError(message)
    loaded = _load(options.version, metadata, settings)
    rows, differences, replayed, erased = frozenset(options.row), list[dict[str, Any]](), 0, 0
    missing = set(rows)
    for block in range(opened.metadata.num_row_groups):
        row_set = read_block(opened.read_row_group(block), metadata)
        numbers = row_set.content.rows.tolist()
        indices = [i for i, n in enumerate(numbers) if not rows or n in rows]
        missing -= set(numbers)
        erased += int(row_set.erased[indices].sum())
        indices = [i for i in indices if not row_set.erased[i]]
        replayed += len(indices)
        differences += _find_differences(row_set, indices, loaded.scorer)
    if missing:
        message = f"--row: the file has no record of row {', '.join(map(str, sorted(missing)))}"
        raise DataError(message)
    return {
        "outcome": "faulty" if differences else "replayed",
        "model_version": loaded.version,
        "replayed": replayed,
        "erased": erased,
        "differences": len(differences),
        "first_differences": differences[:MOST_DIFFERENCES],
    }


def _find_differences(
    row_set: RowSet, indices: list[int], scorer: Scorer
) -> Iterator[dict[str, Any]]:
    if not indices:
        return
    content = row_set.content
    for i, decision in zip(
        indices, scorer.decisions_from_matrix(content.matrix[indices]), strict=True
    ):
        recorded = float(content.decided.probabilities[i])
        name = DECISIONS[content.decided.decisions[i]]
        distance = abs(_log_odds(recorded) - _log_odds(decision.probability_of_default))
        score = int(content.decided.credit_scores[i])
        if (name, score) != (
            decision.decision,
            round(decision.credit_score),
        ) or not distance <= GOLDEN_TOLERANCE:
            yield {
                "row": int(content.rows[i]),
                "recorded": [name, score, recorded],
                "replayed": [
                    decision.decision,
                    round(decision.credit_score),
                    decision.probability_of_default,
                ],
            }


def _log_odds(probability: float) -> float:
    if not 0 < probability < 1:
        return math.nan
    return math.log(probability) - math.log1p(-probability)


def _load(version: str | None, metadata: RecordMetadata, settings: TaskSettings) -> LoadedVersion:
    shared = metadata.shared
    model = settings.catalogue[shared["model"]]
    published, _ = read_by_name(settings.store, shared["model"], version or shared["model_version"])
    loaded = load_version(settings.store, model, published)
    if list(loaded.manifest.features) != shared["features"]:
        message = f"--version {loaded.version}: it reads other features than those on record"
        raise DataError(message)
    return loaded


def _pseudonyms(applicant: str | None, settings: TaskSettings) -> frozenset[str]:
    """Return what an applicant is called under each key."""
    if not applicant:
        return frozenset()
    if any(seal.name == UNKEYED for seal in settings.seals):
        message = "DECISION_LOG_KEY is not set: without it nobody's rows can be found; use --row"
        raise DataError(message)
    return frozenset(filter(None, (seal.pseudonym(applicant) for seal in settings.seals)))


def _open_private(name: str, flags: int) -> int:
    """Open a file that only its owner can read: it holds personal data."""
    return os.open(name, flags, 0o600)


def _read(text: str) -> bytes:
    folder, _, name = uri_from_text(text).rpartition("/")
    data: bytes = open_store(folder).download(name)
    return data
