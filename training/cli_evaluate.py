"""The command `python -m training evaluate`: a published version on any file of rows."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.discovery import credit_models
from models.errors import RegistryError
from models.registry.bundle import bundle_from_bytes, scorer_from_bundle
from models.registry.pointer import find_pointer
from models.registry.versions import read_by_name, version_names
from models.stores.uri import open_store
from training.evaluation import EvaluationFigures, evaluate_scorer
from training.parts import part_from_rows
from training.progress import say
from training.reading.data import DataRequest, read_data
from training.reading.options import DataOptions
from training.reporting.segments import SegmentFigures
from training.settings import TrainingSettings


def evaluate_version(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Print how a version performs on rows, by period and by segment."""
    model = credit_models(settings.credit_models)[options.model]
    store = open_store(options.store)
    pointer = find_pointer(store, options.model)
    if options.version is None and pointer is None:
        published = version_names(store, options.model)
        remedy = "set --version" if published else "no version was published; train one first"
        message = f"{options.model} has no champion; {remedy}"
        raise RegistryError(message)
    name = options.version or (pointer and pointer.champion.version)
    version, data = read_by_name(store, options.model, str(name))
    bundle = bundle_from_bytes(data)
    scorer = scorer_from_bundle(bundle, model)
    request = DataRequest(
        options=DataOptions.from_arguments(options, settings.data_url),
        seed=options.seed,
        max_refused_share=options.max_refused_share,
    )
    rows = read_data(model, request).rows
    part = part_from_rows(rows, only_held=options.held)
    never_fitted = int(part.is_held.sum())
    if not options.held and 2 * never_fitted < len(part.labels):
        say(
            f"{len(part.labels) - never_fitted} of {len(part.labels)} rows were fitted if the "
            "model was trained on this data, and their figures are too good; --held leaves them out"
        )
    figures = evaluate_scorer(scorer, part, options.seed, bundle.manifest.default_from)
    _print_tables(f"{options.model} {version.version}", figures)
    summary = {
        "model": options.model,
        "version": version.version,
        "rows_refused": rows.refused,
        "rows_never_fitted": never_fitted,
    }
    print(json.dumps(summary | asdict(figures)))


def _print_tables(title: str, figures: EvaluationFigures) -> None:
    console = Console(stderr=True)
    sample = figures.sample
    table = Table(title=f"{title}: {sample.rows:,} rows, {sample.bads:,} defaults")
    for heading in ("figure", "value", "95 % interval"):
        table.add_column(heading)
    for name, estimate in sample.metrics.items():
        interval = f"{estimate.low:.4f} to {estimate.high:.4f}"
        table.add_row(name, f"{estimate.value:.4f}", interval)
    table.add_row("ece", f"{figures.reliability.ece:.4f}", "")
    console.print(table)
    if figures.periods:
        console.print(_tabulate("by period", figures.periods))
    console.print(_tabulate("by segment", figures.segments))


def _tabulate(title: str, segments: Sequence[SegmentFigures]) -> Table:
    table = Table(title=title)
    for heading in ("field", "group", "rows", "defaults", "default rate", "mean PD", "z", "AUC"):
        table.add_column(heading)
    for one in segments:
        auc = f"{one.auc.value:.3f}" if one.auc else "-"
        rates = (f"{one.default_rate:.2%}", f"{one.mean_probability:.2%}", f"{one.z:+.1f}")
        cells = (one.field, one.group, f"{one.rows:,}", f"{one.bads:,}", *rates, auc)
        table.add_row(*map(escape, cells))
    return table
