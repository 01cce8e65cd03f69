"""The command `python -m training inspect`: what a file has, and a first model file for it."""

import argparse
import json
import shlex
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.annotations import date_from_days
from models.contract import CreditModel, name_from_class
from models.data_file import CsvDialect, DataFile
from models.errors import DataError
from training.progress import say, show_steps
from training.reading.cells import convert_numbers, convert_outcomes
from training.reading.columns import check_special
from training.reading.database import Query
from training.reading.dialect_detection import detect_dialect
from training.reading.inspection import (
    ColumnProfile,
    OutcomeColumn,
    profile_columns,
    remark_on_future,
    suggest_cells,
    suggest_special,
)
from training.reading.model_draft import Draft, class_name_from_file, write_draft
from training.reading.options import DataOptions
from training.reading.sources import read_source
from training.reading.special_columns import text_from_key
from training.reading.tabular_files import is_text_file, read_bytes, read_table
from training.settings import TrainingSettings

LARGE = 1_000_000  # cells from which progress is shown
MOST_WORDS = 8  # of an outcome that a message lists
LABEL = "is_default"
WIDTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedFile:
    """Rows of a file, how they are written, and their outcome if one is named."""

    name: str
    frame: pd.DataFrame
    declared: DataFile
    outcome: OutcomeColumn | None


