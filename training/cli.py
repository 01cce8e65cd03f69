"""The command line `python -m training`: its parser and exit codes.

Every command prints one JSON object on its last line of standard output.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from models.discovery import credit_models
from models.errors import (
    DataError,
    DeclarationError,
    FeatureError,
    SuretyError,
    UnknownModelError,
)
from models.registry.bundle import ESTIMATOR_MEMBERS
from training.cli_export import add_export_command
from training.cli_monitoring import add_monitoring_commands
from training.cli_registry import add_commands, parse_count
from training.cli_report import add_report_commands
from training.days import parse_day
from training.mlflow_mirror import require_mlflow
from training.progress import say
from training.reading.arguments import MAX_REFUSED_SHARE, add_data_options
from training.search_settings import BUDGETS, Balance
from training.settings import TrainingSettings, settings_from_environment
from training.streaming.engine import LEAST_SAMPLE_ROWS, SAMPLE_ROWS, EngineName

DEFAULT_SEED = 42
HIGHEST_SEED = 2**32
MOST_TRIALS = 10_000

EXIT_RAN, EXIT_FAILED, EXIT_UNUSABLE = 0, 1, 2
EXIT_CODES: tuple[tuple[type[SuretyError], int], ...] = (
    (DataError, EXIT_UNUSABLE),
    (DeclarationError, EXIT_UNUSABLE),
    (FeatureError, EXIT_UNUSABLE),
    (UnknownModelError, EXIT_UNUSABLE),
    (SuretyError, EXIT_FAILED),
)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code.

    0: it ran. 2: bad data or arguments, and nothing was published. 1: any other error.
    """
    try:
        settings = settings_from_environment(environment)
        if settings.mlflow_tracking_uri:
            require_mlflow()
        options = build_parser(settings).parse_args(arguments)
        run: Callable[[argparse.Namespace, TrainingSettings], None] = options.run
        run(options, settings)
    except SuretyError as error:
        say(f"error: {error}")
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    return EXIT_RAN


def build_parser(settings: TrainingSettings) -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    description = "Train, publish and promote credit models."
    parser = argparse.ArgumentParser(prog="python -m training", description=description)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands, settings)
    _add_inspect(commands)
    _add_evaluate(commands, settings)
    add_commands(commands, settings)
    add_report_commands(commands, settings)
    add_export_command(commands, settings)
    add_monitoring_commands(commands, settings)
    _add_generate(commands)
    _add_pipeline(commands)
    return parser


def _add_train(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- argparse hides its type
    parser = commands.add_parser("train", help="fit, evaluate and publish one model")
    parser.set_defaults(run=_train)
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    add_data_options(parser)
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument("--seed", type=_parse_seed, default=DEFAULT_SEED)
    parser.add_argument(
        "--family",
        action="append",
        choices=list(ESTIMATOR_MEMBERS),
        default=[],
        help="train only this family; can be repeated (default: all families)",
    )
    parser.add_argument(
        "--last-months",
        type=parse_count,
        help="fit only to this many months before the test window (default: all of them)",
    )
    parser.add_argument(
        "--refused", type=Path, help="write the refused rows and their faults to this .csv file"
    )
    _add_search(parser)
    _add_engine(parser)
    parser.add_argument("--dry-run", action="store_true", help="evaluate, but write nothing")
    _add_refused_share(parser)


def _add_inspect(commands: Any) -> None:  # noqa: ANN401 -- likewise
    parser = commands.add_parser("inspect", help="show what a file has and how it is written")
    parser.set_defaults(run=_inspect)
    add_data_options(parser)
    parser.add_argument(
        "--write-model", type=Path, metavar="FILE", help="write a first model file to edit"
    )


def _add_evaluate(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- likewise
    parser = commands.add_parser("evaluate", help="judge a published version on labelled rows")
    parser.set_defaults(run=_evaluate)
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    parser.add_argument("--version", help="name of a version (default: the champion)")
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument("--seed", type=_parse_seed, default=DEFAULT_SEED)
    add_data_options(parser)
    parser.add_argument(
        "--held", action="store_true", help="use only rows of the quarter that no run fits"
    )
    _add_refused_share(parser)


def _add_refused_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-refused-share",
        type=_parse_share,
        default=MAX_REFUSED_SHARE,
        help="exit 2 if the contract refuses a larger share of the rows (default %(default)s)",
    )


def _add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--budget",
        choices=list(BUDGETS),
        default="quick",
        help="quick: no search; standard: minutes; thorough: an hour (default %(default)s)",
    )
    parser.add_argument(
        "--trials",
        type=_parse_trials,
        help="search so many trials of each family, however long they take",
    )
    parser.add_argument(
        "--journal", type=Path, help="a file that keeps the trials, so that a search can go on"
    )
    parser.add_argument(
        "--parameters",
        default="{}",
        metavar="JSON",
        help='given parameters by family, which is then not searched: {"lightgbm": {...}}',
    )
    parser.add_argument(
        "--balance",
        choices=list(get_args(Balance)),
        help="balance training rows, for parity with an earlier system only (default: as they are)",
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("more rows than memory has room for")
    group.add_argument(
        "--engine",
        choices=list(get_args(EngineName)),
        default="memory",
        help="stream: read Parquet in batches; dask: on several machines (default %(default)s)",
    )
    group.add_argument(
        "--sample-rows",
        type=_parse_sample,
        default=SAMPLE_ROWS,
        help="rows that choose, calibrate and judge if the engine streams (default %(default)s)",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask's scheduler (default: DASK_SCHEDULER_ADDRESS, or else two processes here)",
    )


def _add_generate(commands: Any) -> None:  # noqa: ANN401 -- likewise
    parser = commands.add_parser("generate", help="write synthetic rows")
    parser.set_defaults(run=_generate)
    parser.add_argument(
        "--model",
        default="application",
        help="name of the model in the catalogue (default %(default)s)",
    )
    parser.add_argument(
        "--rows",
        type=parse_count,
        help="number of rows, of a bank or book of customers (default: as many as training uses)",
    )
    parser.add_argument(
        "--source",
        choices=["bank", "book", "decisions"],
        help="write to a folder, up to --day: the tables of the pipeline's sources, a loan book, "
        "or what the champion decides on the customers of the warehouse",
    )
    parser.add_argument(
        "--day", type=parse_day, help="the last day of bank or book (default of a book: today)"
    )
    parser.add_argument(
        "--months", type=parse_count, help="how many months the bank's history has (default: 30)"
    )
    parser.add_argument("--seed", type=_parse_seed, default=DEFAULT_SEED)
    parser.add_argument(
        *("--output",),
        type=Path,
        required=True,
        help="a .csv or .parquet file; for bureau and a book a folder",
    )


def _add_pipeline(commands: Any) -> None:  # noqa: ANN401 -- likewise
    parser = commands.add_parser("ingest", help="load a day of a source into lake and warehouse")
    parser.set_defaults(run=_ingest)
    parser.add_argument("--source", required=True, help="name of the source in PIPELINE_SOURCES")
    _add_days(parser, "load every day from this one on")
    _add_refused_share(parser)
    parser = commands.add_parser("quality", help="check the tables of a day against their limits")
    parser.set_defaults(run=_quality)
    _add_days(parser, "check every day from this one on")
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="the .prom file of figures to write"
    )
    parser = commands.add_parser("features", help="compute the feature table as of a day")
    parser.set_defaults(run=_features)
    _add_days(parser, "compute the month ends from this day on as well")
    parser.add_argument(
        "--training",
        type=Path,
        metavar="FILE",
        help="write the rows whose outcome is known to this .parquet file",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="TABLE.CHECK",
        help="go on although this check of data quality failed; can be repeated",
    )
    parser = commands.add_parser("snapshot", help="publish a day's features, to be scored by id")
    parser.set_defaults(run=_snapshot)
    parser.add_argument("--model", default="customer", help="the credit model that reads them")
    parser.add_argument(
        "--day", type=parse_day, required=True, help="the day, as 2026-11-28; or yesterday"
    )
    parser = commands.add_parser("warehouse", help="create or check the tables of the warehouse")
    parser.set_defaults(run=_warehouse)
    parser.add_argument("action", choices=["init", "check", "compile"])


