"""The training job as Cloud Run runs it, and the schedule that starts it."""

import itertools
import json
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stack.images import Image
from tests.support.running import REPOSITORY, last_line

TASK_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process of a task: how it ended (below 0: by that signal) and what it said."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of the job: its attempts, of which only the last may have succeeded."""

    attempts: tuple[Attempt, ...]

    @property
    def codes(self) -> list[int]:
        """How each attempt ended."""
        return [attempt.code for attempt in self.attempts]

    def summary(self) -> dict[str, Any]:
        """What the last attempt, which succeeded, printed as its last line."""
        last = self.attempts[-1]
        assert last.code == 0, last.stderr
        return last_line(last.stdout)


@dataclass
class Job:
    """A Cloud Run job of one task; a process that fails or is killed is started again."""

    name: str
    image: Image
    arguments: Sequence[str]
    environment: dict[str, str]
    max_retries: int
    running: set[subprocess.Popen[str]] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def execute(self) -> Execution:
        """Run the task until it succeeds or the retries are used up."""
        execution = f"{self.name}-{next(self._numbers):05}"
        attempts: list[Attempt] = []
        while len(attempts) <= self.max_retries and not (attempts and attempts[-1].code == 0):
            attempts.append(self._attempt(execution, len(attempts)))
        return Execution(tuple(attempts))

    def kill(self) -> None:
        """End every process of the job at once, as a machine that is lost does."""
        for process in tuple(self.running):
            process.kill()

    def _attempt(self, execution: str, number: int) -> Attempt:
        task = {
            "CLOUD_RUN_JOB": self.name,
            "CLOUD_RUN_EXECUTION": execution,
            "CLOUD_RUN_TASK_INDEX": "0",
            "CLOUD_RUN_TASK_COUNT": "1",
            "CLOUD_RUN_TASK_ATTEMPT": str(number),
        }
        with subprocess.Popen(
            [*self.image.command, *self.arguments],
            cwd=REPOSITORY,
            env=self.image.environment | self.environment | task,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self.running.add(process)
            try:
                output, errors = process.communicate(timeout=TASK_SECONDS)
            finally:
                process.kill()
                self.running.discard(process)
        return Attempt(process.returncode, output, errors)


class Scheduler:
    """Cloud Scheduler: it starts an execution when its time has come, and waits for none."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._threads = ThreadPoolExecutor()

    def fire(self) -> "Future[Execution]":
        """Start one execution."""
        return self._threads.submit(self._job.execute)

    def close(self) -> None:
        """Start no more, and end what runs."""
        self._job.max_retries = 0
        self._job.kill()
        self._threads.shutdown()


@dataclass
class KillAtWrite:
    """Kills the job when it writes an object to the bucket.

    The write is lost with it, or arrives though its reply is not awaited any more.
    """

    job: Job
    name: str
    arrives: bool
    times: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, sent: bytes) -> bytes:
        """See what the job sends; say what of it reaches the bucket."""
        if not self._is_the_write(sent):
            return sent
        with self._lock:
            if self.times == 0:
                return sent
            self.times -= 1
        self.job.kill()
        return sent if self.arrives else b""

    def _is_the_write(self, sent: bytes) -> bool:
        described = sent.find(b'{"name": "')
        if described < 0:
            return False
        metadata, _ = json.JSONDecoder().raw_decode(sent[described:].decode(errors="replace"))
        return Path(metadata["name"]).name == self.name
