"""Statements that score a table, run by DuckDB beside the scorer that the service has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.errors import DeclarationError, ModelRefusedError
from models.estimators.families import Additive
from models.estimators.formula import Formula, Steps, Term
from models.features import columns_from_fields, features, find_unusable, matrix_from_columns
from models.policy import Cutoffs
from models.scorer import Scorer
from models.table import table_from_applications
from tests.support.contract_rows import random_rows, random_scorer
from tests.support.counts import counts
from tests.support.toy import Toy
from training.scoring_sql.sql_text import SqlText
from training.scoring_sql.statement import RESULTS, ScoredTable, write_statement

CATALOGUE = credit_models(["tests.support.toy"])
DUCKDB = SqlText("duckdb")
VERSION = "20261130T180000.000000Z-0123456789ab"


def run(
    scorer: Scorer,
    rows: Sequence[Mapping[str, Any]],
    table: ScoredTable | None = None,
    sql: SqlText = DUCKDB,
) -> list[dict[str, Any]]:
    """The rows as DuckDB scores them, in their order."""
    read = table or ScoredTable(name="loans", keys=["row_number"])
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    columns["row_number"] = list(range(len(rows)))
    with duckdb.connect() as database:
        database.register("arrow", pa.table(columns))
        database.execute("CREATE TABLE loans AS SELECT * FROM arrow")
        results = fetch(database, write_statement(scorer, VERSION, read, sql))
    return (
        sorted(results, key=lambda row: row["row_number"]) if "row_number" in read.keys else results
    )


def fetch(database: duckdb.DuckDBPyConnection, text: str) -> list[dict[str, Any]]:
    """The rows of a query by the names of its columns."""
    result = database.execute(text)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.mark.soak
@pytest.mark.parametrize("name", [*CATALOGUE])
def test_scores_are_those_of_the_scorer(name: str) -> None:
    model = CATALOGUE[name]
    rng = np.random.default_rng(7)
    rows = random_rows(model, counts().exported_rows, rng)
    scorer = random_scorer(model, rows, rng)
    results = run(scorer, [_with_dates(model, row) for row in rows])
    table = table_from_applications(model, [model.model_validate(row) for row in rows])
    columns = columns_without_faults(model, table.numbers, results)
    sound = [row for row in results if row["invalid_field"] is None]
    assert len(sound) > 0.9 * len(rows)
    matrix = matrix_from_columns(model, columns)
    expected = scorer.decisions_from_matrix(matrix)
    for column in ("probability_of_default", "unrounded_score"):
        wanted = [getattr(d, column.replace("unrounded", "credit")) for d in expected]
        got = np.array([row[column] for row in sound])
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)
    assert [row["credit_score"] for row in sound] == [round(d.credit_score) for d in expected]
    for column in ("decision", "risk_level", "rating"):
        assert [row[column] for row in sound] == [getattr(d, column) for d in expected]
    assert len({d.decision for d in expected}) > 1


def columns_without_faults(
    model: type[CreditModel], numbers: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The columns of sound rows; those with a fault are those the contract has it in."""
    masks = find_unusable(model, numbers)
    unusable = np.logical_or.reduce([np.zeros(len(results), dtype=bool), *masks.values()])
    faults = np.array([row["invalid_field"] is not None for row in results])
    np.testing.assert_array_equal(faults, unusable)
    return columns_from_fields(model, {name: c[~faults] for name, c in numbers.items()})


