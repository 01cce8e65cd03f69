"""Portfolio cells: rows whose sums are figures; read by sums, folded by the close, recounted.

Triggers append what changed. Folding replaces the rows of one cell by their sum. A recount asks
the counted rows themselves: nothing it says comes from the triggers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

CLOSED_MONTH = """
    CASE WHEN due_on > CAST(:closed AS date) THEN due_on ELSE least(CAST(:closed AS date),
        CAST(date_trunc('month', due_on) + interval '1 month - 1 day' AS date)) END"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureCells:
    """One table of cells: what tells them apart, what they sum, and the counted rows."""

    table: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    recount: str

    @property
    def folded_keys(self) -> tuple[str, ...]:
        """The keys, with one day for all of a month that are closed: no figure tells them apart."""
        return tuple(CLOSED_MONTH if k == "due_on" else k for k in self.keys)

    @property
    def columns(self) -> str:
        """All columns, as a list in SQL."""
        return ", ".join((*self.keys, *self.sums))


LOANS = FigureCells(
    table="loan_cells",
    keys=("branch_id", "status", "asset_class", "is_npa", "is_secured", "purpose", "months"),
    sums=("number", "amount", "disbursed", "outstanding", "received"),
    recount="""
        SELECT branch_id, status, asset_class, npa_since IS NOT NULL,
            EXISTS (SELECT FROM collateral c WHERE c.loan_id = loans.id), purpose, months,
            1, amount, disbursed, outstanding_principal, received FROM loans""",
)
APPLICATIONS = FigureCells(
    table="application_cells",
    keys=("branch_id", "status"),
    sums=("number",),
    recount="SELECT branch_id, status, 1 FROM applications",
)
DUE = FigureCells(
    table="due_cells",
    keys=("branch_id", "due_on"),
    sums=("number", "on_time", "overdue", "demanded", "met"),
    recount="""
        SELECT branch_id, due_on, 1, CASE WHEN met_on <= due_on THEN 1 ELSE 0 END,
            CASE WHEN unpaid_interest + unpaid_principal > 0 THEN 1 ELSE 0 END,
            interest + principal, interest + principal - unpaid_interest - unpaid_principal
        FROM instalments""",
)
PAYMENTS = FigureCells(
    table="payment_cells",
    keys=("branch_id",),
    sums=("number", "amount"),
    recount="""
        SELECT branch_id, 1, amount FROM repayments r WHERE NOT EXISTS (
            SELECT FROM adjustments a WHERE a.loan_id = r.loan_id AND a.reverses = r.reference)""",
)
COLLATERAL = FigureCells(
    table="collateral_cells",
    keys=("branch_id", "kind"),
    sums=("number", "value"),
    recount="SELECT branch_id, kind, 1, value FROM collateral",
)
SEGMENTS = FigureCells(
    table="segment_cells",
    keys=("branch_id", "dimension", "value"),
    sums=("number", "outstanding", "squares"),
    recount="""
        SELECT l.branch_id, s.dimension, s.value, 1, l.outstanding_principal, 0
        FROM loans l JOIN loan_origins o ON o.loan_id = l.id CROSS JOIN LATERAL (VALUES
            ('purpose', l.purpose), ('city', o.city), ('state', o.state), ('employer', o.employer),
            ('employment_type', o.employment_type), ('income_band', o.income_band),
            ('score_band', o.score_band), ('model_version', o.model_version)
        ) AS s (dimension, value) WHERE l.outstanding_principal > 0
        UNION ALL SELECT branch_id, 'borrower', 'all', 1, sum(outstanding_principal),
            sum(outstanding_principal) * sum(outstanding_principal)
        FROM loans GROUP BY branch_id, customer_id HAVING sum(outstanding_principal) > 0""",
)
# What the cells of segments are counted beside: filled where triggers have not done it.
BESIDE_SEGMENTS = (
    "INSERT INTO loan_origins SELECT * FROM derive_origins(NULL) ON CONFLICT DO NOTHING",
    "DELETE FROM borrower_exposures",
    """INSERT INTO borrower_exposures SELECT customer_id, branch_id,
            count(*) FILTER (WHERE outstanding_principal > 0), sum(outstanding_principal)
        FROM loans GROUP BY customer_id, branch_id""",
)
EXPOSURES = """
    SELECT customer_id, branch_id, sum(number), sum(outstanding) FROM (
        SELECT customer_id, branch_id, number, outstanding FROM borrower_exposures
        UNION ALL SELECT customer_id, branch_id,
            CASE WHEN outstanding_principal > 0 THEN -1 ELSE 0 END, -outstanding_principal
        FROM loans) AS compared
    GROUP BY customer_id, branch_id HAVING sum(number) <> 0 OR sum(outstanding) <> 0
    ORDER BY customer_id, branch_id"""
