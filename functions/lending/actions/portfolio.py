"""Figures of the book as the earlier system documented them: sums of the portfolio cells."""

from typing import Any

from sqlalchemy import text
from typing_extensions import TypedDict

from functions.lending.storage.transaction import Transaction
from models.lending.money import ZERO

DUE = """
SELECT coalesce(sum(number), 0) AS due, coalesce(sum(on_time), 0) AS on_time,
    coalesce(sum(overdue), 0) AS overdue, coalesce(sum(demanded), 0) AS demanded,
    coalesce(sum(met), 0) AS met
FROM due_cells WHERE due_on <= :day
"""
SUMMARY = text(f"""
SELECT loans.*, applications.*, due.* FROM (
    SELECT coalesce(sum(number), 0) AS total_loans,
        coalesce(sum(number) FILTER (WHERE status = 'active'), 0) AS active_loans,
        coalesce(sum(number) FILTER (WHERE status = 'active' AND is_npa
            OR status IN ('written_off', 'settled')), 0) AS defaulted_loans,
        coalesce(sum(disbursed), 0) AS total_disbursed,
        coalesce(sum(outstanding), 0) AS total_outstanding,
        coalesce(sum(received), 0) AS total_repaid,
        coalesce(sum(outstanding) FILTER (WHERE status = 'active' AND is_npa), 0)
            AS total_npa_amount
    FROM loan_cells
) AS loans, (
    SELECT coalesce(sum(number), 0) AS total_applications,
        coalesce(sum(number) FILTER (WHERE status IN ('approved', 'accepted', 'expired')), 0)
            AS approved
    FROM application_cells
) AS applications, ({DUE}) AS due
""")  # noqa: S608 -- a constant
CLASSES = text("""
SELECT asset_class, sum(number) AS number, sum(outstanding) AS outstanding
FROM loan_cells WHERE status = 'active' GROUP BY asset_class HAVING sum(number) > 0
""")
REPAYMENTS = text(f"""
SELECT payments.*, due.* FROM (
    SELECT coalesce(sum(number), 0) AS number, coalesce(sum(amount), 0) AS total FROM payment_cells
) AS payments, ({DUE}) AS due
""")  # noqa: S608 -- a constant
COLLATERAL = text("""
SELECT kind, sum(number) AS number, sum(value) AS value
FROM collateral_cells GROUP BY kind HAVING sum(number) > 0 ORDER BY kind
""")
SECURED = text("""
SELECT coalesce(sum(number), 0) AS secured_loans, coalesce(sum(outstanding), 0) AS outstanding
FROM loan_cells WHERE is_secured
""")
DISTRIBUTION = text("""
SELECT purpose, sum(number) AS number, sum(amount) AS amount, sum(outstanding) AS outstanding
FROM loan_cells GROUP BY purpose HAVING sum(number) > 0 ORDER BY purpose
""")
TENURES = text("""
SELECT months, sum(number) AS number, sum(amount) AS amount
FROM loan_cells GROUP BY months HAVING sum(number) > 0 ORDER BY months
""")
BANDS = {"standard": "Standard", "sma_0": "Standard", "sma_1": "Standard", "sma_2": "Standard"}
BANDS |= {"sub_standard": "Sub-Standard", "loss": "Loss", "doubtful": "Doubtful"}
BANDS |= dict.fromkeys(("doubtful_1", "doubtful_2", "doubtful_3"), "Doubtful")
DOCUMENTED_CLASSES = ("Standard", "Sub-Standard", "Doubtful", "Loss")


class LoanStatistics(TypedDict):
    """Counts; the approval rate is the share of applications that were ever approved."""

    total_applications: int
    total_loans: int
    active_loans: int
    defaulted_loans: int
    approval_rate: float


class FinancialMetrics(TypedDict):
    """Sums of money."""

    total_disbursed: float
    total_outstanding: float
    total_repaid: float
    total_npa_amount: float


class RiskMetrics(TypedDict):
    """Shares in per cent: of principal, of loans, and of what fell due."""

    npa_ratio: float
    default_rate: float
    average_emi_payment_rate: float


class SummaryReply(TypedDict):
    """The book on its business date."""

    business_date: str
    loan_statistics: LoanStatistics
    financial_metrics: FinancialMetrics
    risk_metrics: RiskMetrics


class ClassShare(TypedDict):
    """Active loans of one class."""

    count: int
    percentage: float


class NpaReply(TypedDict):
    """Active loans by the four documented classes, and by the classes of the rule set."""

    npa_classification: dict[str, ClassShare]
    asset_classes: dict[str, ClassShare]
    total_npa_loans: int
    total_npa_amount: float


