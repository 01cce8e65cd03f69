"""The book's summary as tiles and as figures with bounds."""

from functions.client.lending_responses import SummaryReply
from functions.dashboard.components.tiles import Limit, Tile
from functions.dashboard.display import money, number, percent

# In per cent: from which value a figure warns, and from which it alarms.
NPA_BOUNDS = (3.0, 5.0)
DEFAULT_BOUND = 10.0
ON_TIME_BOUND = 80.0


def tiles_from_summary(summary: SummaryReply) -> list[Tile]:
    """Return the tiles of the home page and the portfolio."""
    loans, sums, risk = (
        summary.loan_statistics,
        summary.financial_metrics,
        summary.risk_metrics,
    )
    active = (("status", "active"),)
    return [
        Tile(name="outstanding", value=money(sums.total_outstanding), target="loans", query=active),
        Tile(name="active", value=number(loans.active_loans), target="loans", query=active),
        Tile(name="disbursed", value=money(sums.total_disbursed), target="loans"),
        Tile(name="repaid", value=money(sums.total_repaid)),
        Tile(name="npa_ratio", value=percent(risk.npa_ratio), target="arrears"),
        Tile(name="npa_amount", value=money(sums.total_npa_amount), target="arrears"),
        Tile(name="default_rate", value=percent(risk.default_rate), target="arrears"),
        Tile(name="on_time", value=percent(risk.average_emi_payment_rate), target="arrears"),
        Tile(name="applications", value=number(loans.total_applications), target="applications"),
        Tile(name="approval", value=percent(loans.approval_rate), target="applications"),
        Tile(name="loans", value=number(loans.total_loans), target="loans"),
        Tile(name="defaulted", value=number(loans.defaulted_loans), target="arrears"),
    ]


def limits_from_summary(summary: SummaryReply) -> list[Limit]:
    """Return the figures that a manager is warned about."""
    risk = summary.risk_metrics
    return [
        Limit(
            name="npa_ratio", value=risk.npa_ratio, warns_at=NPA_BOUNDS[0], alarms_at=NPA_BOUNDS[1]
        ),
        Limit(name="default_rate", value=risk.default_rate, warns_at=DEFAULT_BOUND),
        Limit(
            name="on_time",
            value=risk.average_emi_payment_rate,
            warns_at=ON_TIME_BOUND,
            is_low_bad=True,
        ),
    ]