LOCK = 7_308_604_902_713  # any number, the same in every process that replaces cells
SMALL_CELLS = (LOANS, APPLICATIONS, DUE, PAYMENTS, COLLATERAL)
ALL_CELLS = (*SMALL_CELLS, SEGMENTS)


def fold(connection: Connection, closed: date, tables: Sequence[FigureCells] = ALL_CELLS) -> None:
    """Replace the rows of each cell by one. Rows that others append meanwhile stay as they are.

    While another fold or a recount is at it, there is nothing to do: figures are sums either way.
    """
    # A statement of its own: the next ones see what the last holder of the lock committed.
    locked = connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if not locked.scalar_one():
        return
    for cells in tables:
        _replace(connection, cells, f"SELECT {cells.columns} FROM gone", closed)  # noqa: S608 -- names of ours


def rebuild(connection: Connection, closed: date) -> None:
    """Replace all cells by a recount, once no fold and no other recount is at it."""
    without_limit(connection)
    # Without the lock it would count beside the rows that the other one is about to commit.
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    for statement in BESIDE_SEGMENTS:
        connection.execute(text(statement))
    for cells in ALL_CELLS:
        _replace(connection, cells, cells.recount, closed)


def differences(connection: Connection, closed: date) -> Iterator[str]:
    """Yield, for each cell that is not what a recount says, which one and by how much.

    One statement counts both sides, so that postings at the same time make no difference.
    """
    without_limit(connection)
    for cells in ALL_CELLS:
        minus = ", ".join((*cells.keys, *(f"-{name}" for name in cells.sums)))
        is_off = " OR ".join(f"sum({name}) <> 0" for name in cells.sums)
        statement = f"""
            WITH compared ({cells.columns}) AS (SELECT {cells.columns} FROM {cells.table}
                UNION ALL SELECT {minus} FROM ({cells.recount}) AS counted ({cells.columns}))
            {_grouped(cells, "compared")} HAVING {is_off} ORDER BY {_positions(cells)}"""  # noqa: S608 -- likewise
        for row in connection.execute(text(statement), _values(cells, closed)):
            cell = " ".join(f"{k}={v}" for k, v in zip(cells.keys, row, strict=False))
            off = zip(cells.sums, row[len(cells.keys) :], strict=True)
            excess = ", ".join(f"{name} by {value}" for name, value in off if value)
            yield f"{cells.table} {cell}: above the recount: {excess}"
    for customer, branch, number, excess in connection.execute(text(EXPOSURES)):
        cell = f"customer_id={customer} branch_id={branch}: above the recount"
        yield f"borrower_exposures {cell}: number by {number}, outstanding by {excess}"


def without_limit(connection: Connection) -> None:
    """Let the statements of this transaction take their time: a recount reads the whole book."""
    limits = ("statement_timeout", "lock_timeout")
    settings = ", ".join(f"set_config('{name}', '0', true)" for name in limits)
    connection.execute(text(f"SELECT {settings}"))


def _replace(connection: Connection, cells: FigureCells, source: str, closed: date) -> None:
    # Both halves see the same moment: what another transaction appends is neither lost nor
    # counted twice. FigureCells of nothing go.
    is_any = " OR ".join(f"sum({name}) <> 0" for name in cells.sums)
    statement = f"""
        WITH gone AS (DELETE FROM {cells.table} RETURNING *),
        counted ({cells.columns}) AS ({source})
        INSERT INTO {cells.table} ({cells.columns})
        {_grouped(cells, "counted")} HAVING {is_any}"""  # noqa: S608 -- likewise
    connection.execute(text(statement), _values(cells, closed))


def _grouped(cells: FigureCells, source: str) -> str:
    selected = ", ".join((*cells.folded_keys, *(f"sum({name})" for name in cells.sums)))
    return f"SELECT {selected} FROM {source} GROUP BY {_positions(cells)}"  # noqa: S608 -- likewise


def _positions(cells: FigureCells) -> str:
    return ", ".join(str(position) for position in range(1, len(cells.keys) + 1))


def _values(cells: FigureCells, closed: date) -> dict[str, Any]:
    return {"closed": closed} if "due_on" in cells.keys else {}
