"""Tables of the analytics; `tables.py` has the book itself. Statements write them as text."""

from sqlalchemy import BigInteger, Boolean, Date, Integer, Numeric, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from functions.lending.storage.tables import MONEY, TIME, declare_table

loan_origins = declare_table(
    "loan_origins",
    loan_id=Uuid,
    branch_id=SmallInteger,
    customer_id=BigInteger,
    city=Text,
    state=Text,
    employer=Text,
    employment_type=Text,
    income_band=Text,
    score_band=Text,
    model_version=Text,
)
segment_cells = declare_table(
    "segment_cells",
    branch_id=SmallInteger,
    dimension=Text,
    value=Text,
    number=BigInteger,
    outstanding=Numeric,
    squares=Numeric,
)
borrower_exposures = declare_table(
    "borrower_exposures",
    customer_id=BigInteger,
    branch_id=SmallInteger,
    number=Integer,
    outstanding=MONEY,
)
month_ends = declare_table(
    "month_ends",
    month_end=Date,
    loans=BigInteger,
    rule_sets=JSONB,
    recorded_at=TIME,
    restated_loans=BigInteger,
    restated_at=TIME,
)
loan_months = declare_table(
    "loan_months",
    month_end=Date,
    loan_id=Uuid,
    revision=SmallInteger,
    branch_id=SmallInteger,
    customer_id=BigInteger,
    product_id=SmallInteger,
    cohort=Date,
    months_on_book=SmallInteger,
    score_band=Text,
    model_version=Text,
    disbursed=MONEY,
    outstanding=MONEY,
    arrears=MONEY,
    written_off=MONEY,
    days_past_due=Integer,
    worst_days_past_due=Integer,
    bucket=Text,
    asset_class=Text,
    npa_since=Date,
    rule_set=Text,
    previous_bucket=Text,
    previous_outstanding=MONEY,
    previous_written_off=MONEY,
    previous_npa=Boolean,
    recorded_on=Date,
)
roll_cells = declare_table(
    "roll_cells",
    month_end=Date,
    basis=Text,
    branch_id=SmallInteger,
    from_bucket=Text,
    to_bucket=Text,
    number=BigInteger,
    opening=Numeric,
)
vintage_cells = declare_table(
    "vintage_cells",
    month_end=Date,
    basis=Text,
    branch_id=SmallInteger,
    product_id=SmallInteger,
    cohort=Date,
    months_on_book=SmallInteger,
    score_band=Text,
    model_version=Text,
    loans=BigInteger,
    amount=Numeric,
    **dict.fromkeys(("ever_30", "ever_60", "ever_90"), BigInteger),
    **dict.fromkeys(("ever_30_amount", "ever_60_amount", "ever_90_amount"), Numeric),
)
month_cells = declare_table(
    "month_cells",
    month_end=Date,
    basis=Text,
    branch_id=SmallInteger,
    figure=Text,
    key=Text,
    number=BigInteger,
    amount=Numeric,
)
early_warnings = declare_table(
    "early_warnings",
    loan_id=Uuid,
    branch_id=SmallInteger,
    customer_id=BigInteger,
    reason=Text,
    since=Date,
    outstanding=MONEY,
    as_of=Date,
)
warning_followups = declare_table(
    "warning_followups",
    loan_id=Uuid,
    reason=Text,
    customer_id=BigInteger,
    branch_id=SmallInteger,
    owner=Text,
    snoozed_until=Date,
    snooze_note=Text,
    changed_by=Text,
    changed_at=TIME,
)