def _add_days(parser: argparse.ArgumentParser, since: str) -> None:
    parser.add_argument(
        "--day", type=parse_day, required=True, help="the day, as 2026-11-28; or yesterday"
    )
    parser.add_argument("--since", type=parse_day, metavar="DAY", help=since)


def _train(options: argparse.Namespace, settings: TrainingSettings) -> None:
    # The libraries of training take seconds to import, and no other command needs them.
    from training.cli_train import train_and_release  # noqa: PLC0415

    train_and_release(options, settings)


def _evaluate(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_evaluate import evaluate_version  # noqa: PLC0415 -- likewise

    evaluate_version(options, settings)


def _inspect(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_inspect import inspect_file  # noqa: PLC0415 -- likewise

    inspect_file(options, settings)


def _generate(options: argparse.Namespace, settings: TrainingSettings) -> None:
    if options.source == "bank":
        from training.cli_pipeline import write_bank  # noqa: PLC0415 -- likewise

        write_bank(options)
        return
    if options.source == "decisions":
        from training.cli_pipeline import write_decisions  # noqa: PLC0415 -- likewise

        write_decisions(options, settings)
        return
    from training.reading.sources import write_book, write_generated  # noqa: PLC0415 -- likewise

    if options.source == "book":
        as_of = options.day or datetime.now(UTC).date()
        tables = write_book(options.output, options.seed, options.rows, as_of)
        print(json.dumps({"tables": tables, "output": str(options.output)}))
        return
    model = credit_models(settings.credit_models)[options.model]
    rows = write_generated(model, options.output, options.seed, options.rows)
    print(json.dumps({"rows": rows, "output": str(options.output)}))


def _ingest(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_pipeline import run_ingest  # noqa: PLC0415 -- likewise

    run_ingest(options, settings)


def _quality(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_pipeline import run_quality  # noqa: PLC0415 -- likewise

    run_quality(options, settings)


def _features(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_pipeline import run_features  # noqa: PLC0415 -- likewise

    run_features(options, settings)


def _snapshot(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_pipeline import run_snapshot  # noqa: PLC0415 -- likewise

    run_snapshot(options, settings)


def _warehouse(options: argparse.Namespace, settings: TrainingSettings) -> None:
    from training.cli_pipeline import run_warehouse  # noqa: PLC0415 -- likewise

    run_warehouse(options, settings)


def _parse_share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        message = f"must be at least 0 and below 1, got {text}"
        raise argparse.ArgumentTypeError(message)
    return share


def _parse_trials(text: str) -> int:
    trials = int(text)
    if not 0 <= trials <= MOST_TRIALS:
        message = f"must be from 0 to {MOST_TRIALS}, got {text}"
        raise argparse.ArgumentTypeError(message)
    return trials


def _parse_sample(text: str) -> int:
    rows = int(text)
    if rows < LEAST_SAMPLE_ROWS:
        message = f"must be at least {LEAST_SAMPLE_ROWS}, got {text}"
        raise argparse.ArgumentTypeError(message)
    return rows


def _parse_seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < HIGHEST_SEED:
        message = f"must be from 0 to {HIGHEST_SEED - 1}, got {text}"
        raise argparse.ArgumentTypeError(message)
    return seed
