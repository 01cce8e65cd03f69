"""The rules of the book: products, how arrears become classes, and what is set aside for each."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select
from typing_extensions import TypedDict

from functions.lending.storage import tables
from functions.lending.storage.transaction import Transaction
from models.lending.provision_rules import PROVISION_RULES, ClassRates, ProvisionRules
from models.lending.rule_sets import RULE_SETS, ClassBand, RuleSet


class ProductReply(TypedDict):
    """One version of a product; loans keep the version that they were granted with."""

    code: str
    version: int
    currency: str
    rule_set: str
    instalment_unit: Decimal
    instalment_mode: str
    interest_unit: Decimal
    interest_mode: str
    allocation: str
    npa_allocation: str
    penal_rate: Decimal
    penal_flat: Decimal
    penal_grace_days: int
    prepayment_charge: Decimal
    exposure_limit: Decimal
    waiver_limit: Decimal
    offer_days: int
    second_person_above: Decimal


PRODUCT = tuple(ProductReply.__annotations__)


class ClassBandReply(TypedDict):
    """From when on a class applies: days past due, or months of being non-performing."""

    asset_class: str
    start: int
    counted_in: Literal["days_past_due", "months_since_npa"]


class RuleSetReply(TypedDict):
    """How arrears become asset classes."""

    label: str
    valid_from: date | None
    source: str
    npa_from: int
    is_borrower_wise: bool
    upgrade: str
    classes: list[ClassBandReply]


class ProvisionRateReply(TypedDict):
    """Per cent that is set aside for a class or for a kind of credit that performs."""

    name: str
    covered_percent: Decimal
    uncovered_percent: Decimal
    unsecured_percent: Decimal


class ProvisionRulesReply(TypedDict):
    """Rates of provisions; `performing` is by kind of credit, `non_performing` by class."""

    label: str
    valid_from: date
    source: str
    classified_by: str
    unsecured_limit_percent: Decimal
    performing: list[ProvisionRateReply]
    non_performing: list[ProvisionRateReply]


class RulesReply(TypedDict):
    """Every product and every rule set that this service knows."""

    products: list[ProductReply]
    rule_sets: list[RuleSetReply]
    provision_rules: list[ProvisionRulesReply]


def read_rules(transaction: Transaction) -> RulesReply:
    """Return the products of the book and the rule sets of the code."""
    products = tables.products
    query = select(products).order_by(products.c.code, products.c.version)
    rows = transaction.connection.execute(query).all()
    return {
        "products": [{name: getattr(row, name) for name in PRODUCT} for row in rows],  # type: ignore[misc]
        "rule_sets": [_rule_set(rules) for rules in RULE_SETS.values()],
        "provision_rules": [_provisions(rules) for rules in PROVISION_RULES.values()],
    }


def _rule_set(rules: RuleSet) -> RuleSetReply:
    return {
        "label": rules.label,
        "valid_from": rules.valid_from,
        "source": rules.source,
        "npa_from": rules.npa_from,
        "is_borrower_wise": rules.is_borrower_wise,
        "upgrade": rules.upgrade,
        "classes": [
            *_bands(rules.performing, "days_past_due"),
            *_bands(rules.non_performing, rules.non_performing_by),
        ],
    }


def _bands(bands: Iterable[ClassBand], counted_in: Any) -> list[ClassBandReply]:  # noqa: ANN401 -- a literal
    return [
        {"asset_class": band.asset_class, "start": band.start, "counted_in": counted_in}
        for band in bands
    ]


def _provisions(rules: ProvisionRules) -> ProvisionRulesReply:
    return {
        "label": rules.label,
        "valid_from": rules.valid_from,
        "source": rules.source,
        "classified_by": rules.classified_by,
        "unsecured_limit_percent": rules.unsecured_limit_percent,
        "performing": [
            _rate(kind, ClassRates(covered_percent=rate, uncovered_percent=rate), rate)
            for kind, rate in rules.performing_percent.items()
        ],
        "non_performing": [
            _rate(name, rates, rules.unsecured.get(name, rates).uncovered_percent)
            for name, rates in rules.non_performing.items()
        ],
    }


def _rate(name: str, rates: ClassRates, unsecured: Decimal) -> ProvisionRateReply:
    return {
        "name": name,
        "covered_percent": rates.covered_percent,
        "uncovered_percent": rates.uncovered_percent,
        "unsecured_percent": unsecured,
    }