def _with_dates(model: type[CreditModel], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a warehouse has it: dates are dates."""
    dates = {c.name for c in characteristics(model) if c.is_date}
    return {k: np.datetime64(v).astype(object) if k in dates and v else v for k, v in row.items()}


@pytest.fixture
def scorer() -> Scorer:
    rng = np.random.default_rng(3)
    return random_scorer(Toy, random_rows(Toy, 200, rng), rng)


ROW = {"age": 40, "income": 5e4, "debt": 1e4, "home": "own", "months_since_default": 24}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"age": 17}, "age"),
        ({"age": 40.5}, "age"),
        ({"income": 0.0}, "income"),
        ({"income": float("nan")}, "income"),
        ({"debt": float("inf")}, "debt"),
        ({"debt": None}, "debt"),
        ({"home": "castle"}, "home"),
        ({"home": None}, "home"),
        ({"months_since_default": -8}, "months_since_default"),
        ({"months_since_default": 3.5}, "months_since_default"),
    ],
)
def test_a_row_that_breaks_a_rule_has_the_field_and_no_score(
    scorer: Scorer, changes: dict[str, Any], field: str
) -> None:
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE loans (age DOUBLE, income DOUBLE, debt DOUBLE, home VARCHAR, "
            "months_since_default DOUBLE)"
        )
        database.execute("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", [*(ROW | changes).values()])
        text = write_statement(scorer, VERSION, ScoredTable(name="loans"), DUCKDB)
        [row] = fetch(database, text)
    assert row["invalid_field"] == field
    assert {row[name] for name in RESULTS[:6]} == {None}


def test_the_first_of_two_faulty_fields_is_named(scorer: Scorer) -> None:
    [row] = run(scorer, [ROW | {"income": -1.0, "debt": -1.0}])
    assert row["invalid_field"] == "income"


def test_a_cutoff_that_is_the_probability_of_a_row_is_on_its_riskier_side() -> None:
    """Cut-offs are chosen among probabilities of rows, so equality is no rarity."""
    values = tuple(np.linspace(-2.0, 2.0, 41).tolist())
    edges = tuple(np.linspace(1e4, 9e4, 40).tolist())
    shape = Steps(feature="income", edges=edges, values=values, missing=0.0)
    names = tuple(f.name for f in features(Toy))
    formula = Formula(features=names, intercept=0.1, terms=(Term(weight=0.7, shapes=(shape,)),))
    rows = [ROW | {"income": float(income)} for income in np.linspace(5e3, 9.5e4, 400)]
    rng = np.random.default_rng(3)
    plain = replace(random_scorer(Toy, rows, rng), estimator=Additive("scorecard", formula))
    applications = [Toy.model_validate(row) for row in rows]
    for probability in sorted({d.probability_of_default for d in plain.decide(applications)})[::4]:
        policy = Cutoffs(approve_below=probability, decline_from=0.95)
        scorer = replace(plain, policy=policy)
        expected = [d.decision for d in scorer.decide_without_reasons(applications)]
        assert [row["decision"] for row in run(scorer, rows)] == expected
        assert "refer" in expected


def test_columns_are_mapped_keys_repeated_and_absent_fields_null(scorer: Scorer) -> None:
    rows = [ROW | {"months_since_default": None}]
    table = ScoredTable(
        name="memory.main.loans",
        keys=["row_number", "Loan No"],
        mapping={"income": "Yearly Income"},
        without=frozenset({"age", "months_since_default"}),
    )
    renamed = {
        "Loan No": "L1",
        "Yearly Income": ROW["income"],
        "debt": ROW["debt"],
        "home": ROW["home"],
    }
    [row] = run(scorer, [renamed], table)
    [expected] = run(scorer, rows)
    assert row == {"Loan No": "L1", **expected}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"without": frozenset({"income"})}, "--without income: it is required"),
        ({"without": frozenset({"wealth"})}, "--without wealth: it is no field of the contract"),
        ({"mapping": {"wealth": "w"}}, "--mapping wealth: it is no field of the contract"),
        ({"keys": ["decision"]}, "--key decision: a column of the results has this name"),
        ({"keys": ['a"b']}, "names of tables and columns must be without quotes"),
        ({"mapping": {"income": "a`b"}}, "names of tables and columns must be without quotes"),
    ],
)
def test_what_no_statement_can_follow_is_refused(
    scorer: Scorer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        write_statement(scorer, VERSION, ScoredTable(name="loans", **options), DUCKDB)


def test_trees_are_refused_with_what_scores_them(scorer: Scorer) -> None:
    class Forest:
        family = "random_forest"

    trees = replace(scorer, estimator=Forest())  # type: ignore[arg-type]
    with pytest.raises(ModelRefusedError, match=r"trees \(random_forest\) are scored by a remote"):
        write_statement(trees, VERSION, ScoredTable(name="loans"), DUCKDB)


@pytest.mark.parametrize("name", [*CATALOGUE])
def test_the_rounding_that_other_databases_need_gives_the_same(name: str) -> None:
    """BigQuery and Snowflake have no single precision: what they are given instead runs here."""

    class Emulated(SqlText):
        @property
        def double(self) -> str:
            return "DOUBLE"

        def number(self, value: float) -> str:
            return DUCKDB.number(value)

        def drop_nan(self, text: str) -> str:
            return DUCKDB.drop_nan(text)

        def name(self, column: str) -> str:
            return DUCKDB.name(column)

    rng = np.random.default_rng(11)
    rows = random_rows(CATALOGUE[name], 500, rng)
    scorer = random_scorer(CATALOGUE[name], rows, rng)
    dated = [_with_dates(CATALOGUE[name], row) for row in rows]
    assert run(scorer, dated, sql=Emulated("snowflake")) == run(scorer, dated)
