"""A run: the parts of this task, each written once, and what is written when all are done.

Objects of a part are created in an order in which the summary comes last: a part with a summary is
complete. Whoever finds every part complete writes the manifest, and `_SUCCESS` after it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from functions.batch.anchors import PartAnchor, RunAnchors, create_once
from functions.batch.part_scoring import PartScorer, ScoredPart
from functions.batch.plans import RunPlan, batch_name
from functions.batch.sources import FilePart
from models.decision_columns import DECISIONS
from models.errors import DeclarationError
from models.evidence.hash_chain import Seal
from models.stores.store import Store

SUCCESS = "_SUCCESS"
MOST_RULES = 100  # that a manifest lists


@dataclass(frozen=True, slots=True)
class Shard:
    """Which task of how many this is."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse a task that there is none of."""
        if not 0 <= self.index < self.count:
            message = f"the task index must be from 0 to {self.count - 1}, not {self.index}"
            raise DeclarationError(message)

    def select(self, parts: Sequence[FilePart]) -> Sequence[FilePart]:
        """Return this task's parts: neighbours, so that row groups are read once."""
        size = len(parts)
        return parts[size * self.index // self.count : size * (self.index + 1) // self.count]


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where the objects of a run are: a folder of the output, and its anchors."""

    output: Store
    prefix: str
    anchors: RunAnchors

    def create(self, name: str, data: bytes) -> None:
        """Write an object, unless another task has written it."""
        create_once(self.output, f"{self.prefix}/{name}", data)

    def anchor_plan(self, seal: Seal, run: str, place: str) -> None:
        """Anchor the plan as it was written; `place` is the URI of the run's folder."""
        plan = self.output.read(f"{self.prefix}/plan.json").data
        self.anchors.write_run(seal, run, place, sha256_hex(plan))

    def find_complete(self) -> dict[int, str]:
        """Return the summaries that are there, by part."""
        start = f"{self.prefix}/summary-"
        names = self.output.names(start)
        return {int(name.removeprefix(start).removesuffix(".json")): name for name in names}

    def read_summaries(self, names: dict[int, str]) -> list[dict[str, Any]]:
        """Read summaries, in the order of their parts."""
        return [json.loads(self.output.read(names[number]).data) for number in sorted(names)]

    def write(self, seal: Seal, part: FilePart, scored: ScoredPart) -> None:
        """Write the objects of a part, its anchor after what it covers, its summary last."""
        number = f"{part.number:05d}"
        digests = {"results": scored.results, "records": scored.records, "faults": scored.faults}
        self.create(f"records-{number}.parquet", scored.records)
        if scored.faults:
            self.create(f"faults-{number}.jsonl", scored.faults)
        self.create(f"part-{number}.parquet", scored.results)
        hashes = {name: sha256_hex(data) for name, data in digests.items()}
        summary = json.dumps(scored.summary | {"sha256": hashes}).encode()
        # Not of the records: those stay verifiable by their chain when a row is erased from them.
        covered = {name: hashes[name] for name in ("results", "faults")}
        anchor = PartAnchor(scored.head, covered | {"summary": sha256_hex(summary)})
        self.anchors.write_part(seal, scored.chain, anchor)
        self.create(f"summary-{number}.json", summary)


def run_task(scorer: PartScorer, files: RunFiles, shard: Shard) -> Iterator[FilePart]:
    """Score the parts of this task that are not complete; yield each part once it is.

    Raises as `PartScorer.score`.
    """
    complete = files.find_complete()
    for part in shard.select(scorer.plan.list_parts()):
        if part.number not in complete:
            files.write(scorer.seal, part, scorer.score(part))
        else:
            scorer.advance(part.rows)
        yield part


def finish_run(plan: RunPlan, files: RunFiles) -> dict[str, Any] | None:
    """Write manifest and `_SUCCESS` if every part is complete; return the manifest."""
    complete = files.find_complete()
    if len(complete) < len(plan.parts):
        return None
    manifest = build_manifest(plan, files.read_summaries(complete))
    files.create("manifest.json", json.dumps(manifest, indent=1).encode())
    files.create(SUCCESS, b"")
    return manifest


def build_manifest(plan: RunPlan, summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Describe a run: version, counts, distribution, parts."""
    decisions: Counter[str] = Counter()
    scores: Counter[int] = Counter()
    faults: dict[str, dict[str, Any]] = {}
    for summary in summaries:
        decisions.update(summary["decisions"])
        scores.update({int(start): rows for start, rows in summary["scores"].items()})
        for rule, counted in summary["faults"].items():
            total = faults.setdefault(rule, {"rows": 0, "first_rows": counted["first_rows"]})
            total["rows"] += counted["rows"]
    scored = sum(summary["scored"] for summary in summaries)
    probabilities = sum(summary["sum_of_probabilities"] for summary in summaries)
    by_rows = sorted(faults.items(), key=lambda item: -item[1]["rows"])
    return {
        "format": 1,
        "batch": batch_name(plan),
        "model": plan.request.model,
        "model_version": plan.version.version,
        "object": plan.object,
        "generation": plan.generation,
        "decided_at": plan.decided_at.isoformat(),
        "reasons": plan.request.reasons,
        "rows": sum(summary["rows"] for summary in summaries),
        "scored": scored,
        "faulty": sum(summary["faulty"] for summary in summaries),
        "decisions": {name: decisions[name] for name in DECISIONS},
        "mean_probability_of_default": probabilities / scored if scored else None,
        "scores": {str(start): scores[start] for start in sorted(scores)},
        "faults": dict(by_rows[:MOST_RULES]),
        "heads": [summary["head"] for summary in summaries if summary["head"]],
        "parts": [
            {name: summary[name] for name in ("part", "rows", "scored", "faulty", "sha256")}
            for summary in summaries
        ],
    }


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of some bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
