"""Cold start and warm latency of the scoring function beside functions that do nothing.

The model is fixed: 300 trees of depth 5 on the 17 fields of `application`, seeded. Contestants run
in turn, A B C A B C ..., and medians are compared. Settings are as shipped, decision log on.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from xgboost import XGBClassifier

from models.bundle import Bundle, Figures, Provenance, manifest_of
from models.calibration import BetaCalibration
from models.catalogue.application import Application
from models.estimators import estimator_from_bytes
from models.features import columns_from_applications, matrix_from_columns
from models.policy import Cutoffs
from models.registry import Author, promote, publish
from models.reliability import reliability
from models.scorer import Scorer, probabilities_from_log_odds
from models.stores.opening import open_store
from tests.running import REPOSITORY, free_port
from training.golden import golden_rows
from training.intake import check_rows
from training.reference import typical_good
from training.synthetic.application import generate

COLD_STARTS = 15
WARM_ROUNDS = 15
REQUESTS_PER_ROUND = 200
BODY = (REPOSITORY / "docs/examples/application.json").read_text()
BENCHMARKS = Path(__file__).parent


@dataclass(frozen=True)
class Contestant:
    """A server and the request that shows it works; PORT in the command is replaced."""

    name: str
    command: tuple[str, ...]
    method: str
    path: str


CONTESTANTS = (
    Contestant("scoring", (sys.executable, "-m", "functions.scoring"), "POST", "/predict"),
    Contestant(
        "empty function",
        (
            str(Path(sys.executable).parent / "functions-framework"),
            "--target=empty",
            f"--source={BENCHMARKS / 'empty_flask.py'}",
            "--host=127.0.0.1",
        ),
        "POST",
        "/",
    ),
    Contestant(
        "empty ASGI", (sys.executable, str(BENCHMARKS / "empty_asgi.py"), "PORT"), "POST", "/"
    ),
)


def main() -> None:
    """Print a table and, as the last line, one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store").as_uri()
        publish_benchmark_model(store)
        figures = {"cold_start_ms": cold_starts(store), "warm_p50_ms": warm_latencies(store)}
    table = Table(title="Medians, and the ratio of `scoring` to each", title_justify="left")
    for heading in ("contestant", "cold start", "ratio", "warm p50", "ratio"):
        table.add_column(heading, justify="right")
    for contestant in CONTESTANTS:
        cells = [contestant.name]
        for figure in figures.values():
            ratio = figure["scoring"] / figure[contestant.name]
            cells += [f"{figure[contestant.name]:.2f} ms", f"{ratio:.2f} x"]
        table.add_row(*cells)
    Console().print(table)
    print(json.dumps(figures))


def publish_benchmark_model(store_uri: str) -> None:
    """Publish the fixed model."""
    rows = check_rows(Application, generate(10_000, seed=1), max_refused_share=0)
    matrix = matrix_from_columns(
        Application, columns_from_applications(Application, rows.applications)
    )
    fitted = XGBClassifier(n_estimators=300, max_depth=5, random_state=1).fit(matrix, rows.labels)
    estimator = estimator_from_bytes("xgboost", bytes(fitted.get_booster().save_raw("ubj")))
    provenance = Provenance(
        data_sha256=rows.fingerprint(),
        rows=10_000,
        rows_refused=0,
        rows_train=10_000,
        rows_test=0,
        bads_test=0,
        seed=1,
        threads=1,
        libraries={},
    )
    reference = typical_good(Application, rows.applications, rows.labels)
    policy = Cutoffs(approve_below=0.3, decline_from=0.6)
    scorer = Scorer.of(Application, estimator, BetaCalibration(), reference, policy)
    golden = golden_rows(scorer, rows.applications, seed=1)
    probabilities = probabilities_from_log_odds(scorer.log_odds(rows.applications))
    found = reliability(rows.labels, probabilities, confidence=0.95, seed=1)
    figures = Figures(scorer.calibration, policy, {}, found)
    manifest = manifest_of(Application, "xgboost", figures, provenance)
    store, now = open_store(store_uri), datetime.now(UTC)
    bundle = Bundle(manifest, estimator, golden, reference).to_bytes()
    version = publish(store, "application", bundle, {}, now)
    promote(store, "application", version, Author("benchmark", now))


def cold_starts(store: str) -> dict[str, float]:
    """Milliseconds from starting the process to its first good answer, median by contestant."""
    found: dict[str, list[float]] = {contestant.name: [] for contestant in CONTESTANTS}
    for _ in track(range(COLD_STARTS + 1), "cold starts", console=Console(stderr=True)):
        for contestant in CONTESTANTS:
            began = time.perf_counter()
            with started(contestant, store) as connection:
                answer_when_up(contestant, connection)
                found[contestant.name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(times[1:]) for name, times in found.items()}


def warm_latencies(store: str) -> dict[str, float]:
    """Milliseconds of one request over a kept connection: median of the rounds' medians."""
    found: dict[str, list[float]] = {contestant.name: [] for contestant in CONTESTANTS}
    for _ in track(range(WARM_ROUNDS), "warm requests", console=Console(stderr=True)):
        for contestant in CONTESTANTS:
            with started(contestant, store) as connection:
                answer_when_up(contestant, connection)
                times = [timed(contestant, connection) for _ in range(REQUESTS_PER_ROUND)]
            found[contestant.name].append(statistics.median(times[REQUESTS_PER_ROUND // 4 :]))
    return {name: statistics.median(times) for name, times in found.items()}


@contextmanager
def started(contestant: Contestant, store: str) -> Iterator[http.client.HTTPConnection]:
    """Run a contestant's process as long as the block lasts."""
    port = str(free_port())
    command = [port if word == "PORT" else word for word in contestant.command]
    variables = os.environ | {"MODEL_STORE": store, "PORT": port, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
    try:
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait(timeout=15)


def answer_when_up(contestant: Contestant, connection: http.client.HTTPConnection) -> None:
    """Ask until the process listens, then require a good answer."""
    for _ in range(15_000):
        try:
            timed(contestant, connection)
        except ConnectionRefusedError:
            connection.close()
            time.sleep(0.002)
        else:
            return
    message = f"{contestant.name} did not start"
    raise RuntimeError(message)


def timed(contestant: Contestant, connection: http.client.HTTPConnection) -> float:
    """Milliseconds of one request, which must be answered well."""
    began = time.perf_counter()
    headers = {"content-type": "application/json"}
    connection.request(contestant.method, contestant.path, BODY, headers)
    answer = connection.getresponse()
    data = answer.read()
    took = 1000 * (time.perf_counter() - began)
    if answer.status != http.client.OK:
        message = f"{contestant.name} answered {answer.status}: {data[:200]!r}"
        raise RuntimeError(message)
    return took


if __name__ == "__main__":
    main()
