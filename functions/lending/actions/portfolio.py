"""Figures of the book as the earlier system documented them, each from rows that can be listed."""

from typing import Any

from sqlalchemy import text
from typing_extensions import TypedDict

from functions.lending.storage.transaction import Transaction

NPA_STATUSES = "l.status = 'active' AND l.npa_since IS NOT NULL"
LOANS = text(f"""
SELECT count(*) AS total_loans,
    count(*) FILTER (WHERE l.status = 'active') AS active_loans,
    count(*) FILTER (WHERE {NPA_STATUSES} OR l.status IN ('written_off', 'settled'))
        AS defaulted_loans,
    coalesce(sum(l.disbursed), 0) AS total_disbursed,
    coalesce(sum(l.outstanding_principal), 0) AS total_outstanding,
    coalesce(sum(l.received), 0) AS total_repaid,
    coalesce(sum(l.outstanding_principal) FILTER (WHERE {NPA_STATUSES}), 0) AS total_npa_amount
FROM loans l
""")  # noqa: S608 -- constants
APPLICATIONS = text("""
SELECT count(*) AS total_applications,
    count(*) FILTER (WHERE status IN ('approved', 'accepted', 'expired')) AS approved
FROM applications
""")
INSTALMENTS = text("""
SELECT count(*) AS due, count(*) FILTER (WHERE met_on <= due_on) AS on_time,
    count(*) FILTER (WHERE unpaid_interest + unpaid_principal > 0) AS overdue,
    count(*) FILTER (WHERE unpaid_interest + unpaid_principal = 0) AS paid,
    coalesce(sum(interest + principal), 0) AS demanded,
    coalesce(sum(interest + principal - unpaid_interest - unpaid_principal), 0) AS met
FROM instalments WHERE due_on <= :day
""")
CLASSES = text("""
SELECT asset_class, count(*) AS number, coalesce(sum(outstanding_principal), 0) AS outstanding
FROM loans WHERE status = 'active' GROUP BY asset_class
""")
REPAYMENTS = text("""
SELECT count(*) AS number, coalesce(sum(r.amount), 0) AS total, coalesce(avg(r.amount), 0) AS mean
FROM repayments r WHERE NOT EXISTS (
    SELECT FROM adjustments a WHERE a.loan_id = r.loan_id AND a.reverses = r.reference)
""")
COLLATERAL = text("""
SELECT kind, count(*) AS number, sum(value) AS value FROM collateral GROUP BY kind ORDER BY 1
""")
SECURED = text("""
SELECT count(*) AS secured_loans, coalesce(sum(l.outstanding_principal), 0) AS outstanding,
    coalesce(sum(s.value), 0) AS value
FROM loans l JOIN (SELECT loan_id, sum(value) AS value FROM collateral GROUP BY loan_id) s
    ON s.loan_id = l.id
""")
DISTRIBUTION = text("""
SELECT purpose, count(*) AS number, sum(amount) AS amount,
    sum(outstanding_principal) AS outstanding FROM loans GROUP BY purpose ORDER BY 1
""")
TENURES = text("""
SELECT months, count(*) AS number, sum(amount) AS amount FROM loans GROUP BY months ORDER BY 1
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
    connection = transaction.connection
    loans = connection.execute(LOANS).one()
    applications = connection.execute(APPLICATIONS).one()
    due = connection.execute(INSTALMENTS, {"day": transaction.business_date}).one()
    return {
        "business_date": transaction.business_date.isoformat(),
        "loan_statistics": {
            "total_applications": applications.total_applications,
            "total_loans": loans.total_loans,
            "active_loans": loans.active_loans,
            "defaulted_loans": loans.defaulted_loans,
            "approval_rate": _percent(applications.approved, applications.total_applications),
        },
        "financial_metrics": {
            "total_disbursed": float(loans.total_disbursed),
            "total_outstanding": float(loans.total_outstanding),
            "total_repaid": float(loans.total_repaid),
            "total_npa_amount": float(loans.total_npa_amount),
        },
        "risk_metrics": {
            "npa_ratio": _percent(loans.total_npa_amount, loans.total_outstanding),
            "default_rate": _percent(loans.defaulted_loans, loans.total_loans),
            "average_emi_payment_rate": _percent(due.met, due.demanded),
        },
    }


def analyse_npa(transaction: Transaction) -> NpaReply:
    """Return active loans by asset class."""
    rows = transaction.connection.execute(CLASSES).all()
    total = sum(row.number for row in rows)
    counts = dict.fromkeys(DOCUMENTED_CLASSES, 0)
    for row in rows:
        counts[BANDS[row.asset_class]] += row.number
    npa = [row for row in rows if BANDS[row.asset_class] != "Standard"]
    return {
        "npa_classification": {
            name: {"count": count, "percentage": _percent(count, total)}
            for name, count in counts.items()
        },
        "asset_classes": {
            row.asset_class: {"count": row.number, "percentage": _percent(row.number, total)}
            for row in rows
        },
        "total_npa_loans": sum(row.number for row in npa),
        "total_npa_amount": float(sum(row.outstanding for row in npa)),
    }


def analyse_repayments(transaction: Transaction) -> RepaymentsReply:
    """Return what was paid and what fell due, up to the business date."""
    paid = transaction.connection.execute(REPAYMENTS).one()
    day = {"day": transaction.business_date}
    due = transaction.connection.execute(INSTALMENTS, day).one()
    return {
        "total_repayments": paid.number,
        "total_amount": float(paid.total),
        "average_amount": round(float(paid.mean), 2),
        "instalments_due": due.due,
        "instalments_paid": due.paid,
        "instalments_overdue": due.overdue,
        "on_time_rate": _percent(due.on_time, due.due),
        "collection_efficiency": _percent(due.met, due.demanded),
    }


def analyse_collateral(transaction: Transaction) -> CollateralReply:
    """Return what secures the book, and how much is lent against it."""
    kinds = transaction.connection.execute(COLLATERAL).all()
    secured = transaction.connection.execute(SECURED).one()
    ratio = _percent(secured.outstanding, secured.value) if secured.value else None
    return {
        "collateral_types": [
            {"kind": row.kind, "count": row.number, "value": float(row.value)} for row in kinds
        ],
        "secured_loans": secured.secured_loans,
        "total_value": float(secured.value),
        "loan_to_value_ratio": ratio,
    }


def analyse_distribution(transaction: Transaction) -> DistributionReply:
    """Return loans by purpose and by tenure."""
    return {
        "by_purpose": _rows(transaction, DISTRIBUTION),
        "by_tenure": _rows(transaction, TENURES),
    }


def _rows(transaction: Transaction, query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 -- SQL
    amounts, documented = {"amount", "outstanding"}, {"number": "count"}
    return [
        {
            documented.get(name, name): float(value) if name in amounts else value
            for name, value in row.items()
        }
        for row in transaction.connection.execute(query).mappings()
    ]


def _percent(part: Any, total: Any) -> float:  # noqa: ANN401 -- counts or amounts
    """Return a share in per cent with two decimals; 0 of nothing is 0."""
    return round(100 * float(part) / float(total), 2) if total else 0.0
