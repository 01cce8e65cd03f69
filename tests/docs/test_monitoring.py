"""The guide to monitoring: its command runs on a real server's log, its numbers are the code's."""

import shlex
import shutil
import subprocess
from pathlib import Path

from tests.docs.markdown import commands, normalised, page
from tests.support.running import (
    REPOSITORY,
    Server,
    TrainedStore,
    last_line,
)
from training.monitoring.challenger import ALPHA, MARGIN
from training.monitoring.day import OUTCOME_MONTHS, WINDOW_DAYS
from training.monitoring.drift import CHANCE, LIMIT
from training.monitoring.performance import LEAST_DEFAULTS, LEAST_ROWS
from training.monitoring.signals import CRITICAL, LEAST_CHANGE, LEAST_LOSS

TEXT = page("monitoring")


def test_the_command_of_the_guide_runs_on_a_log_of_the_service(
    trained_service: Server, trained_store: TrainedStore, tmp_path: Path
) -> None:
    shutil.copytree(trained_store.uri.removeprefix("file://"), tmp_path / "store")
    [command] = commands(TEXT)
    output = tmp_path / "monitoring.html"
    changed = command.replace("var/decisions.jsonl", str(trained_service.log_path))
    done = subprocess.run(
        shlex.split(changed.replace("var/monitoring.html", str(output))),
        cwd=REPOSITORY,
        env={"MODEL_STORE": (tmp_path / "store").as_uri()},
        capture_output=True,
        text=True,
        check=True,
    )
    summary = last_line(done.stdout)
    assert summary["status"] == "OK"
    written = tmp_path / "store" / summary["object"]
    assert written.is_file()
    assert "Monitoring" in output.read_text()


def test_the_numbers_of_the_guide_are_those_of_the_code() -> None:
    text = normalised(TEXT)
    for part in (
        f"the last {WINDOW_DAYS} days from",
        f"is above {LIMIT:g}, and above what chance exceeds once in {1 / CHANCE:,.0f} times",
        f"more than {100 * LEAST_CHANGE:g} percentage points and {CRITICAL:.1f} standard errors",
        f"{LEAST_ROWS} outcomes, with {LEAST_DEFAULTS} defaults and {LEAST_DEFAULTS} others",
        f"more than {LEAST_LOSS:g} and {CRITICAL:.1f} standard errors of the difference",
        f"decisions of the last {OUTCOME_MONTHS} months",
        f"certainly not lower by {MARGIN:g}",
        f"wrong in at most {100 * ALPHA:g} % of challengers",
    ):
        assert part in text, part
