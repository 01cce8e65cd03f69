"""Statements in other dialects."""

import pytest
from sqlglot.errors import SqlglotError

from training.pipeline.dialects import compile_statement

INTERVAL = "SELECT CAST(day - INTERVAL '3' MONTH AS DATE) AS before FROM visits"


def test_duckdb_is_given_what_was_written() -> None:
    assert compile_statement(INTERVAL, "duckdb") == INTERVAL


def test_types_and_intervals_are_those_of_the_dialect() -> None:
    assert "STRING" in compile_statement("SELECT CAST(a AS VARCHAR) AS a FROM b", "bigquery")
    assert "INTERVAL '3 MONTH'" in compile_statement(INTERVAL, "snowflake")


@pytest.mark.parametrize("statement", ["SELECT FROM WHERE", "DELETE visits ?? 3"])
def test_what_is_no_statement_is_refused(statement: str) -> None:
    with pytest.raises(SqlglotError):
        compile_statement(statement, "bigquery")
