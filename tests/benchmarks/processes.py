"""A contestant as a running process: asked over a kept connection, its CPU and memory read."""

import http.client
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.contracts import example, probabilities_in
from tests.support.running import REPOSITORY, free_port

START_SECONDS = 60.0


class RefusedError(RuntimeError):
    """An answer that is no score."""


class NotStartedError(RuntimeError):
    """A contestant that ended, or did not answer in time."""


@dataclass(frozen=True)
class Running:
    """A started process and a kept connection to it."""

    contestant: Contestant
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    single: bytes = field(repr=False)

    def post(self, path: str, body: bytes) -> tuple[float, bytes]:
        """Milliseconds of one request, which must be answered well, and its answer."""
        began = time.perf_counter()
        if self.connection.sock is None:
            self.connection.connect()
        self.connection.request("POST", path, body, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status != http.client.OK:
            message = f"{self.contestant.name} answered {answer.status}: {data[:200]!r}"
            raise RefusedError(message)
        return took, data

    def score(self) -> float:
        """Milliseconds of one score."""
        return self.post(self.contestant.single, self.single)[0]

    def probability(self) -> float:
        """What is answered for the example application."""
        [probability] = probabilities_in(self.post(self.contestant.single, self.single)[1])
        return probability

    def cpu_seconds(self) -> float:
        """CPU time of all its threads and processes so far."""
        return cpu_seconds(self.process.pid)

    def resident_mb(self) -> float:
        """Millions of bytes of memory, summed over its processes."""
        statuses = [_read(Path(f"/proc/{pid}/status")) for pid in family(self.process.pid)]
        sizes = re.findall(r"VmRSS:\s+(\d+) kB", "\n".join(statuses))
        return sum(map(int, sizes)) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all that descend from it, so far."""
    tasks = [task for member in family(pid) for task in _tasks(member)]
    spent = [_read(task / "schedstat").split() for task in tasks]
    return sum(int(fields[0]) for fields in spent if fields) / 1e9


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = [int(child) for task in _tasks(pid) for child in _read(task / "children").split()]
    return [pid, *(member for child in children for member in family(child))]


@contextmanager
def started(
    contestant: Contestant, settings: Mapping[str, str], *, ask: bool = True
) -> Iterator[Running]:
    """Run a contestant as long as the block lasts.

    When it begins it has answered a score or, unless it is to be asked, listens.
    """
    values = {"OTHER_PORT": str(free_port()), "PORT": str(free_port())}
    values["FOLDER"] = str(version_prefix(contestant, settings))
    own = {name: filled(value, values) for name, value in contestant.variables.items()}
    threads = {"PORT": values["PORT"], "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [filled(word, values) for word in contestant.command],
            cwd=REPOSITORY,
            env={**os.environ, **threads, **settings, **own},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        connection = http.client.HTTPConnection("127.0.0.1", int(values["PORT"]), timeout=60)
        running = Running(contestant, process, connection, contestant.one([example()]))
        try:
            if not _answers(running, running.score if ask else connection.connect):
                errors.seek(0)
                raise NotStartedError(last_line(errors.read().decode(errors="replace")))
            yield running
        finally:
            connection.close()
            _end(process)


def prepare(contestant: Contestant, settings: Mapping[str, str]) -> None:
    """Lay out what a contestant serves from."""
    values = {"FOLDER": str(version_prefix(contestant, settings))}
    command = [filled(word, values) for word in contestant.prepare]
    if command:
        environment = {**os.environ, **settings}
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def version_prefix(contestant: Contestant, settings: Mapping[str, str]) -> Path:
    """Beside the trees' file."""
    return Path(settings.get("MODEL_FILE", "model")).parent / str(contestant.environment)


def filled(word: str, values: Mapping[str, str]) -> str:
    """Put values where a word names them."""
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def last_line(text: str) -> str:
    """Of a program's complaint, what it ends with."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")


def _answers(running: Running, attempt: Callable[[], object]) -> bool:
    deadline = time.perf_counter() + START_SECONDS
    patient = running.contestant.package is not None  # some listen before they have a model
    while time.perf_counter() < deadline and running.process.poll() is None:
        try:
            attempt()
        except (ConnectionError, http.client.HTTPException):
            running.connection.close()
        except RefusedError:
            if not patient:
                raise
        else:
            return True
        time.sleep(0.002)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it and its children to stop; those that do not are killed."""
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Of its session, that is it and its children, if any is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _tasks(pid: int) -> list[Path]:
    with suppress(FileNotFoundError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def _read(path: Path) -> str:
    """The text of a file of /proc; nothing once the process or thread has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return path.read_text()
    return ""
