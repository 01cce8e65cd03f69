"""Tables about applications beside `tables.py`: external checks, and reviews by persons."""

from sqlalchemy import BigInteger, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from functions.lending.storage.tables import TIME, declare_table

external_checks = declare_table(
    "external_checks",
    id=Uuid,
    application_id=Uuid,
    customer_id=BigInteger,
    branch_id=SmallInteger,
    name=Text,
    outcome=Text,
    detail=Text,
    http_status=SmallInteger,
    members=JSONB,
    asked_by=Text,
    created_at=TIME,
)
reviews = declare_table(
    "reviews",
    application_id=Uuid,
    customer_id=BigInteger,
    branch_id=SmallInteger,
    asked_by=Text,
    asked_at=TIME,
    note=Text,
    claimed_by=Text,
    claimed_at=TIME,
    proposed_by=Text,
    proposed_at=TIME,
    proposed_outcome=Text,
    proposed_code=Text,
    proposed_note=Text,
)
