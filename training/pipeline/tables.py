"""The tables that arrive every night from the CRM, core banking and the indicators' interface."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from training.pipeline.source_table import Amount, Count, Key, Number, SourceTable, Word

EARLIEST = date(1900, 1, 1)
Day = Annotated[date, Field(ge=EARLIEST)]
Education = Literal["none", "secondary", "vocational", "bachelor", "master", "doctorate"]


class CustomerRow(SourceTable):
    """A customer as the CRM has it. A change is a new row of a later day."""

    table: ClassVar = "customers"
    key: ClassVar = ("customer_id",)
    dated_by: ClassVar = ("birth_date", "employed_since")

    customer_id: Key
    birth_date: Day
    annual_income: Amount
    employed_since: Day | None
    education: Education
    region: Word


class AccountRow(SourceTable):
    """An account of core banking at the end of a statement. A closed one has a closing day."""

    table: ClassVar = "accounts"
    key: ClassVar = ("account_id",)
    dated_by: ClassVar = ("opened_on", "closed_on")

    account_id: Key
    customer_id: Key
    kind: Literal["card", "loan"]
    opened_on: Day
    closed_on: Day | None
    credit_limit: Amount
    balance: Amount


class PaymentRow(SourceTable):
    """A payment that was due. It comes on its due day, and again on the day it is paid."""

    table: ClassVar = "payments"
    key: ClassVar = ("payment_id",)
    dated_by: ClassVar = ("due_date", "paid_on")

    payment_id: Key
    account_id: Key
    customer_id: Key
    due_date: Day
    amount_due: Amount
    paid_on: Day | None
    amount_paid: Amount


class InquiryRow(SourceTable):
    """An inquiry of some lender about a customer, as the bureau reports it."""

    table: ClassVar = "inquiries"
    key: ClassVar = ("inquiry_id",)
    dated_by: ClassVar = ("inquired_on",)

    inquiry_id: Key
    customer_id: Key
    inquired_on: Day


class BureauScoreRow(SourceTable):
    """The bureau's score of a customer's payment history."""

    table: ClassVar = "bureau_scores"
    key: ClassVar = ("customer_id",)
    dated_by: ClassVar = ("scored_on",)

    customer_id: Key
    scored_on: Day
    payment_history_score: Annotated[Count, Field(ge=300, le=850)]


class DefaultRow(SourceTable):
    """The day a customer defaulted, as core banking declares it."""

    table: ClassVar = "defaults"
    key: ClassVar = ("customer_id",)
    dated_by: ClassVar = ("defaulted_on",)

    customer_id: Key
    defaulted_on: Day


class IndicatorRow(SourceTable):
    """A macroeconomic figure of a month, on the day it was released or revised."""

    table: ClassVar = "macro_indicators"
    key: ClassVar = ("indicator", "period")
    dated_by: ClassVar = ("period", "released_on")

    indicator: Literal["policy_rate", "interest_rate", "unemployment_rate", "gdp_growth"]
    period: Day
    value: Number
    released_on: Day


TABLES: dict[str, type[SourceTable]] = {
    row.table: row
    for row in (
        CustomerRow,
        AccountRow,
        PaymentRow,
        InquiryRow,
        BureauScoreRow,
        DefaultRow,
        IndicatorRow,
    )
}
