"""The commands of the data pipeline: `ingest`, `quality`, `features` and `warehouse`."""

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.catalogue.customer import Customer
from models.discovery import credit_models
from models.errors import DataError, DeclarationError
from models.registry.serving import load_champion
from models.stores.uri import open_store
from training.pipeline.delivery import Address
from training.pipeline.feature_queries import write_compiled
from training.pipeline.feature_table import (
    INPUTS,
    CustomerFeatureRow,
    load_features,
    month_ends,
)
from training.pipeline.ingest import DayResult, Ingestion, ingest
from training.pipeline.lake import Lake
from training.pipeline.observations import write_observations
from training.pipeline.quality import (
    Checks,
    QualityCheckRow,
    check_quality,
    describe_failures,
    require_quality,
)
from training.pipeline.quality_figures import list_quality_figures
from training.pipeline.quality_limits import read_quality_limits
from training.pipeline.snapshot import publish_features
from training.pipeline.source_file import read_source_file
from training.pipeline.source_table import SourceTable
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import LoadRow, Warehouse
from training.pipeline.warehouse_url import open_warehouse
from training.progress import show_steps
from training.prometheus_text import write_figures
from training.reading.tabular_files import write_table
from training.settings import PipelineSettings, TrainingSettings
from training.synthetic.bank import CUSTOMERS, MONTHS, generate_bank
from training.synthetic.bank_decisions import write_bank_decisions

WAREHOUSE_TABLES: Mapping[str, type[SourceTable]] = TABLES | {
    row.table: row for row in (LoadRow, QualityCheckRow, CustomerFeatureRow)
}
MANY_DAYS = 7  # from which progress is shown
MOST_FAILURES = 10  # that a message names


