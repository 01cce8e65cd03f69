"""Types of the responses, written by `make client` from docs/openapi-lending.json."""

from datetime import date
from typing import Literal

from .response import Response


class ProductReply(Response):
    """
    One version of a product; loans keep the version that they were granted with.
    """

    code: str
    version: int
    currency: str
    rule_set: str
    instalment_unit: float | str
    instalment_mode: str
    interest_unit: float | str
    interest_mode: str
    allocation: str
    npa_allocation: str
    penal_rate: float | str
    penal_flat: float | str
    penal_grace_days: int
    prepayment_charge: float | str
    exposure_limit: float | str
    waiver_limit: float | str
    offer_days: int
    second_person_above: float | str


class ClassBandReply(Response):
    """
    From when on a class applies: days past due, or months of being non-performing.
    """

    asset_class: str
    start: int
    counted_in: Literal["days_past_due", "months_since_npa"]


class ProvisionRateReply(Response):
    """
    Per cent that is set aside for a class or for a kind of credit that performs.
    """

    name: str
    covered_percent: float | str
    uncovered_percent: float | str
    unsecured_percent: float | str


class RuleSetReply(Response):
    """
    How arrears become asset classes.
    """

    label: str
    valid_from: date | None
    source: str
    npa_from: int
    is_borrower_wise: bool
    upgrade: str
    classes: list[ClassBandReply]


class ProvisionRulesReply(Response):
    """
    Rates of provisions; `performing` is by kind of credit, `non_performing` by class.
    """

    label: str
    valid_from: date
    source: str
    classified_by: str
    unsecured_limit_percent: float | str
    performing: list[ProvisionRateReply]
    non_performing: list[ProvisionRateReply]


class RulesReply(Response):
    """
    Every product and every rule set that this service knows.
    """

    products: list[ProductReply]
    rule_sets: list[RuleSetReply]
    provision_rules: list[ProvisionRulesReply]