def inspect_file(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Print what a file has, suggest what to declare, and write a model file if asked."""
    data = DataOptions.from_arguments(options, settings.data_url)
    inspected = _read(data)
    cells = inspected.frame.size
    frame, dialect = inspected.frame, inspected.declared.csv
    if cells >= LARGE:
        with show_steps("columns", len(frame.columns)) as advance:
            profiles = profile_columns(frame, dialect, inspected.outcome, advance)
    else:
        profiles = profile_columns(frame, dialect, inspected.outcome, lambda: None)
    today = datetime.now(UTC).date()
    profiles = [remark_on_future(profile, dialect, today) for profile in profiles]
    _print_profiles(inspected, profiles)
    words = list_options(inspected.declared)
    if words:
        print(f"Declare: {shlex.join(words)}")
    special = {
        setting: column
        for setting, column in suggest_special(profiles, len(frame)).items()
        if getattr(inspected.declared, setting) is None
    }
    considered = [w for s, c in special.items() for w in (f"--{s.replace('_', '-')}", c)]
    if considered:
        print(f"Consider: {shlex.join(considered)}")
    written = None
    if options.write_model is not None:
        draft = _make_draft(options.write_model, inspected, profiles)
        written = _write_model(options.write_model, replace(draft, suggested=special))
    summary = {
        "rows": len(frame),
        "options": words,
        "consider": considered,
        "model_file": written,
    }
    print(json.dumps(summary | {"columns": [asdict(profile) for profile in profiles]}))


def list_options(declared: DataFile) -> list[str]:
    """Return the options of the command line that declare a data file."""
    words: list[str] = []
    default = CsvDialect()
    for option in fields(CsvDialect):
        value = getattr(declared.csv, option.name)
        if value == getattr(default, option.name):
            continue
        if option.name in ("symbols", "missing"):
            flag = "--symbol" if option.name == "symbols" else "--missing"
            words += [word for item in value if item for word in (flag, item)]
        else:
            text = ",".join(value) if option.name == "columns" else str(value)
            words += [f"--{option.name.replace('_', '-')}", text.replace("\t", "\\t")]
    return words


def _read(data: DataOptions) -> InspectedFile:
    origin = data.origin(CreditModel)
    if origin is None:
        message = "name the file with --data, or the query with --query"
        raise DataError(message)
    declared = data.declare(DataFile())
    if isinstance(origin, Query):
        name, frame = "a query", read_source(CreditModel, origin, seed=0).frame
    else:
        name = Path(origin.location).name
        if is_text_file(origin.location):
            encoding = declared.csv.encoding if data.has("encoding") else None
            detected = detect_dialect(read_bytes(origin.location), encoding)
            declared = data.declare(DataFile(csv=detected))
        table = read_table(origin.location, declared.csv)
        frame = table.frame
        if table.misshapen:
            rows = ", ".join(map(str, list(table.misshapen)[:MOST_WORDS]))
            say(f"{len(table.misshapen)} rows have other numbers of cells than the header: {rows}")
    declared = data.declare(replace(declared, csv=suggest_cells(frame, declared.csv)))
    if faults := check_special(list(frame.columns), declared):
        raise DataError("; ".join(faults))
    return InspectedFile(
        name=name, frame=frame, declared=declared, outcome=_read_outcome(frame, declared)
    )


def _read_outcome(frame: pd.DataFrame, declared: DataFile) -> OutcomeColumn | None:
    name = declared.outcome_column or LABEL
    if name not in frame:
        if declared.outcome_column:
            message = f"--outcome-column: the data has no column {name}"
            raise DataError(message)
        return None
    cells = convert_outcomes(frame[name], declared.csv, declared.outcome)
    if cells.unreadable.any():
        # Also a word such as 1, which may mean something else beside a 2.
        texts = pd.Series([text_from_key(value) or "" for value in frame[name]])
        words = [w for w in texts.value_counts().index if w not in declared.outcome][:MOST_WORDS]
        options = " ".join(shlex.join(["--outcome", f"{word}=..."]) for word in words)
        say(
            f"{name} has words that are not declared: say which is a default (1), which is none "
            f"(0) and which is left out (excluded): {options}"
        )
        return None
    return OutcomeColumn(name, cells.numbers)


def _print_profiles(inspected: InspectedFile, profiles: list[ColumnProfile]) -> None:
    title = f"{inspected.name}: {len(inspected.frame):,} rows, {len(profiles)} columns"
    table = Table(title=title, title_justify="left")
    for heading in ("column", "kind", "missing", "distinct", "values", "AUC alone", "remarks"):
        table.add_column(heading)
    for p in profiles:
        values = ", ".join(p.levels[:MOST_WORDS]) + (", ..." if len(p.levels) > MOST_WORDS else "")
        if p.low is not None and p.high is not None:
            limits = p.low, p.high
            low, high = (date_from_days(x) if p.kind == "date" else f"{x:,g}" for x in limits)
            values = f"{low} to {high}"
        missing = f"{p.missing / max(len(inspected.frame), 1):.1%}" if p.missing else ""
        alone = "" if p.auc is None else f"{p.auc:.3f}"
        cells = (p.name, p.kind, missing, f"{p.distinct:,}", values, alone, "; ".join(p.remarks))
        table.add_row(*map(escape, cells))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def _make_draft(path: Path, inspected: InspectedFile, profiles: list[ColumnProfile]) -> Draft:
    if not len(inspected.frame):
        message = "--write-model needs rows; the data has none"
        raise DataError(message)
    if inspected.outcome is None:
        message = "--write-model needs the outcome: declare --outcome-column and --outcome"
        raise DataError(message)
    return Draft(
        source=inspected.name,
        class_name=class_name_from_file(path.name),
        label=LABEL,
        data_file=inspected.declared,
        base_rate=_measure_base_rate(inspected, inspected.outcome),
        profiles=profiles,
    )


def _measure_base_rate(inspected: InspectedFile, outcome: OutcomeColumn) -> float:
    """Return the share of defaults among the applications that the rows stand for."""
    weights = np.ones(len(outcome.labels))
    if inspected.declared.weight_column is not None:
        column = inspected.frame[inspected.declared.weight_column]
        weights = convert_numbers(column, inspected.declared.csv, {}).numbers
    is_used = ~np.isnan(outcome.labels) & (weights > 0)
    if not is_used.any():
        message = "--weight-column: no row has a weight above 0 and an outcome"
        raise DataError(message)
    return float(np.average(outcome.labels[is_used], weights=weights[is_used]))


def _write_model(path: Path, draft: Draft) -> str:
    """Write a model file, and never over another one."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(write_draft(draft))
    except OSError as error:
        message = f"--write-model {path}: {error.strerror or error}; choose another name"
        raise DataError(message) from error
    name = name_from_class(draft.class_name)
    print(f"Wrote {path}: edit it, then CREDIT_MODELS={path.stem} trains it as --model {name}")
    return str(path)
