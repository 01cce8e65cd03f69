"""Provisions and expected loss as the last report, or the one of a day, has them."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from typing_extensions import TypedDict

from functions.lending.errors import NotInBookError
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.report_index import StoredReport, find_report
from functions.lending.storage.transaction import Transaction
from models.lending.allowance import STAGES, AllowanceChange, AllowanceMovement, reconcile
from models.lending.money import ZERO
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.provisions import npa_figures

CELLS = text("""
SELECT asset_class, is_npa, stage, sum(number) AS number, sum(outstanding) AS outstanding,
    sum(gross) AS gross, sum(expected_loss) AS expected_loss,
    sum(covered_provision) AS covered_provision, sum(uncovered_provision) AS uncovered_provision
FROM risk_cells WHERE report_id = :report GROUP BY asset_class, is_npa, stage
""")
MOVED = text("""
SELECT opening_stage, closing_stage, exit, sum(opening) AS opening, sum(closing) AS closing
FROM risk_movements WHERE report_id = :report GROUP BY opening_stage, closing_stage, exit
""")
LOANS = text("""
SELECT loan_id, asset_class, stage, undue_principal + overdue AS gross, outstanding,
    days_past_due, probability_of_default, loss_given_default, months_left, expected_loss,
    covered_provision + uncovered_provision AS provision
FROM risk_loans
WHERE report_id = :report AND loan_id > :after
    AND (CAST(:stage AS bigint) IS NULL OR stage = :stage)
    AND (CAST(:asset_class AS text) IS NULL OR asset_class = :asset_class)
