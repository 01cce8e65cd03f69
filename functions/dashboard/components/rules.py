"""The rules of the book: products by version, and rule sets side by side."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.rules_responses import ProductReply, ProvisionRulesReply, RuleSetReply
from functions.dashboard.api import Api
from functions.dashboard.components.tables import Row, plain_table
from functions.dashboard.display import NOTHING, day, money, percent, t, words

AMOUNTS = {"penal_flat", "exposure_limit", "waiver_limit", "second_person_above"}
AMOUNTS |= {"instalment_unit", "interest_unit"}
RATES = {"penal_rate", "prepayment_charge"}


def rules(api: Api) -> None:
    """Show products, and how each rule set classifies and provides."""
    reply = api.lending(book.rules())
    st.subheader(t("rules.products"))
    st.caption(t("rules.products_help"))
    plain_table(product_rows(reply.products), "products")
    st.subheader(t("rules.rule_sets"))
    st.caption(t("rules.rule_sets_help"))
    plain_table(rule_set_rows(reply.rule_sets), "rule-sets")
    for provisions in reply.provision_rules:
        st.subheader(t("rules.provisions", label=provisions.label))
        valid_from = day(provisions.valid_from)
        st.caption(t("rules.provided", source=provisions.source, day=valid_from))
        plain_table(provision_rows(provisions), f"provisions-{provisions.label}")


def product_rows(products: list[ProductReply]) -> list[Row]:
    """Return one row a field and one column a version, so that versions are compared."""
    versions = [(f"{p.code} {p.version}", p.model_dump(mode="json")) for p in products]
    fields = [name for name in ProductReply.model_fields if name not in {"code", "version"}]
    return [
        {t("rules.field"): words(name)}
        | {head: written(name, values[name]) for head, values in versions}
        for name in fields
    ]


def written(name: str, value: float | str) -> str:
    """Write a field of a product: an amount, a rate, a number or a word of the API."""
    if name in AMOUNTS:
        return money(value)
    if name in RATES:
        return percent(float(value))
    return words(value) if isinstance(value, str) and name != "rule_set" else str(value)


def rule_set_rows(rule_sets: list[RuleSetReply]) -> list[Row]:
    """Return one row a class or rule and one column a rule set."""
    classes = list(dict.fromkeys(band.asset_class for r in rule_sets for band in r.classes))
    rows: list[Row] = [
        {t("rules.field"): t("rules.valid_from")} | {r.label: day(r.valid_from) for r in rule_sets},
        {t("rules.field"): t("rules.npa_from")} | {r.label: str(r.npa_from) for r in rule_sets},
        {t("rules.field"): t("rules.borrower_wise")}
        | {r.label: t("columns.yes") if r.is_borrower_wise else NOTHING for r in rule_sets},
        {t("rules.field"): t("rules.upgrade")} | {r.label: words(r.upgrade) for r in rule_sets},
    ]
    for name in classes:
        row = {t("rules.field"): words(name)}
        rows.append(row | {r.label: class_start(r, name) for r in rule_sets})
    rows.append({t("rules.field"): t("rules.source")} | {r.label: r.source for r in rule_sets})
    return rows


def class_start(rule_set: RuleSetReply, name: str) -> str:
    """Write from when on a class applies; nothing if the rule set has no such class."""
    band = next((band for band in rule_set.classes if band.asset_class == name), None)
    if band is None:
        return NOTHING
    if band.counted_in == "days_past_due":
        return t("rules.days_past_due", start=band.start)
    return t("rules.months_since_npa", start=band.start)


def provision_rows(provisions: ProvisionRulesReply) -> list[Row]:
    """Return one row a class; what performs is by kind of credit."""
    return [
        {
            t("rules.class_or_kind"): words(rate.name),
            t("rules.covered"): percent(float(rate.covered_percent)),
            t("rules.uncovered"): percent(float(rate.uncovered_percent)),
            t("rules.unsecured"): percent(float(rate.unsecured_percent)),
        }
        for rate in (*provisions.performing, *provisions.non_performing)
    ]
