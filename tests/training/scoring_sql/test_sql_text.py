"""Texts of SQL."""

import duckdb
import numpy as np
import pytest

from training.pipeline.dialects import Dialect
from training.scoring_sql.sql_text import SqlStep, SqlText, is_atom

DUCKDB = SqlText("duckdb")


@pytest.mark.parametrize("value", [0.1, -1.5, 600.0, 1e-300, 2.0**60, 1 / 3, 5e-324, 1e22])
def test_a_number_is_the_double_it_was(value: float) -> None:
    with duckdb.connect() as database:
        [[read, kind]] = database.execute(
            f"SELECT {DUCKDB.number(value)}, typeof({DUCKDB.number(value)})"
        ).fetchall()
    assert (read, kind) == (value, "DOUBLE")
    assert is_atom(DUCKDB.number(value))
    assert is_atom(SqlText("snowflake").number(value))


@pytest.mark.parametrize(
    ("dialect", "name", "text"),
    [
        ("bigquery", "`income`", r"'it\'s'"),
        ("snowflake", '"INCOME"', r"'it\'s'"),
        ("duckdb", '"income"', "'it''s'"),
    ],
)
def test_names_and_texts_are_quoted_as_the_dialect_does(
    dialect: Dialect, name: str, text: str
) -> None:
    assert SqlText(dialect).name("income") == name
    assert SqlText(dialect).string("it's") == text


def test_snowflake_keeps_names_that_were_created_in_quotes() -> None:
    assert SqlText("snowflake").name("Yearly Income") == '"Yearly Income"'


def test_single_precision_is_that_of_numpy_and_halves_go_to_even() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [
            rng.normal(0, 1, 20_000) * 10.0 ** rng.integers(-30, 31, 20_000),
            2.0**24 + np.arange(1.0, 2_001.0),  # every other one is half-way
            np.nextafter(2.0 ** np.arange(-60.0, 61.0), np.inf),
            np.nextafter(2.0 ** np.arange(-60.0, 61.0), 0.0),
            [0.0, 1.0, -1.0, 1e38, -1e38],
        ]
    )
    sql = SqlText("bigquery")
    with duckdb.connect() as database:
        rounded = database.execute(
            f"SELECT {sql.round_to_single('x', 'shift')} FROM "  # noqa: S608 -- our own text
            f"(SELECT x, {sql.shift_to_single('x')} AS shift FROM (SELECT unnest(?) AS x))",
            [values.tolist()],
        ).fetchnumpy()
    [column] = rounded.values()
    np.testing.assert_array_equal(column, values.astype(np.float32).astype(np.float64))


@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 1e15, 2.0**53, -7.0])
def test_the_nearest_integer_is_that_of_numpy(value: float) -> None:
    with duckdb.connect() as database:
        text = SqlStep("rounded", [("y", DUCKDB.rint("x"))], "").write("(SELECT ? AS x)")
        [[read]] = database.execute(f"WITH {text} FROM rounded SELECT y", [value]).fetchall()
    assert read == np.rint(value)


def test_a_step_adds_columns_or_replaces_them() -> None:
    added = SqlStep("b", [("x", "1e0"), ("y", "y")], "Why.")
    assert (
        added.write("a") == "b AS (\n  -- Why.\n  SELECT\n    *,\n    1e0 AS x,\n    y\n  FROM a\n)"
    )
    replaced = SqlStep("b", [("x", "1e0")], "", replaces=True)
    assert replaced.write("a") == "b AS (\n  SELECT\n    1e0 AS x\n  FROM a\n)"
