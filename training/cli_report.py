"""The commands `python -m training compare-versions` and `review`: versions side by side."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

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
    parser = commands.add_parser(
        "review", help="compare the champion with last year's, and rank columns it could read"
    )
    parser.set_defaults(run=_review)
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument(
        "--data", required=True, help="rows with the outcome: a file or folder, or warehouse:DAY"
    )


def _review(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Print the review as a table, and as JSON."""
    from training.pipeline.observations import open_observations  # noqa: PLC0415 -- likewise
    from training.reading.tabular_files import read_table  # noqa: PLC0415 -- likewise
    from training.yearly_review import review_model  # noqa: PLC0415 -- likewise

    model, store = credit_models(settings.credit_models)[options.model], open_store(options.store)
    with open_observations(options.data, settings.pipeline) as location:
        frame = read_table(str(location)).frame
    review = review_model(store, model, frame, datetime.now(UTC), SEED)
    _print_review(review)
    print(json.dumps(review))


def _print_review(review: dict[str, Any]) -> None:
    console = Console(stderr=True)
    before = review["year_before"] or "no other champion"
    table = Table(title=f"importances: {review['champion']}, and {before}", title_justify="left")
    for heading in ("field", "a year ago", "now"):
        table.add_column(heading)
    for one in review["importances"]:
        shares = ("-" if one[when] is None else f"{one[when]:.1%}" for when in ("before", "now"))
        table.add_row(one["field"], *shares)
    console.print(table)
    table = Table(title=f"columns of {review['rows']:,} rows", title_justify="left")
    for heading in ("column", "information value", "AUC alone", "missing", "read by the model"):
        table.add_column(heading)
    for one in review["candidates"]:
        figures = (f"{one['information_value']:.3f}", f"{one['auc']:.3f}", f"{one['missing']:.1%}")
        table.add_row(one["column"], *figures, "yes" if one["is_read"] else "")
    console.print(table)


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
