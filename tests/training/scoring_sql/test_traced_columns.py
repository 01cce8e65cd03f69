"""Derived functions as SQL: each operation gives what NumPy gives, missing values and all."""

from collections.abc import Callable
from itertools import product
from math import isnan

import duckdb
import numpy as np
import pytest

from models.annotations import Column, Columns
from models.contract import Characteristic
from models.errors import DeclarationError
from training.scoring_sql.sql_text import SqlText
from training.scoring_sql.traced_columns import Bindings, trace_derived

Compute = Callable[[Columns], Column]
VALUES = (-3.5, -1.0, -1e-9, 0.0, 1e-12, 0.5, 1.0, 2.5, 40.0, 1e6, float("nan"))

WRITTEN: dict[str, Compute] = {
    "plus": lambda c: c["a"] + c["b"],
    "minus": lambda c: 1 - c["a"] - c["b"],
    "times": lambda c: 2 * c["a"] * c["b"],
    "divide": lambda c: c["a"] / c["b"],
    "divide_by_number": lambda c: c["a"] / 3,
    "divided_number": lambda c: 3 / c["a"],
    "nested": lambda c: (c["a"] + c["b"]) / (c["a"] - c["b"]),
    "negative": lambda c: -(c["a"] + 1),
    "absolute": lambda c: abs(c["a"]),
    "minimum": lambda c: np.minimum(c["a"] / c["b"], 1),
    "maximum": lambda c: np.maximum(0, c["a"] * c["b"]),
    "clip": lambda c: np.clip(c["a"], -1, c["b"]),
    "log": lambda c: np.log(c["a"]),
    "log1p": lambda c: np.log1p(c["a"]),
    "exp": lambda c: np.exp(c["a"] / 1e4),
    "expm1": lambda c: np.expm1(c["a"]),
    "sqrt": lambda c: np.sqrt(c["a"]),
    "square": lambda c: c["a"] ** 2,
    "root": lambda c: c["a"] ** 0.5,
    "trunc": lambda c: np.trunc(c["a"]),
    "floor": lambda c: np.floor(c["a"]),
    "ceil": lambda c: np.ceil(c["a"]),
    "rint": lambda c: np.rint(c["a"]),
    "round": lambda c: np.round(c["a"] / 7, 2) * 3,
    "where": lambda c: np.where(c["a"] > c["b"], c["a"], 5.0),
    "where_missing": lambda c: np.where(np.isnan(c["a"]), c["b"], np.nan),
    "where_number": lambda c: np.where(c["a"], 1.0, 2.0),
    "conditions": lambda c: np.where((c["a"] < 1) & ~(c["b"] >= 0.5) | (c["a"] == 2.5), 1.0, 0.0),
    "not_equal": lambda c: 1.0 * (c["a"] != c["b"]),
    "finite": lambda c: np.where(np.isfinite(c["a"]), 1.0, 0.0),
}


def trace(compute: Compute) -> tuple[str, Bindings]:
    bindings = Bindings(SqlText("duckdb"))
    c = Characteristic(name="ratio", compute=compute)
    return trace_derived(c, {"a": "f_a", "b": "f_b"}, bindings), bindings


@pytest.mark.parametrize("name", WRITTEN)
def test_an_operation_gives_what_numpy_gives(name: str) -> None:
    pairs = list(product(VALUES, VALUES))
    columns = {"a": np.array([a for a, _ in pairs]), "b": np.array([b for _, b in pairs])}
    with np.errstate(all="ignore"):
        expected = np.asarray(WRITTEN[name](columns), dtype=float)
    text, bindings = trace(WRITTEN[name])
    tables, source = [], "pairs"
    for step in bindings.steps:
        tables.append(step.write(source))
        source = step.name
    common = f"WITH {', '.join(tables)}" if tables else ""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE pairs (i INTEGER, f_a DOUBLE, f_b DOUBLE)")
        rows = [[i, *(None if isnan(v) else v for v in pair)] for i, pair in enumerate(pairs)]
        database.executemany("INSERT INTO pairs VALUES (?, ?, ?)", rows)
        got = database.execute(f"{common} FROM {source} SELECT {text} ORDER BY i").fetchall()
    values = np.array([np.nan if v is None else v for (v,) in got], dtype=float)
    np.testing.assert_allclose(values, expected, rtol=4e-15, atol=0)


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda c: np.cumsum(c["a"]), "it uses cumsum"),
        (lambda c: np.sin(c["a"]), "it uses sin"),
        (lambda c: np.add.reduce(c["a"]), "it uses add"),
        (lambda c: c["a"] ** 3, "it uses the power 3"),
        (lambda c: c["a"] if c["a"] > 0 else c["b"], "it uses a branch on the values"),
        (lambda c: c["a"] + np.arange(3), "it uses an array"),
        (lambda c: c["a"].mean(), "'TracedColumn' object has no attribute 'mean'"),
        (lambda c: c["wealth"], "'wealth'"),
        (lambda _: np.full(3, 1.0), "it returns no column"),
        (lambda c: np.round(c["a"], -2), "it uses numpy.round with negative decimals"),
        (lambda c: np.where(c["a"] > 0), "it uses numpy.where with one argument"),
    ],
)
def test_what_has_no_text_is_refused_by_name(compute: Compute, reason: str) -> None:
    with pytest.raises(DeclarationError, match="ratio: its function cannot be written") as refusal:
        trace(compute)
    assert reason in str(refusal.value)
