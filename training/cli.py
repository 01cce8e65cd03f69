"""Arguments in, one JSON object and an exit code out."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from models.discovery import credit_models, find_model
from models.errors import (
    DataError,
    DeclarationError,
    FeatureError,
    SuretyError,
    UnknownModelError,
)
from models.registry.bundle import ESTIMATOR_MEMBERS
from training.cli_registry import add_commands, count
from training.progress import say
from training.settings import Settings, settings_from

DEFAULT_SEED = 42
HIGHEST_SEED = 2**32
MAX_REFUSED_SHARE = 0.01

EXIT_RAN, EXIT_FAILED, EXIT_UNUSABLE = 0, 1, 2
EXIT_CODES: tuple[tuple[type[SuretyError], int], ...] = (
    (DataError, EXIT_UNUSABLE),
    (DeclarationError, EXIT_UNUSABLE),
    (FeatureError, EXIT_UNUSABLE),
    (UnknownModelError, EXIT_UNUSABLE),
    (SuretyError, EXIT_FAILED),
)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command. 0: it ran; 2: bad data or arguments, nothing published; 1: otherwise."""
    settings = settings_from(environment)
    options = _parser(settings).parse_args(arguments)
    run: Callable[[argparse.Namespace, Settings], None] = options.run
    try:
        run(options, settings)
    except SuretyError as error:
        say(f"error: {error}")
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    return EXIT_RAN


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train_parser = commands.add_parser("train", help="fit, judge and publish one model")
    train_parser.set_defaults(run=_train)
    train_parser.add_argument("--model", required=True, help="its name in the catalogue")
    train_parser.add_argument(
        "--data",
        help="a .csv or .parquet path or store URI; for bureau also a folder of tables",
    )
    train_parser.add_argument("--store", default=settings.model_store, help="model store URI")
    train_parser.add_argument("--seed", type=_seed, default=DEFAULT_SEED)
    train_parser.add_argument(
        "--family",
        action="append",
        choices=list(ESTIMATOR_MEMBERS),
        default=[],
        help="only these families compete; may be given more than once (default: all)",
    )
    train_parser.add_argument("--dry-run", action="store_true", help="judge, but write nothing")
    train_parser.add_argument(
        "--max-refused-share",
        type=_share,
        default=MAX_REFUSED_SHARE,
        help="more of the rows refused by the contract: exit 2 (default %(default)s)",
    )
    add_commands(commands, settings)
    generate_parser = commands.add_parser("generate", help="write synthetic rows")
    generate_parser.set_defaults(run=_generate)
    generate_parser.add_argument(
        "--model", default="application", help="its name in the catalogue (default %(default)s)"
    )
    generate_parser.add_argument("--rows", type=count, help="default: as many as training takes")
    generate_parser.add_argument("--seed", type=_seed, default=DEFAULT_SEED)
    generate_parser.add_argument(
        "--output", type=Path, required=True, help="a .csv or .parquet; for bureau a folder"
    )
    return parser


def _train(options: argparse.Namespace, settings: Settings) -> None:
    # Its libraries take seconds to import, and no other command needs them.
    from training.cli_train import train_and_release  # noqa: PLC0415

    train_and_release(options, settings)


def _generate(options: argparse.Namespace, settings: Settings) -> None:
    from training.sources import write_generated  # noqa: PLC0415 -- likewise

    model = find_model(credit_models(settings.credit_models), options.model)
    rows = write_generated(model, options.output, options.seed, options.rows)
    print(json.dumps({"rows": rows, "output": str(options.output)}))


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        message = "must be a share from 0 to below 1"
        raise argparse.ArgumentTypeError(message)
    return share


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < HIGHEST_SEED:
        message = f"must be from 0 to {HIGHEST_SEED - 1}"
        raise argparse.ArgumentTypeError(message)
    return seed