ORDER BY loan_id LIMIT :limit
""")
NOTHING = UUID(int=0)


class Wanted(NamedTuple):
    """Which report, and which of its loans."""

    rule_set: str
    day: date | None
    stage: int | None = None
    asset_class: str | None = None
    after: UUID | None = None
    limit: int = 50


class ReportReply(TypedDict):
    """What every figure of a report names."""

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str


class ClassProvision(TypedDict):
    """Loans of one class, what they owe in principal, and what is set aside for them."""

    asset_class: str
    loans: int
    outstanding: Decimal
    covered_provision: Decimal
    uncovered_provision: Decimal
    provision: Decimal


class ProvisionsReply(ReportReply):
    """Provisions by class, and the ratios of non-performing advances."""

    classes: list[ClassProvision]
    provision: Decimal
    gross_advances: Decimal
    gross_npa: Decimal
    net_npa: Decimal
    gross_npa_percent: Decimal | None
    net_npa_percent: Decimal | None
    coverage_percent: Decimal | None


class StageLoss(TypedDict):
    """Loans of one stage; stage 0 is a rule set without stages."""

    stage: int
    loans: int
    gross: Decimal
    expected_loss: Decimal


class AllowanceLines(TypedDict):
    """One stage from the report before to this one."""

    stage: int
    opening: Decimal
    transfers_in: Decimal
    transfers_out: Decimal
    new: Decimal
    remeasured: Decimal
    derecognised: Decimal
    written_off: Decimal
    closing: Decimal


class ExpectedLossReply(ReportReply):
    """Expected loss by stage, its movement, and everything that it rests on."""

    stages: list[StageLoss]
    expected_loss: Decimal
    allowance: list[AllowanceLines]
    models: dict[str, int]
    assumptions: dict[str, Any]


class RiskLoan(TypedDict):
    """One loan of a report."""

    loan_id: str
    asset_class: str
    stage: int
    days_past_due: int
    months_left: int
    gross: Decimal
    outstanding: Decimal
    probability_of_default: Decimal
    loss_given_default: Decimal
    expected_loss: Decimal
    provision: Decimal


class RiskLoansReply(ReportReply):
    """Loans of a report, in the order of their identifiers; `next_after` continues."""

    loans: list[RiskLoan]
    next_after: str | None


def describe_provisions(wanted: Wanted, transaction: Transaction) -> ProvisionsReply:
    """Return provisions by class."""
    report = require_report(wanted, transaction)
    cells = _read_cells(report, transaction)
    order = RBI_PROVISIONS_2025.asset_classes
    classes = [
        _class_provision(name, [c for c in cells if c.asset_class == name]) for name in order
    ]
    advances = money(sum(cell.outstanding for cell in cells))
    npa = [cell for cell in cells if cell.is_npa]
    gross_npa = money(sum(cell.outstanding for cell in npa))
    held = money(sum(cell.covered_provision + cell.uncovered_provision for cell in npa))
    figures = npa_figures(advances, gross_npa, held) if advances else None
    return {
        **describe_report(report),
        "classes": [row for row in classes if row["loans"]],
        "provision": sum((row["provision"] for row in classes), ZERO),
        "gross_advances": advances,
        "gross_npa": gross_npa,
        "net_npa": figures.net_npa if figures else ZERO,
        "gross_npa_percent": figures.gross_npa_percent if figures else None,
        "net_npa_percent": figures.net_npa_percent if figures else None,
        "coverage_percent": figures.coverage_percent if figures else None,
    }


def describe_expected_loss(wanted: Wanted, transaction: Transaction) -> ExpectedLossReply:
    """Return expected loss by stage."""
    report = require_report(wanted, transaction)
    cells = _read_cells(report, transaction)
    stages: list[StageLoss] = []
    for stage in sorted({cell.stage for cell in cells}):
        rows = [cell for cell in cells if cell.stage == stage]
        stages.append(
            {
                "stage": int(stage),
                "loans": int(sum(row.number for row in rows)),
                "gross": money(sum(row.gross for row in rows)),
                "expected_loss": money(sum(row.expected_loss for row in rows)),
            }
        )
    return {
        **describe_report(report),
        "stages": stages,
        "expected_loss": sum((row["expected_loss"] for row in stages), ZERO),
        "allowance": _allowance(transaction.connection.execute(MOVED, {"report": report.id})),
        "models": report.models,
        "assumptions": report.assumptions,
    }


def list_risk_loans(wanted: Wanted, transaction: Transaction) -> RiskLoansReply:
    """Return loans of a report: those that its figures sum up."""
    report = require_report(wanted, transaction)
    values = {"report": report.id, "stage": wanted.stage, "asset_class": wanted.asset_class}
    values |= {"after": wanted.after or NOTHING, "limit": wanted.limit + 1}
    rows = transaction.connection.execute(LOANS, values).all()
    page = rows[: wanted.limit]
    has_more = len(rows) > wanted.limit
    return {
        **describe_report(report),
        "loans": [_risk_loan(row) for row in page],
        "next_after": public_id("loan", page[-1].loan_id) if has_more else None,
    }


def require_report(wanted: Wanted, transaction: Transaction) -> StoredReport:
    """Return the report that a caller asks for.

    Raises
    ------
    NotInBookError
        If it was not made.
    """
    report = find_report(transaction.connection, wanted.rule_set, day=wanted.day)
    if report is None:
        day = f" of {wanted.day}" if wanted.day else ""
        what = (
            f"report {wanted.rule_set}{day}: `python -m functions.lending expected-loss` makes it"
        )
        raise NotInBookError(what)
    return report


def describe_report(report: StoredReport) -> ReportReply:
    """Return the day and the rules of a report."""
    return {
        "as_of": report.as_of.isoformat(),
        "rule_set": report.rule_set,
        "provision_rules": report.provision_rules,
        "made_at": report.created_at.isoformat().replace("+00:00", "Z"),
    }


def money(cents: Any) -> Decimal:  # noqa: ANN401 -- a sum of whole numbers
    """Return cents as an amount."""
    return Decimal(int(cents)).scaleb(-2)


def _read_cells(report: StoredReport, transaction: Transaction) -> list[Any]:
    return list(transaction.connection.execute(CELLS, {"report": report.id}).all())


def _class_provision(name: str, cells: Iterable[Any]) -> ClassProvision:
    rows = list(cells)
    covered = money(sum(row.covered_provision for row in rows))
    uncovered = money(sum(row.uncovered_provision for row in rows))
    return {
        "asset_class": name,
        "loans": int(sum(row.number for row in rows)),
        "outstanding": money(sum(row.outstanding for row in rows)),
        "covered_provision": covered,
        "uncovered_provision": uncovered,
        "provision": covered + uncovered,
    }


def _allowance(rows: Iterable[Any]) -> list[AllowanceLines]:
    """Return the reconciliation; of a first report there is none."""
    changes = [
        AllowanceChange(
            opening_stage=row.opening_stage,
            closing_stage=row.closing_stage,
            opening=money(row.opening),
            closing=money(row.closing),
            exit=row.exit,
        )
        for row in rows
    ]
    if not changes:
        return []
    movements = reconcile(changes).stages
    return [_allowance_lines(stage, movements[stage]) for stage in STAGES]


def _allowance_lines(stage: int, movement: AllowanceMovement) -> AllowanceLines:
    return {
        "stage": stage,
        "opening": movement.opening,
        "transfers_in": movement.transfers_in,
        "transfers_out": movement.transfers_out,
        "new": movement.new,
        "remeasured": movement.remeasured,
        "derecognised": movement.derecognised,
        "written_off": movement.written_off,
        "closing": movement.closing,
    }


def _risk_loan(row: Any) -> RiskLoan:  # noqa: ANN401 -- a row
    return {
        "loan_id": public_id("loan", row.loan_id),
        "asset_class": row.asset_class,
        "stage": int(row.stage),
        "days_past_due": int(row.days_past_due),
        "months_left": int(row.months_left),
        "gross": money(row.gross),
        "outstanding": money(row.outstanding),
        "probability_of_default": Decimal(row.probability_of_default).scaleb(-17),
        "loss_given_default": Decimal(row.loss_given_default).scaleb(-6),
        "expected_loss": money(row.expected_loss),
        "provision": money(row.provision),
    }
