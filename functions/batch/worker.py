"""What scores batches behind the API: a thread of this process, or a job of the platform."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from functions.batch.execution import Advance, BatchTask, Show
from functions.batch.jobs import BatchJob, Jobs
from functions.batch.part_scoring import StoppedError
from functions.batch.plans import find_file
from functions.batch.runs import Shard
from functions.batch.settings import TaskSettings
from functions.web.logs import log
from functions.web.problems import TemporaryError
from models.errors import StoreUnavailableError, SuretyError

POLL_SECONDS = 2.0  # between two looks whether a batch was cancelled
StartJob = Callable[[str], str]  # a batch's id to the name of its execution


@dataclass(frozen=True)
class Worker:
    """Scores one batch after the other. Another process may do the same: parts are written once.

    `start_job` starts the platform's job for files of `job_from_bytes` or more; without it every
    file is scored here.
    """

    settings: TaskSettings
    jobs: Jobs
    start_job: StartJob | None = None
    job_from_bytes: int = 0
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="batch")
    )
    _stop: threading.Event = field(default_factory=threading.Event)
    _rows_done: dict[str, int] = field(default_factory=dict)

    def submit(self, job: BatchJob) -> None:
        """Begin a batch: start the job of a large file, or score it as soon as there is time.

        Raises
        ------
        DataError
            If its file is not there.
        JobUnavailableError
            If the job cannot be started now.
        """
        if not self._start_large(job):
            self._threads.submit(self.run, job)

    def score_now(self, job: BatchJob) -> None:
        """Score a small file before returning, or start the job of a large one.

        Raises as `submit`.
        """
        if not self._start_large(job):
            self.run(job)

    def resume_open(self) -> None:
        """Go on with the batches that another process has left."""
        for job in self.jobs.list_open():
            try:
                self.submit(job)
            except (TemporaryError, StoreUnavailableError) as error:
                log("ERROR", "batch not resumed", batch=job.id, cause=str(error))
            except SuretyError as error:
                self.fail(job, error)

    def run(self, job: BatchJob) -> None:
        """Score a batch, or the share of it that is this task's, and write how it ended."""
        watch = CancelWatch(self._stop.is_set, lambda: self.jobs.is_cancelled(job))
        execution = replace(
            self._prepare(job), must_stop=watch.must_stop, show=self.counting(job.id)
        )
        try:
            if watch.must_stop() or self.jobs.find_ending(job)[0] is not None:
                return
            if job.dry_run:
                self.jobs.end(job, "checked", execution.check())
            else:
                outcome = execution.score()
                log("INFO", "batch scored", batch=job.id, rows=outcome["rows"])
        except StoppedError:
            log("INFO", "batch stopped", batch=job.id)
        except StoreUnavailableError as error:
            # Not the batch's fault: it stays open, and the next start goes on with it.
            log("ERROR", "batch interrupted", batch=job.id, cause=str(error))
        except SuretyError as error:
            self.fail(job, error)
        except Exception as error:  # noqa: BLE001 -- a thread has nobody else to tell
            log("ERROR", "batch crashed", batch=job.id, cause=f"{type(error).__name__}: {error}")
            self.jobs.end(job, "failed", {"detail": "the file could not be scored; see the log"})

    def counting(self, batch_id: str) -> Show:
        """Return what counts the rows of a batch, chunk by chunk, while this process scores it."""

        @contextmanager
        def count(_rows: int, _shard: Shard) -> Iterator[Advance]:
            def advance(rows: int) -> None:
                self._rows_done[batch_id] = self.rows_done(batch_id) + rows

            try:
                yield advance
            finally:
                self._rows_done.pop(batch_id, None)

        return count

    def rows_done(self, batch_id: str) -> int:
        """Return how many rows of a batch this process has scored, if it is at it now."""
        return self._rows_done.get(batch_id, 0)

    def close(self) -> None:
        """Stop after the chunk in progress; what is not finished is resumed at the next start."""
        self._stop.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, job: BatchJob) -> BatchTask:
        return BatchTask(
            settings=self.settings,
            request=job.request,
            output=self.jobs.store,
            uri=self.jobs.uri,
            folder=job.folder,
        )

    def _start_large(self, job: BatchJob) -> bool:
        file = find_file(job.request, self.settings.catalogue[job.request.model])
        if not self.start_job or file.state.size < self.job_from_bytes or job.dry_run:
            return False
        log("INFO", "batch job started", batch=job.id, execution=self.start_job(job.id))
        return True

    def fail(self, job: BatchJob, error: SuretyError) -> None:
        """Write that a batch cannot be scored; a store or platform that is down is no such cause.

        Raises
        ------
        TemporaryError, StoreUnavailableError
            If that is the error: it may be tried again.
        """
        if isinstance(error, TemporaryError | StoreUnavailableError):
            raise error
        log("WARNING", "batch failed", batch=job.id, cause=str(error))
        document: dict[str, Any] = {"detail": str(error)}
        self.jobs.end(job, "failed", document)


class CancelWatch:
    """Tells whether to stop: at once when this process does, else looking now and then."""

    def __init__(
        self,
        is_stopping: Callable[[], bool],
        is_cancelled: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_stopping = is_stopping
        self._is_cancelled = is_cancelled
        self._clock = clock
        self._next_look = -POLL_SECONDS
        self._cancelled = False

    def must_stop(self) -> bool:
        """Whether the batch was cancelled or the process ends."""
        if self._is_stopping() or self._cancelled:
            return True
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + POLL_SECONDS
            self._cancelled = self._is_cancelled()
        return self._cancelled
