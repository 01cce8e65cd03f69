"""Decision logs made in a test: by the real log, from the toy model."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from functions.scoring.evidence.decision_log import Anchors, DecisionLog
from functions.web.middleware import Caller
from models.estimators.families import Additive
from models.estimators.formula import Formula, Steps, Term, Value
from models.evidence.hash_chain import Seal
from models.evidence.log_reader import decisions_in, read_lines
from models.features import features
from models.prediction import ScoredRequest
from models.registry.bundle import Bundle, bundle_from_bytes
from models.registry.serving import LoadedVersion
from models.scorer import Scorer
from models.table import table_from_applications
from tests.models.conftest import BASELINE, CALIBRATION, POLICY, build_bundle
from tests.support.toy import Toy, toy

KEY = "a key that is long enough for a test"
SEAL = Seal(KEY)


def toy_bundle(weight: float = 0.5) -> Bundle:
    """A formula with a step at a debt of three tenths of income: an edge that inputs do meet."""
    shapes = (
        Steps(feature="debt_to_income", edges=(0.3,), values=(-1.0, 1.5), missing=0.0),
        Value(feature="home=rent", missing=0.0),
    )
    terms = tuple(Term(weight=weight, shapes=(shape,)) for shape in shapes)
    names = tuple(f.name for f in features(Toy))
    estimator = Additive("scorecard", Formula(features=names, intercept=-1.5, terms=terms))
    return build_bundle(estimator)


def toy_version(version: str = "20261121T014400Z-3f9ac2d01b7e") -> LoadedVersion:
    """The toy model in memory."""
    bundle = bundle_from_bytes(toy_bundle().to_bytes())
    scorer = Scorer.from_catalogue(Toy, bundle.estimator, CALIBRATION, BASELINE, POLICY)
    return LoadedVersion(version, bundle.manifest, scorer)


def toys(count: int, seed: int = 1) -> list[Toy]:
    """Different applications, some with a field left out."""
    chance = random.Random(seed)  # noqa: S311 -- rows of a test
    return [
        toy(
            income=float(chance.randrange(10_000, 90_000, 1_000)),
            debt=float(chance.randrange(0, 30_000, 300)),
            home=chance.choice(["own", "rent"]),
            months_since_default=chance.choice([None, -7, 12]),
        )
        for _ in range(count)
    ]


def caller(request_id: str = "r", applicant: str | None = None, key: str | None = None) -> Caller:
    """Who asks."""
    return Caller(request_id, applicant, key, None, 0.0)


def record(log: DecisionLog, loaded: LoadedVersion, rows: Sequence[Toy], who: Caller) -> None:
    """Decide on rows and record it, as the decision engine does."""
    table = table_from_applications(Toy, rows)
    decisions, matrix = loaded.scorer.decide_table(table)
    log.record(
        ScoredRequest(
            variant="champion",
            loaded=loaded,
            table=table,
            positions=range(len(rows)),
            decisions=decisions,
            matrix=matrix,
            latency_ms=1.0,
        ),
        who,
    )


def decision_log(path: Path, seal: Seal = SEAL, anchors: Anchors | None = None) -> DecisionLog:
    """A log that appends to a file."""

    def write(lines: bytes) -> None:
        with path.open("ab") as file:
            file.write(lines)

    return DecisionLog(write, seal, anchors)


def write_log(path: Path, seal: Seal = SEAL) -> list[bytes]:
    """60 decisions in 20 records of two processes, between other lines of a log."""
    loaded, logs = toy_version(), [decision_log(path, seal), decision_log(path, seal)]
    for i in range(20):
        with path.open("ab") as file:
            file.write(b'{"severity": "INFO", "message": "model loaded"}\n' if i % 4 else b"?\n")
        rows = toys(1 + i % 5, seed=i)
        record(logs[i % 3 == 0], loaded, rows, caller(f"r{i}", f"applicant {i % 7}"))
    return path.read_bytes().splitlines(keepends=True)


def decisions_logged(path: Path) -> list[dict[str, Any]]:
    """Every decision of a log, in its order."""
    return [d for line in read_lines(path) if line.record for d in decisions_in(line.record)]


def records_in(lines: Sequence[bytes]) -> dict[int, dict[str, Any]]:
    """Decision records by line, counted from 1."""
    return {i: json.loads(line) for i, line in enumerate(lines, 1) if b'"link"' in line}
