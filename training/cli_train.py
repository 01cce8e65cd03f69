"""The command `python -m training train`: fit, evaluate, publish, and print the result."""

import argparse
import json
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.discovery import credit_models
from models.stores.preconditions import prove_preconditions
from models.stores.uri import open_store
from training.cli_registry import find_author, task_from_options
from training.mlflow_mirror import mirror_or_warn
from training.pipeline.observations import open_observations
from training.promotion import Selection, Verdict, release, select_family
from training.reading.options import DataOptions
from training.run import Trained, TrainingJob, prepare
from training.search_settings import SearchSettings, parse_parameters
from training.settings import TrainingSettings
from training.streaming.engine import Engine, require_use


def train_and_release(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train a model, publish it, and promote it if it passes every gate.

    A dry run publishes nothing. The result is one JSON object on standard output and a table on
    standard error. `--data warehouse:DAY` are the rows of the pipeline's feature table.
    """
    with open_observations(options.data, settings.pipeline) as data:
        _train_and_release(argparse.Namespace(**vars(options) | {"data": data}), settings)


def _train_and_release(options: argparse.Namespace, settings: TrainingSettings) -> None:
    store = open_store(options.store)
    # A service is tried before the work; a folder only when there is something to put into it.
    if not options.dry_run and not options.store.startswith("file:"):
        prove_preconditions(store)
    job = TrainingJob(
        model=credit_models(settings.credit_models)[options.model],
        data=DataOptions.from_arguments(options, settings.data_url),
        seed=options.seed,
        threads=settings.threads,
        max_refused_share=options.max_refused_share,
        families=tuple(options.family),
        last_months=options.last_months,
        refused=options.refused,
        search=SearchSettings(
            budget=options.budget,
            trials=options.trials,
            journal=options.journal,
            parameters=parse_parameters(options.parameters),
            balance=options.balance,
        ),
        engine=require_use(
            Engine(
                name=options.engine, sample_rows=options.sample_rows, scheduler=options.scheduler
            )
        ),
    )
    selection = select_family(prepare(job), store)
    trained, verdict = selection.trained, selection.verdict
    version = None if options.dry_run else release(trained, verdict, store, find_author())
    _print_table(trained, verdict)
    would = {"would_promote": verdict.outcome == "promoted"} if options.dry_run else {}
    print(json.dumps(_summarise(selection, version) | would))
    if version:
        mirror_or_warn(task_from_options(options, settings), [version])


def _summarise(selection: Selection, version: str | None) -> dict[str, object]:
    manifest, verdict = selection.trained.manifest, selection.verdict
    return {
        "outcome": verdict.outcome,
        "model": manifest.model,
        "version": version,
        "family": manifest.family,
        "passed_over": [asdict(family) for family in selection.passed_over],
        "metrics": {name: round(figure.value, 6) for name, figure in manifest.metrics.items()},
        "gates": {gate.name: gate.passed for gate in verdict.gates},
        "warnings": [gate.name for gate in verdict.warnings],
        "remedies": {gate.name: gate.remedy for gate in verdict.failures},
        "rows_refused": selection.trained.data.rows.refused,
        "search": {
            result.candidate.family: {
                "trials": result.search.trials,
                "pruned": result.search.pruned,
                "seconds": round(result.search.seconds, 1),
                "ended_by": result.search.ended_by,
            }
            for result in selection.trained.families
            if result.search
        },
    }


def _print_table(trained: Trained, verdict: Verdict) -> None:
    manifest = trained.manifest
    rows = f"{manifest.provenance.rows_test} test rows"
    table = Table(title=f"{manifest.model}: {manifest.family} on {rows}", title_justify="left")
    for heading in ("figure", "value", "95 % interval"):
        table.add_column(heading)
    for name, figure in manifest.metrics.items():
        table.add_row(name, f"{figure.value:.4f}", f"{figure.low:.4f} to {figure.high:.4f}")
    for gate in verdict.gates:
        table.add_row(escape(gate.name), gate.verdict, escape(gate.reason))
    console = Console(stderr=True)
    console.print(table)
    for gate in verdict.failures:
        console.print(escape(f"{gate.name} failed. What would help: {gate.remedy}."))
