"""Statements of the warehouse, written in DuckDB's dialect and compiled to that of another."""

from functools import cache
from typing import Literal

import sqlglot
from sqlglot.errors import ErrorLevel

Dialect = Literal["duckdb", "bigquery", "snowflake"]


@cache
def compile_statement(statement: str, dialect: Dialect) -> str:
    """Compile one statement.

    Raises
    ------
    sqlglot.errors.SqlglotError
        If the statement is none, or the other dialect has nothing that means the same.
    """
    if dialect == "duckdb":
        return statement
    [text] = sqlglot.transpile(
        statement,
        read="duckdb",
        write=dialect,
        pretty=True,
        unsupported_level=ErrorLevel.RAISE,
    )
    return text