def run_ingest(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Load a day of a source, or all days since another, and print what became of each table."""
    pipeline = settings.pipeline
    days = list_days(options.since, options.day)
    ingestion = Ingestion(
        source=read_source_file(pipeline.source_file).find(options.source),
        address=_find_address(options.source, pipeline),
        max_refused_share=options.max_refused_share,
    )
    lake = Lake(open_store(pipeline.lake_uri))
    results: list[DayResult] = []
    shows = len(days) >= MANY_DAYS
    with (
        _open(pipeline) as warehouse,
        show_steps(f"days of {options.source}", len(days)) if shows else nullcontext() as advance,
    ):
        warehouse.initialise(WAREHOUSE_TABLES)
        for result in ingest(ingestion, days, lake, warehouse):
            results.append(result)
            if advance:
                advance()
    _print_results(options.source, options.day, results[-1])
    print(json.dumps(_summarise(options.source, days, results)))


def run_quality(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Check the quality of a day, or of all days since another, and print what failed.

    Raises
    ------
    DataError
        If a check failed. The verdicts are stored all the same, and the result printed.
    """
    days = list_days(options.since, options.day)
    limits = read_quality_limits(settings.pipeline.quality_file)
    with _open(settings.pipeline) as warehouse:
        warehouse.initialise(WAREHOUSE_TABLES)
        checks = check_quality(warehouse, days, limits)
    if options.metrics is not None:
        write_figures(options.metrics, list_quality_figures(checks, options.day))
    _print_checks(checks, options.day)
    failures = describe_failures(checks)
    outcomes = [check.outcome for judged in checks.values() for check in judged]
    summary = {
        "outcome": "failed" if failures else "passed",
        "day": options.day.isoformat(),
        "days": len(days),
        "checks": {kind: outcomes.count(kind) for kind in ("passed", "failed", "not_enough")},
        "failures": failures,
    }
    print(json.dumps(summary))
    if failures:
        more = len(failures) - MOST_FAILURES
        also = f"; and {more} more" if more > 0 else ""
        message = f"data quality: {'; '.join(failures[:MOST_FAILURES])}{also}"
        raise DataError(message)


def run_features(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compute the features of a day, or of the month ends since another one as well."""
    days = month_ends(options.since, options.day) if options.since else [options.day]
    with _open(settings.pipeline) as warehouse:
        warehouse.initialise(WAREHOUSE_TABLES)
        require_quality(warehouse, days, INPUTS, options.accept)
        rows = load_features(warehouse, days)
        labelled = _write_training(warehouse, options.day, options.training)
    summary = {
        "outcome": "computed",
        "day": options.day.isoformat(),
        "days": len(days),
        "rows": rows,
        "accepted": options.accept,
        "training": labelled,
    }
    print(json.dumps(summary))


def run_snapshot(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Publish the features of a day, from which the scoring service looks applicants up."""
    model = credit_models(settings.credit_models)[options.model]
    store = open_store(settings.pipeline.feature_store_uri)
    with _open(settings.pipeline) as warehouse:
        published = publish_features(warehouse, store, model, options.day)
    summary = {"outcome": "published", "model": options.model, "day": options.day.isoformat()}
    print(json.dumps(summary | asdict(published)))


def run_warehouse(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Create the missing tables of the warehouse, or compare its tables with the contracts.

    `compile` writes the queries of features in the dialects of other databases.

    Raises
    ------
    DataError
        If a table differs from its contract.
    """
    if options.action == "compile":
        print(json.dumps({"outcome": "compiled", "files": len(write_compiled())}))
        return
    with _open(settings.pipeline) as warehouse:
        created = warehouse.initialise(WAREHOUSE_TABLES) if options.action == "init" else []
        faults = warehouse.check(WAREHOUSE_TABLES)
    if faults:
        raise DataError("the warehouse differs from the contracts: " + "; ".join(faults))
    print(json.dumps({"outcome": "checked", "created": created, "tables": len(WAREHOUSE_TABLES)}))


def write_bank(options: argparse.Namespace) -> None:
    """Write what the sources of a synthetic bank deliver: a .parquet file for each table.

    Raises
    ------
    DeclarationError
        If no day is given.
    """
    if options.day is None:
        message = "--source bank needs --day, the last day of its history"
        raise DeclarationError(message)
    customers, months = options.rows or CUSTOMERS, options.months or MONTHS
    bank = generate_bank(options.day, options.seed, customers, months)
    for name, table in bank.tables.items():
        write_table(table, options.output / f"{name}.parquet")
    rows = {name: len(table) for name, table in bank.tables.items()}
    summary = {"output": str(options.output), "first_day": bank.first_day.isoformat(), "rows": rows}
    print(json.dumps(summary))


def write_decisions(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write what the champion of `customer` decides on the bank's customers, and the outcomes.

    Raises
    ------
    DeclarationError
        If no day is given.
    """
    if options.day is None:
        message = "--source decisions needs --day, the last day of the log"
        raise DeclarationError(message)
    champion = load_champion(open_store(settings.model_store), Customer)
    with _open(settings.pipeline) as warehouse:
        rows = write_bank_decisions(warehouse, champion, options.day, options.output)
    print(json.dumps({"output": str(options.output), "version": champion.version, "rows": rows}))


def list_days(since: date | None, day: date) -> list[date]:
    """Return all days from `since` to `day`, or the day alone.

    Raises
    ------
    DeclarationError
        If `since` is after the day.
    """
    first = since or day
    if first > day:
        message = f"--since {first} is after --day {day}"
        raise DeclarationError(message)
    return [first + timedelta(days=number) for number in range((day - first).days + 1)]


def _write_training(warehouse: Warehouse, day: date, file: Path | None) -> dict[str, object] | None:
    """Write the feature rows whose outcome is known, if a file is given."""
    if file is None:
        return None
    return {"file": str(file), "rows": write_observations(warehouse, day, file)}


def _open(settings: PipelineSettings) -> AbstractContextManager[Warehouse]:
    return open_warehouse(settings.warehouse_url, settings.warehouse_secret)


def _find_address(source: str, settings: PipelineSettings) -> Address:
    if source not in settings.addresses:
        message = f"SOURCE_URL_{source.upper()} is not set: it is the address of the source"
        raise DeclarationError(message)
    return Address(source, settings.addresses[source], settings.tokens.get(source, ""))


def _print_results(source: str, day: date, results: DayResult) -> None:
    table = Table(title=f"{source}, {day}", title_justify="left")
    for heading in ("table", "rows", "refused", "outcome", "load"):
        table.add_column(heading)
    for name, result in results.items():
        table.add_row(name, str(result.rows), str(result.refused), result.outcome, result.load)
    Console(stderr=True).print(table)


def _print_checks(checks: Checks, day: date) -> None:
    table = Table(title=f"data quality of {day}", title_justify="left")
    for heading in ("table", "passed", "failed", "not enough", "what failed"):
        table.add_column(heading)
    for (name, judged_day), judged in checks.items():
        if judged_day == day:
            outcomes = [check.outcome for check in judged]
            counts = [str(outcomes.count(kind)) for kind in ("passed", "failed", "not_enough")]
            failed = [check.describe() for check in judged if check.outcome == "failed"]
            table.add_row(name, *counts, "; ".join(failed))
    Console(stderr=True).print(table)


def _summarise(
    source: str, days: Sequence[date], results: Sequence[DayResult]
) -> dict[str, object]:
    changed = any(table.outcome == "loaded" for result in results for table in result.values())
    return {
        "outcome": "loaded" if changed else "unchanged",
        "source": source,
        "day": days[-1].isoformat(),
        "days": len(days),
        "rows": sum(table.rows for result in results for table in result.values()),
        "refused": sum(table.refused for result in results for table in result.values()),
        "tables": {name: asdict(table) for name, table in results[-1].items()},
    }