class RepaymentsReply(TypedDict):
    """Payments, and instalments that fell due."""

    total_repayments: int
    total_amount: float
    average_amount: float
    instalments_due: int
    instalments_paid: int
    instalments_overdue: int
    on_time_rate: float
    collection_efficiency: float


class CollateralReply(TypedDict):
    """What secures the book."""

    collateral_types: list[dict[str, Any]]
    secured_loans: int
    total_value: float
    loan_to_value_ratio: float | None


class DistributionReply(TypedDict):
    """Loans by purpose and by tenure."""

    by_purpose: list[dict[str, Any]]
    by_tenure: list[dict[str, Any]]


def summarise(transaction: Transaction) -> SummaryReply:
    """Return counts, sums and shares of the whole book that the caller may see."""
    day = {"day": transaction.business_date}
    row = transaction.connection.execute(SUMMARY, day).one()
    return {
        "business_date": transaction.business_date.isoformat(),
        "loan_statistics": {
            "total_applications": int(row.total_applications),
            "total_loans": int(row.total_loans),
            "active_loans": int(row.active_loans),
            "defaulted_loans": int(row.defaulted_loans),
            "approval_rate": _percent(row.approved, row.total_applications),
        },
        "financial_metrics": {
            "total_disbursed": float(row.total_disbursed),
            "total_outstanding": float(row.total_outstanding),
            "total_repaid": float(row.total_repaid),
            "total_npa_amount": float(row.total_npa_amount),
        },
        "risk_metrics": {
            "npa_ratio": _percent(row.total_npa_amount, row.total_outstanding),
            "default_rate": _percent(row.defaulted_loans, row.total_loans),
            "average_emi_payment_rate": _percent(row.met, row.demanded),
        },
    }


def analyse_npa(transaction: Transaction) -> NpaReply:
    """Return active loans by asset class."""
    rows = transaction.connection.execute(CLASSES).all()
    total = sum(row.number for row in rows)
    counts = dict.fromkeys(DOCUMENTED_CLASSES, 0)
    for row in rows:
        counts[BANDS[row.asset_class]] += int(row.number)
    npa = [row for row in rows if BANDS[row.asset_class] != "Standard"]
    return {
        "npa_classification": {
            name: {"count": count, "percentage": _percent(count, total)}
            for name, count in counts.items()
        },
        "asset_classes": {
            row.asset_class: {"count": int(row.number), "percentage": _percent(row.number, total)}
            for row in rows
        },
        "total_npa_loans": int(sum(row.number for row in npa)),
        "total_npa_amount": float(sum(row.outstanding for row in npa)),
    }


def analyse_repayments(transaction: Transaction) -> RepaymentsReply:
    """Return what was paid and what fell due, up to the business date."""
    day = {"day": transaction.business_date}
    row = transaction.connection.execute(REPAYMENTS, day).one()
    return {
        "total_repayments": int(row.number),
        "total_amount": float(row.total),
        "average_amount": round(float(row.total / row.number), 2) if row.number else 0.0,
        "instalments_due": int(row.due),
        "instalments_paid": int(row.due - row.overdue),
        "instalments_overdue": int(row.overdue),
        "on_time_rate": _percent(row.on_time, row.due),
        "collection_efficiency": _percent(row.met, row.demanded),
    }


def analyse_collateral(transaction: Transaction) -> CollateralReply:
    """Return what secures the book, and how much is lent against it."""
    kinds = transaction.connection.execute(COLLATERAL).all()
    secured = transaction.connection.execute(SECURED).one()
    value = sum((row.value for row in kinds), ZERO)
    return {
        "collateral_types": [
            {"kind": row.kind, "count": int(row.number), "value": float(row.value)} for row in kinds
        ],
        "secured_loans": int(secured.secured_loans),
        "total_value": float(value),
        "loan_to_value_ratio": _percent(secured.outstanding, value) if value else None,
    }


def analyse_distribution(transaction: Transaction) -> DistributionReply:
    """Return loans by purpose and by tenure."""
    connection = transaction.connection
    return {
        "by_purpose": [
            {
                "purpose": row.purpose,
                "count": int(row.number),
                "amount": float(row.amount),
                "outstanding": float(row.outstanding),
            }
            for row in connection.execute(DISTRIBUTION)
        ],
        "by_tenure": [
            {"months": row.months, "count": int(row.number), "amount": float(row.amount)}
            for row in connection.execute(TENURES)
        ],
    }


def _percent(part: Any, total: Any) -> float:  # noqa: ANN401 -- counts or amounts
    """Return a share in per cent with two decimals; 0 of nothing is 0."""
    return round(100 * float(part) / float(total), 2) if total else 0.0
