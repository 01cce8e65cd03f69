"""Where the microseconds of a batch request go: each stage by itself, in a process of its own.

Its environment gives the trees one thread, as those of the contestants do.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from functions.scoring.decision_engine import rows_from_document, validate_table
from functions.web.bodies import parse_json_object
from functions.web.middleware import Caller
from models.catalogue.application import Application
from models.evidence.entries import SALT_BYTES, entries_from_request
from models.evidence.hash_chain import Chain, Seal
from models.prediction import ScoredRequest
from models.registry.serving import load_in_service
from models.stores.uri import open_store
from tests.benchmarks.contracts import Rows, as_instances
from tests.benchmarks.measuring import (
    BATCH_ROWS,
    STAGES,
    Counts,
    Figures,
    SentRequest,
    Settings,
    in_turn,
)
from tests.support.running import REPOSITORY


def request_stages(settings: Settings, counts: Counts, rows: SentRequest) -> Figures:
    """Microseconds a row of each stage, in the order of a request; trees are a part of deciding."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.request_stages", settings["MODEL_STORE"]],
        input=json.dumps([counts.rounds * counts.batches, rows.approved]),
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return {STAGES: json.loads(done.stdout)}


def main() -> None:
    """Measure the store that the command names, with the rounds and rows of standard input."""
    rounds, approved = json.load(sys.stdin)
    stages = _stages(sys.argv[1], approved)
    samples: dict[str, list[float]] = {name: [] for name in stages}
    for _ in in_turn(rounds, "stages"):
        for name, stage in stages.items():
            began = time.perf_counter()
            stage()
            samples[name].append(1e6 * (time.perf_counter() - began) / BATCH_ROWS)
    print(json.dumps(samples))


def _stages(store: str, approved: Rows) -> dict[str, Callable[[], object]]:
    loaded = load_in_service(open_store(store), Application, None).champion
    scorer, body, seal = loaded.scorer, as_instances(approved), Seal()
    sent = rows_from_document(parse_json_object(body), "instances")
    table = validate_table(Application, sent)
    decisions, matrix = scorer.decide_table(table)
    scored = ScoredRequest(
        variant="champion",
        loaded=loaded,
        table=table,
        positions=range(len(table)),
        decisions=decisions,
        matrix=matrix,
        latency_ms=1.0,
    )
    caller = Caller("0" * 32, None, None, None, 0.0)

    def record() -> None:
        random = os.urandom(SALT_BYTES * len(decisions))
        entries, _ = entries_from_request(scored, caller, seal, datetime.now(UTC), random)
        Chain(seal, "0" * 16).extend(entries)

    return {
        "parse": lambda: parse_json_object(body),
        "validate": lambda: validate_table(Application, sent),
        "decide": lambda: scorer.decide_table(table),
        "of which trees": lambda: scorer.estimator.log_odds(matrix),
        "record": record,
        "answer": scored.write_predictions,
    }


if __name__ == "__main__":
    main()
