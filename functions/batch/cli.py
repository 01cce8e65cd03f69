"""The command line `python -m functions.batch`: its parser, its progress, its exit codes.

The last line of standard output is one JSON object. Progress goes to standard error.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from functions.batch.audit import add_audit_commands, uri_from_text
from functions.batch.execution import BatchTask, MustStop
from functions.batch.jobs import Jobs
from functions.batch.part_scoring import StoppedError
from functions.batch.plans import BatchRequest
from functions.batch.runs import Shard
from functions.batch.settings import read_job_settings, read_task_settings
from functions.batch.verification import verify_runs
from functions.batch.worker import CancelWatch
from models.data_file import DIALECT_OPTIONS
from models.errors import (
    DataError,
    DeclarationError,
    FeatureError,
    SuretyError,
    UnknownModelError,
)
from models.stores.uri import open_store

EXIT_RAN, EXIT_FAILED, EXIT_UNUSABLE = 0, 1, 2
UNUSABLE = (DataError, DeclarationError, FeatureError, UnknownModelError)
LIST_OPTIONS = ("symbols", "missing")
NUMBER_OPTIONS = ("skip_lines",)
LINE_EVERY_ROWS = 1_000_000  # where there is no terminal


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0: it ran. 2: bad data or arguments, and nothing was scored. 1: any other error, or a signal to
    stop: the same command goes on from there.
    """
    options = build_parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace, MustStop], dict[str, Any]] = options.run
        with stopping_on_signals() as must_stop:
            outcome = run(options, must_stop)
        print(json.dumps(outcome))
    except StoppedError as error:
        say(f"stopped: {error}; start the same command again to go on")
        print(json.dumps({"outcome": "stopped"}))
        return EXIT_FAILED
    except SuretyError as error:
        say(f"error: {error}")
        return EXIT_UNUSABLE if isinstance(error, UNUSABLE) else EXIT_FAILED
    return EXIT_FAILED if outcome["outcome"] == "faulty" else EXIT_RAN


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    description = "Score a file of applications."
    parser = argparse.ArgumentParser(prog="python -m functions.batch", description=description)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    score = commands.add_parser("score", help="score a CSV or Parquet file")
    score.set_defaults(run=score_file)
    score.add_argument("--model", required=True, help="name of the model in the catalogue")
    score.add_argument("--input", required=True, help="the file: a path, file://, gs:// or s3://")
    score.add_argument("--output", required=True, help="the folder or prefix of the results")
    score.add_argument(
        "--reasons",
        nargs="?",
        const="adverse",
        default="none",
        choices=["none", "adverse", "all"],
        help="give reasons to everyone who is not approved (adverse), or to all",
    )
    score.add_argument("--dry-run", action="store_true", help="check every row, write nothing")
    score.add_argument(
        "--mapping", action="append", default=[], metavar="FIELD=COLUMN", help="can be repeated"
    )
    score.add_argument(
        "--without", action="append", default=[], metavar="FIELD", help="the file has no column"
    )
    score.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="repeat it in the results"
    )
    dialect = score.add_argument_group("how a CSV is written (default: as the model declares)")
    for name in DIALECT_OPTIONS:
        many = {"action": "append"} if name in LIST_OPTIONS else {}
        dialect.add_argument(f"--{name.replace('_', '-')}", **many)  # type: ignore[arg-type]  # of argparse
    run = commands.add_parser("run", help="score a batch that the API has accepted")
    run.set_defaults(run=run_batch)
    run.add_argument("--batch", required=True, help="the id of the batch in BATCH_STORE")
    verify = commands.add_parser("verify", help="verify the records of the runs of an output")
    verify.set_defaults(run=verify_output)
    verify.add_argument("--output", required=True, help="the folder or prefix of the results")
    add_audit_commands(commands)
    return parser


def verify_output(options: argparse.Namespace, _must_stop: MustStop) -> dict[str, Any]:
    """Verify all runs below a folder; a fault is the exit code 1."""
    settings = read_task_settings()
    uri = uri_from_text(options.output)
    return verify_runs(open_store(uri), settings.anchors, settings.seals_by_name, uri)


def run_batch(options: argparse.Namespace, must_stop: MustStop) -> dict[str, Any]:
    """Score this task's share of a batch, as a job of the platform does."""
    settings, store, uri = read_job_settings()
    jobs = Jobs(store, uri)
    job = jobs.read(options.batch)
    watch = CancelWatch(must_stop, lambda: jobs.is_cancelled(job))
    execution = BatchTask(
        settings=settings,
        request=job.request,
        output=store,
        uri=uri,
        folder=job.folder,
        must_stop=watch.must_stop,
        show=showing_rows,
    )
    try:
        return execution.score()
    except UNUSABLE as error:
        jobs.end(job, "failed", {"detail": str(error)})
        raise


def score_file(options: argparse.Namespace, must_stop: MustStop) -> dict[str, Any]:
    """Score the parts of this task, and return what the last line prints."""
    uri = uri_from_text(options.output)
    execution = BatchTask(
        settings=read_task_settings(),
        request=request_from_options(options),
        output=open_store(uri),
        uri=uri,
        must_stop=must_stop,
        show=showing_rows,
    )
    return execution.check() if options.dry_run else execution.score()


def request_from_options(options: argparse.Namespace) -> BatchRequest:
    """Read the request from the options of a command line."""
    dialect: dict[str, Any] = {}
    for name in DIALECT_OPTIONS:
        value = getattr(options, name)
        if value is not None:
            dialect[name] = _dialect_value(name, value)
    return BatchRequest(
        model=options.model,
        input=options.input,
        mapping=dict(map(_split_pair, options.mapping)),
        without=tuple(options.without),
        keep=tuple(options.keep),
        reasons=options.reasons,
        dialect=dialect,
    )


def _dialect_value(name: str, value: Any) -> Any:  # noqa: ANN401 -- an option
    if name == "columns":
        return tuple(value.split(","))
    if name in NUMBER_OPTIONS:
        if not value.isdigit():
            message = f"--{name.replace('_', '-')}: must be a number from 0, not {value!r}"
            raise DataError(message)
        return int(value)
    if name in LIST_OPTIONS:
        return tuple(value)
    return {"\\t": "\t"}.get(value, value)


def _split_pair(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not equals:
        message = f"--mapping {text}: it must be written as FIELD=COLUMN"
        raise DataError(message)
    return name, column


@contextmanager
def stopping_on_signals() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and SIGINT into a wish that is asked for; a second one ends the process."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def showing_rows(rows: int, shard: Shard) -> Iterator[Callable[[int], None]]:
    """Show how many rows are done: a bar on a terminal, a line for each million elsewhere."""
    console = Console(stderr=True)
    title = f"task {shard.index + 1} of {shard.count}" if shard.count > 1 else "rows"
    if not console.is_terminal:
        counter = _LineCounter(title, rows)
        yield counter.advance
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=rows)
        yield lambda count: progress.advance(task, count)


class _LineCounter:
    """Prints a line for each million rows."""

    def __init__(self, title: str, rows: int) -> None:
        self._title, self._rows, self._done = title, rows, 0

    def advance(self, count: int) -> None:
        before, self._done = self._done, self._done + count
        if self._done // LINE_EVERY_ROWS > before // LINE_EVERY_ROWS or self._done == self._rows:
            say(f"{self._title}: {self._done} of {self._rows}")


def say(line: str) -> None:
    """Print one line to standard error. Standard output is reserved for results."""
    print(line, file=sys.stderr, flush=True)
