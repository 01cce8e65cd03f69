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
    """`python -m training train`, its output in one log file a model.

    Runs are known to this process only: they end with it, and what is known of them too.
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

    def look(self, model: str) -> History:
        """Tell how the runs of a model went since this process started."""
        return self._histories.get(model, History())

    def start(self, model: str) -> str:
        """Start a run."""
        began = datetime.now(UTC)
        run = Run(execution=f"{model}-{began:%Y%m%dT%H%M%S.%fZ}", state="running", started_at=began)
        with self._log_path(model).open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 -- a command of our own; the model is in the catalogue
                [
                    *(sys.executable, "-m", "functions.retrain.die_with_parent"),
                    *(self._python, "-m", "training", "train", "--model", model),
                ],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        self._histories[model] = replace(self.look(model), latest=run)
        threading.Thread(target=self._follow, args=(model, run, process), daemon=True).start()
        return run.execution

    def _follow(self, model: str, run: Run, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        process.communicate()  # closes the pipe that tethered it
        now = datetime.now(UTC)
        if process.returncode == 0:
            said = _last_object(self._log_path(model))
            ended = replace(
                run,
                state="succeeded",
                finished_at=now,
                outcome=said.get("outcome"),
                version=said.get("version"),
            )
            self._histories[model] = History(ended, now)
        else:
            ended = replace(run, state="failed", finished_at=now)
            self._histories[model] = replace(self.look(model), latest=ended)
        log(
            "INFO" if ended.state == "succeeded" else "ERROR",
            f"training {ended.state}",
            model=model,
            execution=run.execution,
            exit_code=process.returncode,
            outcome=ended.outcome,
            output=str(self._log_path(model)),
        )

    def _log_path(self, model: str) -> Path:
        return self._logs / f"{model}.log"


def _last_object(path: Path) -> dict[str, Any]:
    """The JSON object a training run ends with; empty where there is none."""
    try:
        for line in reversed(path.read_text(errors="replace").splitlines()):
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
    except (OSError, ValueError):
        pass  # the run succeeded all the same; what it decided is not known
    return {}
