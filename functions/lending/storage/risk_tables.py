"""Tables of risk reports, and which of their columns are whole numbers of what."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from functions.lending.storage.tables import METADATA

# What the expected loss of a loan is made from, in the order of `LoanArrays`.
RISK_INPUTS = (
    *("undue_principal", "overdue", "annual_rate", "effective_rate", "equal_instalment"),
    *("months_left", "days_past_due", "is_impaired", "months_impaired"),
    *("probability_of_default", "probability_at_origination", "loss_given_default", "category"),
)
PROVISION_INPUTS = ("outstanding", "security", "is_unsecured")
RISK_RESULTS = ("stage", "expected_loss", "covered_provision", "uncovered_provision")
SUMS = ("outstanding", "gross", "expected_loss", "covered_provision", "uncovered_provision")

risk_reports = Table(
    "risk_reports",
    METADATA,
    Column("id", Uuid),
    Column("as_of", Date),
    Column("rule_set", Text),
    Column("provision_rules", Text),
    Column("assumptions", JSONB),
    Column("models", JSONB),
    Column("loans", BigInteger),
    Column("unscored", BigInteger),
    Column("computed_again", BigInteger),
    Column("created_at", DateTime(timezone=True)),
)
risk_loans = Table(
    "risk_loans",
    METADATA,
    Column("report_id", Uuid),
    Column("loan_id", Uuid),
    Column("branch_id", SmallInteger),
    Column("decision_id", Uuid),
    Column("asset_class", Text),
    *(Column(name, BigInteger) for name in (*RISK_INPUTS, *PROVISION_INPUTS, *RISK_RESULTS)),
)
risk_cells = Table(
    "risk_cells",
    METADATA,
    Column("report_id", Uuid),
    Column("branch_id", SmallInteger),
    Column("asset_class", Text),
    Column("is_npa", Boolean),
    Column("stage", BigInteger),
    Column("number", BigInteger),
    *(Column(name, BigInteger) for name in SUMS),
)
risk_movements = Table(
    "risk_movements",
    METADATA,
    Column("report_id", Uuid),
    Column("branch_id", SmallInteger),
    Column("opening_stage", BigInteger),
    Column("closing_stage", BigInteger),
    Column("exit", Text),
    Column("number", BigInteger),
    Column("opening", BigInteger),
    Column("closing", BigInteger),
)
