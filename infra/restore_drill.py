"""Restore drill: bring the daily copies here, and see whether they could serve and be audited.

It reads the copies in the second region and changes nothing in Google Cloud. Each step's seconds
are printed, so that a time to recover is measured and not hoped for.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DAYS = 2  # a copy is up to a day old
QUERY = (
    "SELECT TO_JSON_STRING(jsonPayload) AS line"
    " FROM `{project}.{environment}_decisions_backup.run_googleapis_com_stdout`"
    " WHERE timestamp > TIMESTAMP('{since}')"
)


class DrillError(Exception):
    """A copy is not what it should be."""


@dataclass(frozen=True)
class Drill:
    """Whose copies, and where to."""

    project: str
    environment: str
    into: Path

    @property
    def store(self) -> str:
        """The copied models as MODEL_STORE names them."""
        return (self.into / "models").as_uri()

    @property
    def since(self) -> str:
        """The day from which decisions are looked at."""
        return (datetime.now(UTC) - timedelta(days=DAYS)).date().isoformat()

    def models(self) -> list[str]:
        """Every model that has a champion in the copy."""
        champions = sorted((self.into / "models" / "champions").glob("*.json"))
        if not champions:
            message = f"{self.store} has no champion: nothing was copied, or nothing published"
            raise DrillError(message)
        return [path.stem for path in champions]


def main() -> int:
    """0 once the copies serve and verify; 1 with the step that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--into", type=Path, required=True, help="a folder for the copies")
    drill = Drill(**vars(parser.parse_args()))
    drill.into.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for name, step in STEPS.items():
        started = time.monotonic()
        try:
            step(drill)
        except (DrillError, subprocess.CalledProcessError) as error:
            print(f"error: {name}: {error}", file=sys.stderr)
            return 1
        seconds[name] = round(time.monotonic() - started, 1)
        print(f"{seconds[name]:8.1f} s  {name}", flush=True)
    print(json.dumps(seconds))
    return 0


def copy_models(drill: Drill) -> None:
    """Copy the copies of all versions and pointers."""
    copy_bucket(drill, "models")


def copy_anchors(drill: Drill) -> None:
    """Copy the copies of the chains' anchors."""
    copy_bucket(drill, "evidence")


def copy_bucket(drill: Drill, name: str) -> None:
    """Bring one bucket here."""
    folder = drill.into / name
    folder.mkdir(exist_ok=True)
    bucket = f"gs://{drill.project}-{drill.environment}-backup-{name}"
    flags = (f"--project={drill.project}", "--recursive", "--quiet")
    run("gcloud", "storage", "rsync", bucket, str(folder), *flags)


def copy_decisions(drill: Drill) -> None:
    """Read the newest decisions from the copied dataset."""
    query = QUERY.format(project=drill.project, environment=drill.environment, since=drill.since)
    flags = ("--use_legacy_sql=false", "--max_rows=1000000", "--format=json")
    lines = run("bq", f"--project_id={drill.project}", "query", *flags, query)
    (drill.into / "decisions.json").write_text(lines)


def verify_models(drill: Drill) -> None:
    """Hash and load every version of every model."""
    for model in drill.models():
        run_python("training", "verify", f"--model={model}", f"--store={drill.store}")


def verify_decisions(drill: Drill) -> None:
    """Follow the chains of the copied decisions, held against the copied anchors."""
    anchors = (drill.into / "evidence").as_uri()
    words = (str(drill.into / "decisions.json"), f"--anchors={anchors}", f"--from={drill.since}")
    run_python("functions.scoring", "audit", "verify", *words)


def score(drill: Drill) -> None:
    """Serve the copied champions, and ask each that has an example for a decision."""
    with serving(drill) as url:
        run_python("infra.smoke", f"--url={url}", "--patience=60", "--", *drill.models())


@contextmanager
def serving(drill: Drill) -> Iterator[str]:
    """Start the scoring service on the copies: its address, on this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"MODEL_STORE": drill.store, "DECISION_LOG": "off", "PORT": str(port)}
    settings |= {"DEFAULT_MODEL": drill.models()[0], "AUTH": "none", "HOST": "127.0.0.1"}
    command = [sys.executable, "-m", "functions.scoring"]
    with (drill.into / "scoring.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own module
            command, cwd=REPOSITORY, env=os.environ | settings, stdout=log, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


def run_python(module: str, *words: str) -> str:
    """Run a command of the repository."""
    return run(sys.executable, "-m", module, *words)


def run(*words: str) -> str:
    """Run a command, show what it complains of, and return what it prints."""
    return subprocess.run(  # noqa: S603 -- fixed words
        words, cwd=REPOSITORY, input="\n", stdout=subprocess.PIPE, text=True, check=True
    ).stdout


STEPS: dict[str, Callable[[Drill], None]] = {
    "models copied": copy_models,
    "anchors copied": copy_anchors,
    "decisions copied": copy_decisions,
    "models verified": verify_models,
    "decisions verified": verify_decisions,
    "every model scores": score,
}

if __name__ == "__main__":
    sys.exit(main())
