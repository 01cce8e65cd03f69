"""The commands `python -m training outcomes` and `monitor`."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.discovery import credit_models
from models.errors import DataError, RegistryError, SuretyError
from models.registry.monitored_figures import list_figures
from models.registry.pointer import Pointer, find_pointer
from models.stores.store import Store
from models.stores.uri import open_store
from training.cli_registry import find_author
from training.days import parse_day
from training.prometheus_text import write_figures
from training.reading.arguments import add_data_options
from training.settings import TrainingSettings

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 8  # that a message lists
EARLIEST = date(2000, 1, 1)
MOST_WINDOW_DAYS = 366


def add_monitoring_commands(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add the commands to the subcommands of a parser."""
    outcomes = commands.add_parser(
        "outcomes", help="join outcomes that became known to the decisions of a log"
    )
    outcomes.set_defaults(run=_store_outcomes)
    _add_shared(outcomes, settings)
    add_data_options(outcomes)
    monitor = commands.add_parser(
        "monitor", help="measure drift, performance and challenger of a model on a day"
    )
    monitor.set_defaults(run=_monitor)
    _add_shared(monitor, settings)
    monitor.add_argument(
        "--window-days", type=_parse_days, default=28, help="days that are compared (28)"
    )
    monitor.add_argument("--output", type=Path, help="the .html page to write")
    monitor.add_argument("--metrics", type=Path, help="a .prom file of Prometheus metrics to write")
    monitor.add_argument(
        "--fail-on-signal", action="store_true", help="exit with 1 if a signal fired"
    )
    monitor.add_argument(
        "--apply-answer",
        action="store_true",
        help="promote or retire the challenger, if the answer is certain and its gates passed",
    )


def _add_shared(parser: argparse.ArgumentParser, settings: TrainingSettings) -> None:
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument(
        "--log",
        required=True,
        help="decision log: a file, a folder, or bigquery://PROJECT/DATASET/TABLE",
    )
    parser.add_argument(
        "--day",
        type=parse_day,
        default=datetime.now(UTC).date(),
        help="the day, as 2026-11-30, or yesterday; today in UTC if it is left out",
    )


def _store_outcomes(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Join, store and count outcomes."""
    # The libraries of training take seconds to import, and no other command needs them.
    from models.registry.serving import load_version  # noqa: PLC0415
    from training.monitoring.bigquery_log import open_log  # noqa: PLC0415
    from training.monitoring.decisions import read_decisions  # noqa: PLC0415
    from training.monitoring.outcomes import join_outcomes, store_outcomes  # noqa: PLC0415

    model, store = credit_models(settings.credit_models)[options.model], open_store(options.store)
    pointer = _require_pointer(store, options.model)
    outcomes = _read_outcomes(options, settings)
    with open_log(options.log, options.model, EARLIEST, options.day) as log:
        decisions = read_decisions(options.model, log, EARLIEST, options.day)
    challenger = pointer.challenger.version if pointer.challenger else None
    versions = filter(None, (pointer.champion, challenger))
    scorers = {one.version: load_version(store, model, one).scorer for one in versions}
    joined = join_outcomes(decisions, outcomes, scorers)
    name = None
    if len(joined.frame):
        name = store_outcomes(store, options.model, options.day, joined.frame)
    summary = {
        "model": options.model,
        "day": options.day.isoformat(),
        "joined": len(joined.frame),
        "defaults": int(joined.frame["outcome"].sum()),
        "excluded": joined.excluded,
        "unmatched": joined.unmatched,
        "decisions_without_outcome": joined.open,
        "object": name,
    }
    print(json.dumps(summary))


def _read_outcomes(options: argparse.Namespace, settings: TrainingSettings) -> "pd.Series":
    from models.data_file import DataFile  # noqa: PLC0415
    from training.monitoring.outcomes import LABEL, read_outcomes  # noqa: PLC0415
    from training.reading.options import DataOptions  # noqa: PLC0415
    from training.reading.tabular_files import read_table  # noqa: PLC0415

    if not options.data:
        message = "name the file of outcomes with --data"
        raise DataError(message)
    declared = DataOptions.from_arguments(options, settings.data_url).declare(DataFile())
    table = read_table(options.data, declared.csv)
    if table.misshapen:
        rows = ", ".join(map(str, list(table.misshapen)[:MOST_ROWS]))
        message = (
            f"--data {options.data}: rows {rows} have other numbers of cells than the header; "
            "correct them, or declare how the file is written"
        )
        raise DataError(message)
    label = declared.outcome_column or LABEL
    return read_outcomes(table.frame, declared.csv, declared.outcome, label)


def _monitor(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure a day, keep it, and write the page and the metrics if they are asked for."""
    from training.monitoring.bigquery_log import open_log  # noqa: PLC0415
    from training.monitoring.day import (  # noqa: PLC0415
        MonitoredDay,
        measure_day,
        store_day,
    )
    from training.monitoring.page import render_day  # noqa: PLC0415

    if options.output is not None and options.output.suffix != ".html":
        message = f"--output {options.output}: the file name must end in .html"
        raise DataError(message)
    model, store = credit_models(settings.credit_models)[options.model], open_store(options.store)
    first = options.day - timedelta(days=options.window_days)
    with open_log(options.log, options.model, first, options.day) as log:
        job = MonitoredDay(model=model, day=options.day, log=log, window_days=options.window_days)
        pointer = _require_pointer(store, options.model)
        document = measure_day(job, store, pointer)
    name = store_day(job, store, document)
    _write(options.output, lambda: render_day(document))
    if options.metrics is not None:
        write_figures(options.metrics, list_figures(document))
    fired = [s for s in document["signals"] if s["state"] == "fired"]
    summary = {key: document[key] for key in ("model", "day", "version", "status", "window")}
    applied = _apply(options, store, pointer, document) if options.apply_answer else None
    print(json.dumps(summary | {"object": name, "fired": fired, "challenger": applied}))
    if fired and options.fail_on_signal:
        message = f"{options.model}: {len(fired)} signals fired, first: {fired[0]['text']}"
        raise SignalFiredError(message)


def _apply(
    options: argparse.Namespace,
    store: Store,
    pointer: Pointer,
    document: dict[str, Any],
) -> dict[str, Any]:
    from training.monitoring.answer import apply_answer  # noqa: PLC0415 -- likewise
    from training.monitoring.challenger import ChallengerFigures  # noqa: PLC0415 -- likewise

    figures = ChallengerFigures(**document["challenger"]) if document["challenger"] else None
    reason = f"monitoring of {options.day}"
    if figures:
        reason += f": {figures.log_loss_difference:+.5f} log-loss over {figures.rows} outcomes"
    applied = apply_answer(store, pointer, figures, find_author(reason))
    return asdict(applied)


class SignalFiredError(SuretyError):
    """A signal fired, and the command was asked to fail then."""


def _require_pointer(store: Store, model_name: str) -> Pointer:
    pointer = find_pointer(store, model_name)
    if pointer is None:
        message = f"{model_name} has no champion; promote a version before you monitor it"
        raise RegistryError(message)
    return pointer


def _write(path: Path | None, build: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(build())
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise DataError(message) from error


def _parse_days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WINDOW_DAYS:
        message = f"must be a whole number from 1 to {MOST_WINDOW_DAYS}, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)
