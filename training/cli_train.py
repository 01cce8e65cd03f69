"""The command `python -m training train`: fit, evaluate, publish, and print the result."""

import argparse
import json

from rich.console import Console
from rich.table import Table

from models.discovery import credit_models
from models.stores.preconditions import prove_preconditions
from models.stores.uri import open_store
from training.cli_registry import find_author
from training.promotion import Verdict, judge, release
from training.run import Trained, TrainingJob, train
from training.search_settings import SearchSettings, parse_parameters
from training.settings import TrainingSettings


def train_and_release(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train a model, publish it, and promote it if it passes every gate.

    A dry run publishes nothing. The result is one JSON object on standard output and a table on
    standard error.
    """
    store = open_store(options.store)
    # A service is tried before the work; a folder only when there is something to put into it.
    if not options.dry_run and not options.store.startswith("file:"):
        prove_preconditions(store)
    job = TrainingJob(
        model=credit_models(settings.credit_models)[options.model],
        data=options.data,
        seed=options.seed,
        threads=settings.threads,
        max_refused_share=options.max_refused_share,
        families=tuple(options.family),
        search=SearchSettings(
            budget=options.budget,
            trials=options.trials,
            journal=options.journal,
            parameters=parse_parameters(options.parameters),
            balance=options.balance,
        ),
    )
    trained = train(job)
    verdict = judge(trained, store)
    version = None if options.dry_run else release(trained, verdict, store, find_author())
    _print_table(trained, verdict)
    print(json.dumps(_summarise(trained, verdict, version)))


def _summarise(trained: Trained, verdict: Verdict, version: str | None) -> dict[str, object]:
    manifest = trained.manifest
    return {
        "outcome": verdict.outcome,
        "model": manifest.model,
        "version": version,
        "family": manifest.family,
        "metrics": {name: round(figure.value, 6) for name, figure in manifest.metrics.items()},
        "gates": {gate.name: gate.passed for gate in verdict.gates},
        "rows_refused": trained.data.rows.refused,
        "search": {
            result.candidate.family: {
                "trials": result.search.trials,
                "pruned": result.search.pruned,
                "seconds": round(result.search.seconds, 1),
                "ended_by": result.search.ended_by,
            }
            for result in trained.families
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
        table.add_row(gate.name, "passed" if gate.passed else "FAILED", gate.detail)
    Console(stderr=True).print(table)
