"""Tables as the code reads and writes them; keys, constraints and indexes stand in the migrations.

A test holds every column and type against a migrated database.
"""

from typing import Any

from sqlalchemy import BigInteger as BigInt
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import Column as TableColumn
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()
MONEY = Numeric(18, 2)
RATE = Numeric(9, 6)
TIME = DateTime(timezone=True)


def declare_table(table_name: str, /, **types: Any) -> Table:  # noqa: ANN401 -- types of columns
    """Create a table of these columns."""
    columns: list[TableColumn[Any]] = [TableColumn(name, kind) for name, kind in types.items()]
    return Table(table_name, METADATA, *columns)


def _fact(table_name: str, /, **types: Any) -> Table:  # noqa: ANN401 -- types of columns
    """Create a table of facts: what happened to a loan, when it counts, who posted it when."""
    return declare_table(
        table_name,
        id=Uuid,
        loan_id=Uuid,
        branch_id=SmallInteger,
        reference=Text,
        value_date=Date,
        **types,
        posted_by=Text,
        business_date=Date,
        created_at=TIME,
    )


branches = declare_table("branches", id=SmallInteger, name=Text)
products = declare_table(
    "products",
    id=SmallInteger,
    code=Text,
    version=SmallInteger,
    currency=Text,
    rule_set=Text,
    instalment_unit=Numeric(4, 2),
    instalment_mode=Text,
    interest_unit=Numeric(4, 2),
    interest_mode=Text,
    allocation=Text,
    npa_allocation=Text,
    penal_rate=RATE,
    penal_flat=MONEY,
    penal_grace_days=SmallInteger,
    prepayment_charge=RATE,
    exposure_limit=MONEY,
    waiver_limit=MONEY,
    offer_days=SmallInteger,
    second_person_above=MONEY,
)
customers = declare_table(
    "customers",
    id=BigInt,
    branch_id=SmallInteger,
    full_name=Text,
    email=Text,
    phone=Text,
    city=Text,
    state=Text,
    date_of_birth=Date,
    version=Integer,
    created_at=TIME,
)
customer_versions = declare_table(
    "customer_versions",
    customer_id=BigInt,
    branch_id=SmallInteger,
    version=Integer,
    contact=JSONB,
    replaced_by=Text,
    replaced_at=TIME,
)
employment = declare_table(
    "employment",
    customer_id=BigInt,
    branch_id=SmallInteger,
    version=Integer,
    employer_name=Text,
    employment_type=Text,
    monthly_income=MONEY,
    years_of_experience=Numeric(4, 1),
    created_at=TIME,
)
kyc = declare_table(
    "kyc",
    customer_id=BigInt,
    branch_id=SmallInteger,
    version=Integer,
    identity_type=Text,
    number_hash=LargeBinary,
    last_four=Text,
    verified_by=Text,
    verified_at=TIME,
    expires_on=Date,
)
applications = declare_table(
    "applications",
    id=Uuid,
    customer_id=BigInt,
    branch_id=SmallInteger,
    product_id=SmallInteger,
    amount=MONEY,
    months=SmallInteger,
    annual_rate=RATE,
    purpose=Text,
    status=Text,
    pending_cause=Text,
    requested_by=Text,
    request_key=Text,
    fingerprint=LargeBinary,
    expires_on=Date,
    version=Integer,
    business_date=Date,
    created_at=TIME,
    counter_to=Uuid,
)
decisions = declare_table(
    "decisions",
    id=Uuid,
    application_id=Uuid,
    customer_id=BigInt,
    branch_id=SmallInteger,
    decided_by=Text,
    is_automated=Boolean,
    outcome=Text,
    model=Text,
    model_version=Text,
    probability_of_default=Numeric(18, 17),
    credit_score=SmallInteger,
    risk_level=Text,
    reasons=JSONB,
    contributors=JSONB,
    inputs=JSONB,
    factors=JSONB,
    code=Text,
    note=Text,
    created_at=TIME,
    policy=JSONB,
    second_person=Text,
)
loans = declare_table(
    "loans",
    id=Uuid,
    application_id=Uuid,
    customer_id=BigInt,
    branch_id=SmallInteger,
    product_id=SmallInteger,
    amount=MONEY,
    months=SmallInteger,
    annual_rate=RATE,
    purpose=Text,
    created_at=TIME,
    status=Text,
    as_of=Date,
    equal_instalment=MONEY,
    disbursed=MONEY,
    repaid_principal=MONEY,
    written_off_principal=MONEY,
    outstanding_principal=MONEY,
    due_principal=MONEY,
    due_interest=MONEY,
    due_fees=MONEY,
    due_penal_charges=MONEY,
    credit=MONEY,
    received=MONEY,
    oldest_due=Date,
    days_past_due=Integer,
    asset_class=Text,
    npa_since=Date,
    rule_set=Text,
    next_event_on=Date,
    closed_on=Date,
    journal_entries=Integer,
    allocations=Integer,
    version=Integer,
    is_secured=Boolean,
    turns_npa_on=Date,
)
disbursements = _fact("disbursements", amount=MONEY, first_due_on=Date, due_day=SmallInteger)
repayments = _fact("repayments", amount=MONEY, prepayment_option=Text)
charges = _fact("charges", amount=MONEY, note=Text)
adjustments = _fact(
    "adjustments",
    kind=Text,
    amount=MONEY,
    component=Text,
    write_off_kind=Text,
    months=SmallInteger,
    annual_rate=RATE,
    reverses=Text,
    reason=Text,
    approved_by=Text,
)
confirmations = declare_table(
    "confirmations",
    id=Uuid,
    loan_id=Uuid,
    branch_id=SmallInteger,
    action=Text,
    fingerprint=LargeBinary,
    requested_by=Text,
    requested_at=TIME,
    confirmed_by=Text,
    confirmed_at=TIME,
    body=JSONB,
    refused_by=Text,
    refused_at=TIME,
)
collateral = declare_table(
    "collateral",
    id=Uuid,
    loan_id=Uuid,
    branch_id=SmallInteger,
    kind=Text,
    description=Text,
    value=MONEY,
    valued_on=Date,
    created_at=TIME,
)
guarantors = declare_table(
    "guarantors",
    id=Uuid,
    loan_id=Uuid,
    branch_id=SmallInteger,
    full_name=Text,
    phone=Text,
    relationship=Text,
    guaranteed=MONEY,
    created_at=TIME,
)
npa_tracking = declare_table(
    "npa_tracking",
    loan_id=Uuid,
    branch_id=SmallInteger,
    business_date=Date,
    previous_class=Text,
    asset_class=Text,
    npa_since=Date,
    days_past_due=Integer,
    outstanding_principal=MONEY,
    rule_set=Text,
)
schedule_versions = declare_table(
    "schedule_versions",
    loan_id=Uuid,
    branch_id=SmallInteger,
    number=SmallInteger,
    effective_on=Date,
    reason=Text,
    reference=Text,
    equal_instalment=MONEY,
    months=SmallInteger,
    total_interest=MONEY,
)
instalments = declare_table(
    "instalments",
    loan_id=Uuid,
    branch_id=SmallInteger,
    number=SmallInteger,
    due_on=Date,
    status=Text,
    interest=MONEY,
    principal=MONEY,
    unpaid_interest=MONEY,
    unpaid_principal=MONEY,
    unpaid_charges=MONEY,
    paid=MONEY,
    given_up=MONEY,
    met_on=Date,
)
allocations = declare_table(
    "allocations",
    loan_id=Uuid,
    branch_id=SmallInteger,
    position=Integer,
    value_date=Date,
    reference=Text,
    number=SmallInteger,
    component=Text,
    amount=MONEY,
)
journal_entries = declare_table(
    "journal_entries",
    loan_id=Uuid,
    branch_id=SmallInteger,
    number=Integer,
    value_date=Date,
    kind=Text,
    reference=Text,
    is_correction=Boolean,
    business_date=Date,
    created_at=TIME,
)
journal_lines = declare_table(
    "journal_lines",
    loan_id=Uuid,
    branch_id=SmallInteger,
    number=Integer,
    position=SmallInteger,
    account=Text,
    debit=MONEY,
    credit=MONEY,
)
idempotency_keys = declare_table(
    "idempotency_keys",
    principal=Text,
    route=Text,
    key=Text,
    fingerprint=LargeBinary,
    status=SmallInteger,
    headers=JSONB,
    body=LargeBinary,
    created_at=TIME,
)
outbox = declare_table(
    "outbox",
    id=Uuid,
    loan_id=Uuid,
    branch_id=SmallInteger,
    sequence=Integer,
    type=Text,
    body=JSONB,
    created_at=TIME,
)
webhook_endpoints = declare_table(
    "webhook_endpoints",
    id=Uuid,
    url=Text,
    secret=Text,
    previous_secret=Text,
    created_at=TIME,
    disabled_at=TIME,
    disabled_reason=Text,
)
webhook_deliveries = declare_table(
    "webhook_deliveries",
    outbox_id=Uuid,
    endpoint_id=Uuid,
    attempts=SmallInteger,
    due_at=TIME,
    delivered_at=TIME,
    last_outcome=Text,
)
audit = declare_table(
    "audit",
    id=Uuid,
    at=TIME,
    principal=Text,
    action=Text,
    subject=Text,
    branch_id=SmallInteger,
    request_id=Text,
    detail=JSONB,
)
business_dates = declare_table("business_dates", business_date=Date, opened_at=TIME, closed_at=TIME)
# Cells are read and written as text in `cells.py`.
loan_cells = declare_table(
    "loan_cells",
    branch_id=SmallInteger,
    status=Text,
    asset_class=Text,
    is_npa=Boolean,
    is_secured=Boolean,
    purpose=Text,
    months=SmallInteger,
    number=BigInt,
    amount=Numeric,
    disbursed=Numeric,
    outstanding=Numeric,
    received=Numeric,
)
application_cells = declare_table(
    "application_cells", branch_id=SmallInteger, status=Text, number=BigInt
)
due_cells = declare_table(
    "due_cells",
    branch_id=SmallInteger,
    due_on=Date,
    number=BigInt,
    on_time=BigInt,
    overdue=BigInt,
    demanded=Numeric,
    met=Numeric,
)
payment_cells = declare_table(
    "payment_cells", branch_id=SmallInteger, number=BigInt, amount=Numeric
)
collateral_cells = declare_table(
    "collateral_cells", branch_id=SmallInteger, kind=Text, number=BigInt, value=Numeric
)
