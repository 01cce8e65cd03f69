"""The command `export-sql`: a version of an additive family, written as one SQL statement."""

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from models.discovery import credit_models
from models.errors import DeclarationError, RegistryError
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.registry.pointer import find_pointer
from models.registry.versions import read_by_name
from models.stores.uri import open_store
from training.pipeline.dialects import Dialect
from training.scoring_sql.sql_text import SqlText
from training.scoring_sql.statement import ScoredTable, write_statement
from training.settings import TrainingSettings


def add_export_command(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add `export-sql` to the subcommands of a parser."""
    parser = commands.add_parser("export-sql", help="write a version as SQL for a warehouse")
    parser.set_defaults(run=export_version)
    parser.add_argument("--model", required=True, help="name of the model in the catalogue")
    parser.add_argument("--version", help="name of a version (default: the champion)")
    parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
    parser.add_argument("--dialect", choices=list(get_args(Dialect)), required=True)
    parser.add_argument(
        "--table", help="the table of applications to read (default: the name of the model)"
    )
    parser.add_argument(
        "--key", action="append", default=[], help="a column that the results repeat; repeatable"
    )
    parser.add_argument(
        "--mapping",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="the column of a field that is not called like it; repeatable",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="FIELD",
        help="an optional or protected field that the table does not have; repeatable",
    )
    parser.add_argument("--output", type=Path, required=True, help="the .sql file to write")


def export_version(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the statement of a version, once its golden rows score as they must."""
    model = credit_models(settings.credit_models)[options.model]
    store = open_store(options.store)
    pointer = find_pointer(store, options.model)
    if options.version is None and pointer is None:
        message = f"{options.model} has no champion; set --version"
        raise RegistryError(message)
    name = options.version or (pointer and pointer.champion.version)
    version, data = read_by_name(store, options.model, str(name))
    scorer = scorer_from_bundle(bundle_from_bytes(data), model)
    table = ScoredTable(
        name=options.table or options.model,
        keys=options.key,
        mapping=dict(map(_split_mapping, options.mapping)),
        without=frozenset(options.without),
    )
    text = write_statement(scorer, version.version, table, SqlText(options.dialect))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text)
    summary = {"outcome": "written", "model": options.model, "version": version.version}
    summary |= {"family": scorer.estimator.family, "dialect": options.dialect}
    print(json.dumps(summary | {"output": str(options.output)}))


def _split_mapping(text: str) -> tuple[str, str]:
    name, separator, column = text.partition("=")
    if not (name and separator and column):
        message = f"--mapping {text}: must be FIELD=COLUMN"
        raise DeclarationError(message)
    return name, column
