"""The command `python -m training compare-versions`: a page on two published versions."""

import argparse
import json
from pathlib import Path
from typing import Any

from models.discovery import credit_models
from models.errors import DataError
from models.stores.uri import open_store
from training.reading.arguments import add_data_options
from training.settings import TrainingSettings

PAIR = 2
SEED = 42  # of a generator, where --data is not a file


def add_report_commands(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add the command to the subcommands of a parser."""
    parser = commands.add_parser(
        "compare-versions", help="write a page that compares two published versions"
    )
    parser.set_defaults(run=_compare_versions)
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument(
        "--version",
        action="append",
        required=True,
        help="name of a version; given twice, the old one first",
    )
    add_data_options(parser)
    parser.add_argument("--output", type=Path, required=True, help="the .html file to write")


def _compare_versions(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the page, and its numbers as JSON beside it."""
    # The libraries of training take seconds to import, and no other command needs them.
    from training.reading.data import DataRequest  # noqa: PLC0415
    from training.reading.options import DataOptions  # noqa: PLC0415
    from training.reporting.version_comparison import (  # noqa: PLC0415
        compare_versions,
        render_comparison,
    )

    if len(options.version) != PAIR or options.output.suffix != ".html":
        message = "compare-versions needs --version twice, and an --output that ends in .html"
        raise DataError(message)
    model = credit_models(settings.credit_models)[options.model]
    data = DataOptions.from_arguments(options, settings.data_url)
    rows = DataRequest(options=data, seed=SEED) if data.values else None
    old, new = options.version
    document = compare_versions(open_store(options.store), model, (old, new), rows)
    figures = json.dumps(document, indent=1, allow_nan=False)
    try:
        options.output.write_text(render_comparison(document))
        options.output.with_suffix(".json").write_text(figures)
    except OSError as error:
        message = f"--output {options.output}: cannot be written: {error.strerror}"
        raise DataError(message) from error
    print(json.dumps({"old": old, "new": new, "output": str(options.output)}))
