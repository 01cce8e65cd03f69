"""New application: terms with live instalment and ratios, the decision, and what follows."""

from decimal import Decimal
from typing import Any

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import CustomerDetail, LoanReply
from functions.dashboard.api import Api
from functions.dashboard.application_row import (
    PURPOSES,
    live_instalment,
    other_instalments,
    row_from_terms,
)
from functions.dashboard.components.case import show_case
from functions.dashboard.components.registration import registration_form
from functions.dashboard.components.simulation import live_estimate
from functions.dashboard.components.terms import months_field, rate_field
from functions.dashboard.display import money, percent, t
from functions.dashboard.frame import business_date, form_key, page, renew_key
from models.lending.ratios import (
    debt_to_income_percent,
    fixed_obligations_percent,
    loan_to_income,
    loan_to_value_percent,
)

FORM, DECIDED = "apply", "decided application"
MONTHS_A_YEAR = 12


def choose_customer(api: Api) -> CustomerDetail | None:
    """Choose a customer by number, or register one."""
    new = st.toggle(t("apply.register"), key="registering")
    if new:
        number = registration_form(api)
        if number is None:
            return None
        st.query_params["customer"] = str(number)
        st.session_state.pop("registering")
        st.rerun()
    text = st.text_input(t("apply.customer"), key="customer", bind="query-params") or ""
    if not text.strip().isdigit():
        st.info(t("apply.choose_customer"), icon=":material/person_search:")
        return None
    customer = api.lending(book.customer(int(text)))
    st.markdown(f"**{customer.full_name}**, {customer.city}, {customer.state}")
    if customer.employment is None:
        st.warning(t("apply.no_employment"))
        return None
    job = customer.employment
    years = t("apply.job", employer=job.employer_name, years=f"{job.years_of_experience:g}")
    st.caption(f"{years} {t('apply.income', amount=money(job.monthly_income))}")
    return customer


def read_terms() -> dict[str, Any]:
    """Read the terms; what follows from them changes as they do."""
    left, right = st.columns(2)
    return {
        "loan_amount": left.number_input(
            t("apply.amount"), min_value=1000.0, value=500000.0, step=10000.0, format="%.2f"
        ),
        "loan_tenure_months": months_field(60, column=left),
        "interest_rate": rate_field(9.5, column=right),
        "loan_purpose": right.selectbox(t("apply.purpose"), PURPOSES),
    }


def show_ratios(customer: CustomerDetail, loans: list[LoanReply], terms: dict[str, Any]) -> None:
    """Show the instalment, and what it means to this customer."""
    if customer.employment is None:
        return
    amount = Decimal(str(terms["loan_amount"]))
    rate, months = Decimal(str(terms["interest_rate"])), terms["loan_tenure_months"]
    income = Decimal(str(customer.employment.monthly_income))
    instalment, others = live_instalment(amount, rate, months), other_instalments(loans)
    secured = st.number_input(t("apply.collateral"), min_value=0.0, value=0.0, step=10000.0)
    value = Decimal(str(secured))
    figures = (
        ("emi", money(instalment)),
        ("dti", percent(debt_to_income_percent(instalment, income))),
        ("foir", percent(fixed_obligations_percent(instalment, others, income))),
        ("lti", f"{loan_to_income(amount, MONTHS_A_YEAR * income):.2f}"),
        ("ltv", percent(loan_to_value_percent(amount, value) if value else None)),
    )
    for column, (name, written) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(t(f"apply.{name}"), written, help=t(f"apply.{name}_help"), border=True)
    if others:
        st.caption(t("apply.others", amount=money(others)))


def submit(api: Api, customer: CustomerDetail, terms: dict[str, Any]) -> None:
    """Send the application, once however often the button is pressed."""
    key = form_key(FORM)
    if not st.button(t("apply.submit"), type="primary", icon=":material/send:"):
        return
    body = {"customer_id": customer.customer_id, **terms}
    body["loan_amount"] = f"{terms['loan_amount']:.2f}"
    with st.spinner(t("apply.deciding")):
        application = api.lending(book.apply(body, key))
    renew_key(FORM)
    st.session_state[DECIDED] = application.application_id
    st.rerun()


def main() -> None:
    """Take an application, or show the one that was just decided."""
    with page("new_application") as api:
        decided = st.session_state.get(DECIDED)
        if decided:
            if st.button(t("apply.another"), icon=":material/add:"):
                del st.session_state[DECIDED]
                st.rerun()
            show_case(api, api.lending(book.application(decided)))
            return
        customer = choose_customer(api)
        if customer is None:
            return
        terms = read_terms()
        loans = api.lending(book.loans(customer_id=customer.customer_id)).loans
        show_ratios(customer, loans, terms)
        if api.explains:
            row = row_from_terms(
                customer, other_instalments(loans), business_date=business_date(api), **terms
            )
            live_estimate(api, row)
        submit(api, customer, terms)


main()
