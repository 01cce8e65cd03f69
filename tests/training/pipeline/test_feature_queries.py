"""The queries of features, and their compiled texts."""

import json
import subprocess
from datetime import date
from typing import get_args

import pytest
import sqlglot
from sqlglot import exp

from tests.support.foreign_features import find_python
from tests.support.running import REPOSITORY
from training.pipeline import feature_queries
from training.pipeline.dialects import Dialect, compile_statement
from training.pipeline.feature_queries import (
    compile_query,
    list_queries,
    read_query,
    write_compiled,
)
from training.pipeline.feature_table import FEATURE_DAYS, INPUTS, CustomerFeatureRow
from training.pipeline.quality import write_measures, write_repeated
from training.pipeline.source_table import DAY
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import declare_columns

OTHERS = [dialect for dialect in get_args(Dialect) if dialect != "duckdb"]


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("name", list_queries())
def test_the_compiled_text_is_that_of_the_query(name: str, dialect: Dialect) -> None:
    assert read_query(name, dialect) == compile_query(name, dialect), (
        "run python -m training warehouse compile"
    )


def test_the_features_read_the_tables_that_are_checked_for_them_and_no_others() -> None:
    tree = sqlglot.parse_one(read_query("customer_features", "duckdb"), read="duckdb")
    defined = {common.alias for common in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - defined
    assert tables == {*INPUTS, FEATURE_DAYS}


def test_compiled_texts_are_written_beside_the_queries(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("features")
    (folder / "one.sql").write_text("SELECT CAST(a AS DOUBLE) AS a FROM b\n")
    monkeypatch.setattr(feature_queries, "FOLDER", folder)
    read_query.cache_clear()
    files = write_compiled()
    read_query.cache_clear()
    assert [file.relative_to(folder).as_posix() for file in files] == [
        "bigquery/one.sql",
        "snowflake/one.sql",
    ]
    assert files[0].read_text().startswith("-- Compiled from ../one.sql")
    assert "FLOAT64" in files[0].read_text()


def analyze(queries: dict[str, str]) -> dict[str, dict[str, str]]:
    """The columns of queries of BigQuery with their types, as Google's own analyzer says."""
    tables = {name: declare_columns(table) for name, table in TABLES.items()} | {
        "customer_features": declare_columns(CustomerFeatureRow),
        "feature_days": {"as_of": "DATE"},
        "outcome_days": {"known_before": "DATE"},
    }
    done = subprocess.run(
        [str(find_python("zetasql")), str(REPOSITORY / "tests" / "support" / "google_analyzer.py")],
        input=json.dumps({"tables": tables, "queries": queries}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, str]] = json.loads(done.stdout)
    return answers


@pytest.mark.environments
def test_google_accepts_every_query_and_gives_the_types_of_the_contract() -> None:
    day = [date(2026, 6, 1)]
    generated = {
        f"{write.__name__}({name})": compile_statement(text, "bigquery")
        for name, table in TABLES.items()
        for write, text in (
            (write_measures, write_measures(table, day, "")),
            (write_repeated, write_repeated(table, day)),
        )
    }
    answers = analyze({name: read_query(name, "bigquery") for name in list_queries()} | generated)
    contract = declare_columns(CustomerFeatureRow)
    contract.pop(DAY)
    assert answers["customer_features"] == contract
    assert answers["customer_outcomes"] == contract | {"default": "BIGINT"}
    assert answers["write_repeated(payments)"] == {DAY: "DATE", "repeated": "BIGINT"}
    assert answers["write_measures(defaults)"] == {
        DAY: "DATE",
        "row_count": "BIGINT",
        "broken_defaulted_on": "BIGINT",
    }
