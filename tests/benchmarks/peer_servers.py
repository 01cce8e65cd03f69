"""`make bench-peers`: the scoring function beside other servers of the same trees.

Each in an environment of its own, as fast as its documentation says how. One that cannot be
installed or run is named with its error. Writes docs/figures/bench_peers.json and its section of
docs/benchmarks.md.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.budgets import INSTALLED
from tests.benchmarks.contestants import BESIDE_PEERS, SHIPPED, Contestant
from tests.benchmarks.environments import build, installed_mb
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.measuring import (
    Counts,
    Settings,
    asked_rows,
    cold_starts,
    kept_running,
    require_same_answers,
)
from tests.benchmarks.processes import NotStartedError, RefusedError, last_line, prepare, started
from tests.benchmarks.report import BENCH_PEERS, Measured, about, command_line, publish

FULL = Counts(cold_starts=7, rounds=7)
QUICK = Counts(cold_starts=1, rounds=1, scores=60, batches=1)


def main() -> None:
    """Build, measure, show and, unless it was quick, write."""
    options = command_line(__doc__)
    counts = QUICK if options.quick else FULL
    machine = about()
    with tempfile.TemporaryDirectory() as folder:
        store, model_file = Path(folder, "store").as_uri(), Path(folder, "model.ubj")
        publish_benchmark_model(store, model_file)
        settings = {"MODEL_STORE": store, "MODEL_FILE": str(model_file)}
        contestants, absent = present(BESIDE_PEERS, settings)
        rows = asked_rows(settings)
        require_same_answers(contestants, settings, rows)
        figures = cold_starts(contestants, settings, counts)
        figures |= kept_running(contestants, settings, counts, rows)
    figures[INSTALLED] = {c.name: [installed_mb(str(c.environment))] for c in contestants}
    publish(Measured.of(machine, figures, absent), BENCH_PEERS, write=not options.quick)


def present(
    contestants: Sequence[Contestant], settings: Settings
) -> tuple[list[Contestant], dict[str, str]]:
    """Those that install and score here; of the others, why not."""
    here: list[Contestant] = []
    absent: dict[str, str] = {}
    for contestant in contestants:
        try:
            if contestant.environment:
                build(contestant.environment)
            prepare(contestant, settings)
            with started(contestant, settings):
                here.append(contestant)
        except subprocess.CalledProcessError as error:
            absent[contestant.name] = (
                f"cannot be set up with Python 3.11: {last_line(error.stderr)}"
            )
        except (NotStartedError, RefusedError) as error:
            absent[contestant.name] = f"does not run here: {error}"
    if SHIPPED.name in absent:
        raise RuntimeError(absent[SHIPPED.name])
    return here, absent


if __name__ == "__main__":
    main()
