"""Figures of now read indexes: shown by the plans, where no other way is cheaper."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, create_engine, text

from functions.lending.actions.warning_followups import LISTED
from functions.lending.analytics.answers import FIGURES
from functions.lending.analytics.early_warnings import SCORE_DOWN, THREE_LATE
from tests.support.running import REPOSITORY

VERSIONS = REPOSITORY / "functions/lending/storage/migrations/versions"
VALUES: dict[str, object] = {
    "day": date(2026, 12, 31),
    "measure": "outstanding",
    "by": "state",
    "top": 20,
}
VALUES |= {"month": date(2026, 6, 30), "basis": "reported"}
COHORT = {"ever": "90", "product": None, "score_band": None, "model_version": None}


@pytest.fixture(scope="module")
def connection(year: tuple[str, dict[str, str]]) -> Iterator[Connection]:
    engine = create_engine(year[0])
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        yield connection
    engine.dispose()


def plan(connection: Connection, statement: str, **values: object) -> str:
    rows = connection.execute(text(f"EXPLAIN {statement}"), VALUES | values)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("par", "loans_in_arrears"),
        ("ageing", "loans_in_arrears"),
        ("next-npa", "loans_turning_npa"),
        ("concentration", "segment_cells_by_dimension"),
        ("collection-efficiency", "due_cells_by_day"),
        ("roll-rates", "roll_cells_by_month"),
        ("npa-movement", "month_cells_by_month"),
        ("cohorts", "vintage_cells_by_month"),
    ],
)
def test_a_figure_reads_an_index(name: str, index: str, connection: Connection) -> None:
    figure = FIGURES[name]
    chosen = {"by": "state" if name == "concentration" else "score_band"}
    values = {**figure.values({}), **COHORT, "months": 12}
    assert index in plan(connection, figure.lines_statement(chosen), **values)


def test_the_largest_borrowers_come_from_an_index(connection: Connection) -> None:
    statement = FIGURES["concentration"].lines_statement({"by": "borrower"})
    assert "borrower_exposures_by_size" in plan(connection, statement)


def test_warnings_look_at_late_loans_alone(connection: Connection) -> None:
    assert "instalments_met_late" in plan(connection, THREE_LATE)
    assert "decisions_by_customer" in plan(connection, SCORE_DOWN)


def test_the_list_of_loans_that_turn_reads_an_index(connection: Connection) -> None:
    statement = FIGURES["next-npa"].members_statement({})
    assert "loans_turning_npa" in plan(connection, statement)


def test_the_list_of_a_borrowers_loans_reads_an_index(connection: Connection) -> None:
    statement = FIGURES["concentration"].members_statement({"by": "borrower"})
    described = plan(connection, statement, key_value="1101")
    assert "loans_by_customer" in described, described


@pytest.mark.parametrize("value", ["x", "-1", "1101; SELECT 1", "9" * 19])
def test_what_is_no_borrowers_number_has_no_loans(value: str, connection: Connection) -> None:
    statement = text(FIGURES["concentration"].members_statement({"by": "borrower"}))
    assert connection.execute(statement, {"key_value": value}).all() == []


def test_the_planner_knows_how_many_instalments_fell_due_in_a_month(connection: Connection) -> None:
    """So that it walks the key for a page of them, and does not sort all of a million loans."""
    members = FIGURES["collection-efficiency"].members_statement({})
    statement = f"SELECT * FROM ({members}) AS members WHERE month = :key_month"  # noqa: S608 -- ours
    values = VALUES | {"key_month": "2026-06"}
    connection.execute(text("ANALYZE instalments"))
    [described] = connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalars()
    rows = len(connection.execute(text(statement), values).all())
    assert 0 < rows / 2 < described[0]["Plan"]["Plan Rows"] < 2 * rows


def test_a_page_of_warnings_reads_the_loans_of_the_page(connection: Connection) -> None:
    filters = dict.fromkeys(("owner", "reason", "loan", "after"))
    described = plan(connection, LISTED, **filters, snoozed="no", rows=51)
    assert described.count("early_warnings_by_loan") == 2, described


def test_a_migrated_book_has_the_days_that_postings_write(connection: Connection) -> None:
    days = "SELECT id, turns_npa_on FROM loans WHERE turns_npa_on IS NOT NULL ORDER BY id"
    posted = connection.execute(text(days)).all()
    migration = (VERSIONS / "0008_npa_days_and_warnings.sql").read_text()
    filling = migration[migration.index("WITH rules") : migration.index("CREATE INDEX")]
    savepoint = connection.begin_nested()
    connection.execute(text("UPDATE loans SET turns_npa_on = NULL"))
    connection.execute(text(filling.partition(";")[0]))
    filled = connection.execute(text(days)).all()
    savepoint.rollback()
    assert posted
    assert filled == posted


@pytest.mark.parametrize(
    ("name", "index"),
    [("cure-rates", "were_late"), ("vintages", "ever_late"), ("cohorts", "ever_late")],
)
def test_a_list_of_few_loans_of_a_month_reads_an_index(
    name: str, index: str, connection: Connection
) -> None:
    """Partitions name their indexes by columns: the condition tells which one it is."""
    query = text(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indexrelid IN ("
        "SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(:parent AS regclass))"
    )
    parts = connection.execute(query, {"parent": f"loan_months_{index}"}).scalars().all()
    statement = FIGURES[name].members_statement({"by": "score_band"})
    described = plan(connection, statement, **COHORT, point=VALUES["month"])
    assert any(part in described for part in parts), described
