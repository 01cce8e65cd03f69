"""Training on this machine: a subprocess of the training environment."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from functions.retrain.runs import History, Run
from functions.web.logs import log
from functions.web.settings import REPOSITORY
from models.errors import DeclarationError


class LocalTraining:
    """Runs `python -m training train`, with one log file per model.

    Only this process knows its runs: they end with it, and their history too.
    """

    def __init__(self, python: str, logs: Path) -> None:
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"TRAINING_LOGS: {error}"
            raise DeclarationError(message) from error
        self._python = python
        self._logs = logs
        self._histories: dict[str, History] = {}

    def look(self, model_name: str) -> History:
        """Report how the runs of a model went since this process started."""
        return self._histories.get(model_name, History())

    def start(self, model_name: str) -> str:
        """Start a run."""
        started_at = datetime.now(UTC)
        run = Run(
            execution=f"{model_name}-{started_at:%Y%m%dT%H%M%S.%fZ}",
            state="running",
            started_at=started_at,
        )
        with self._log_path(model_name).open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 -- a command of our own; the model is in the catalogue
                [
                    *(sys.executable, "-m", "functions.retrain.die_with_parent"),
                    *(self._python, "-m", "training", "train", "--model", model_name),
                ],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        self._histories[model_name] = replace(self.look(model_name), latest=run)
        threading.Thread(target=self._follow, args=(model_name, run, process), daemon=True).start()
        return run.execution

    def _follow(self, model_name: str, run: Run, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        process.communicate()  # closes the pipe that kept it alive
        now = datetime.now(UTC)
        if process.returncode == 0:
            summary = _read_last_object(self._log_path(model_name))
            ended = replace(
                run,
                state="succeeded",
                finished_at=now,
                outcome=summary.get("outcome"),
                version=summary.get("version"),
            )
            self._histories[model_name] = History(ended, now)
        else:
            ended = replace(run, state="failed", finished_at=now)
            self._histories[model_name] = replace(self.look(model_name), latest=ended)
        log(
            "INFO" if ended.state == "succeeded" else "ERROR",
            f"training {ended.state}",
            model=model_name,
            execution=run.execution,
            exit_code=process.returncode,
            outcome=ended.outcome,
            output=str(self._log_path(model_name)),
        )

    def _log_path(self, model_name: str) -> Path:
        return self._logs / f"{model_name}.log"


def _read_last_object(path: Path) -> dict[str, Any]:
    """Read the JSON object a training run ends with; empty if there is none."""
    try:
        for line in reversed(path.read_text(errors="replace").splitlines()):
            if line.startswith("{"):
                document: dict[str, Any] = json.loads(line)
                return document
    except (OSError, ValueError):
        pass  # the run succeeded all the same; what it decided is unknown
    return {}
