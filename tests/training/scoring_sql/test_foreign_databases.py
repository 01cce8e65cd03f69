"""Statements as BigQuery and Snowflake read them: Google's analyzer, and two emulators."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.features import columns_from_fields, find_unusable, matrix_from_columns
from models.scorer import Scorer
from models.table import table_from_applications
from tests.support.bigquery_emulator import running_emulator
from tests.support.contract_rows import random_rows, random_scorer
from tests.support.foreign_features import find_python
from tests.support.running import REPOSITORY
from training.pipeline.dialects import Dialect
from training.scoring_sql.sql_text import SqlText
from training.scoring_sql.statement import ScoredTable, write_statement

pytestmark = pytest.mark.environments

CATALOGUE = credit_models(["tests.support.toy"])
ROWS = 60
TABLE = ScoredTable(name="loans", keys=["row_number"])
VERSION = "20261130T180000.000000Z-0123456789ab"
TYPES = {
    "bigquery": {"number": "FLOAT64", "integer": "INT64", "text": "STRING", "date": "DATE"},
    "snowflake": {"number": "DOUBLE", "integer": "BIGINT", "text": "VARCHAR", "date": "DATE"},
}
ANALYZED = {"number": "DOUBLE", "integer": "BIGINT", "text": "VARCHAR", "date": "DATE"}


def kinds_of_columns(model: type[CreditModel]) -> dict[str, str]:
    """By field, what a warehouse has: a number, an integer, a text or a date."""
    kinds = {"row_number": "integer"}
    for c in (c for c in characteristics(model) if c.compute is None and not c.identifier):
        integer = c.is_integer or c.is_coded
        kinds[c.name] = "date" if c.is_date else "text" if c.is_text else "number"
        kinds[c.name] = "integer" if integer else kinds[c.name]
    return kinds


def made(name: str) -> tuple[Scorer, list[dict[str, Any]]]:
    rng = np.random.default_rng(5)
    rows = random_rows(CATALOGUE[name], ROWS, rng)
    return random_scorer(CATALOGUE[name], rows, rng), rows


def write_tables(
    model: type[CreditModel], rows: Sequence[Mapping[str, Any]], kind: str
) -> list[str]:
    """The statements that make a table of the rows."""
    kinds = kinds_of_columns(model)
    columns = ", ".join(f"{name} {TYPES[kind][k]}" for name, k in kinds.items())
    values = []
    for i, row in enumerate(rows):
        cells = {**row, "row_number": i}
        values.append(f"({', '.join(write_literal(cells[n], k) for n, k in kinds.items())})")
    return [
        "DROP TABLE IF EXISTS loans",
        f"CREATE TABLE loans ({columns})",
        f"INSERT INTO loans ({', '.join(kinds)}) VALUES {', '.join(values)}",  # noqa: S608
    ]


def write_literal(value: object, kind: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        text = SqlText("bigquery").string(value)
        return f"DATE {text}" if kind == "date" else text
    return repr(value)


def check_results(name: str, results: Sequence[Mapping[str, Any]]) -> None:
    """Compare what a database gave with the scorer."""
    scorer, rows = made(name)
    model = CATALOGUE[name]
    numbers = table_from_applications(model, [model.model_validate(r) for r in rows]).numbers
    faulty = np.zeros(ROWS, dtype=bool)
    for mask in find_unusable(model, numbers).values():
        faulty |= mask
    ordered = sorted(results, key=lambda row: int(row["row_number"]))
    assert [row["invalid_field"] is not None for row in ordered] == faulty.tolist()
    sound = {field: column[~faulty] for field, column in numbers.items()}
    matrix = matrix_from_columns(model, columns_from_fields(model, sound))
    scored = [row for row in ordered if row["invalid_field"] is None]
    for row, decision in zip(scored, scorer.decisions_from_matrix(matrix), strict=True):
        assert row["probability_of_default"] == pytest.approx(
            decision.probability_of_default, rel=0, abs=1e-9
        )
        assert row["unrounded_score"] == pytest.approx(decision.credit_score, rel=0, abs=1e-9)
        assert row["credit_score"] == round(decision.credit_score)
        assert (row["decision"], row["rating"]) == (decision.decision, decision.rating)


def score_elsewhere(kind: Dialect, folder: Path, *arguments: str) -> dict[str, Any]:
    for name, model in CATALOGUE.items():
        scorer, rows = made(name)
        text = write_statement(
            scorer, VERSION, TABLE, SqlText("bigquery" if kind == "bigquery" else "snowflake")
        )
        (folder / f"{name}.sql").write_text(text)
        (folder / f"{name}.tables").write_text(json.dumps(write_tables(model, rows, kind)))
    done = subprocess.run(
        [
            *(str(find_python(kind)), str(REPOSITORY / "tests" / "support" / "foreign_scoring.py")),
            *(kind, str(folder), *arguments),
        ],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in CATALOGUE}


def test_fakesnow_gives_the_scores_of_the_scorer(tmp_path: Path) -> None:
    for name, results in score_elsewhere("snowflake", tmp_path).items():
        check_results(name, results)


def test_an_emulator_of_bigquery_gives_the_scores_of_the_scorer(tmp_path: Path) -> None:
    with running_emulator(tmp_path) as url:
        answers = score_elsewhere("bigquery", tmp_path, url)
    for name, results in answers.items():
        check_results(name, results)


def test_google_accepts_every_statement_and_gives_its_types() -> None:
    tables, queries = {}, {}
    for name, model in CATALOGUE.items():
        table = ScoredTable(name=f"loans_{name}", keys=["row_number"])
        tables[table.name] = {c: ANALYZED[k] for c, k in kinds_of_columns(model).items()}
        queries[name] = write_statement(made(name)[0], VERSION, table, SqlText("bigquery"))
    done = subprocess.run(
        [
            str(find_python("zetasql")),
            str(REPOSITORY / "tests" / "support" / "google_analyzer.py"),
        ],
        input=json.dumps({"tables": tables, "queries": queries}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = {
        "row_number": "BIGINT",
        "probability_of_default": "DOUBLE",
        "credit_score": "BIGINT",
        "unrounded_score": "DOUBLE",
        **dict.fromkeys(("decision", "risk_level", "rating", "model_version"), "VARCHAR"),
        "invalid_field": "VARCHAR",
    }
    assert json.loads(done.stdout) == dict.fromkeys(CATALOGUE, expected)
