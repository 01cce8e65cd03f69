"""One customer, by `?id=` in the URL: identity, employment, exposures, applications."""

from decimal import Decimal

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_responses import CustomerDetail, LoanReply
from functions.dashboard.components.tables import drill_table, plain_table
from functions.dashboard.display import day, money, t, words
from functions.dashboard.frame import link, page
from functions.dashboard.lists import application_rows, loan_rows
from models.lending.money import ZERO


def identity(customer: CustomerDetail, *, is_masked: bool) -> None:
    """Show who the customer is; contacts are masked for whoever only reads."""
    rows = [
        ("name", customer.full_name),
        ("email", _masked(customer.email) if is_masked else customer.email),
        ("phone", _masked(customer.phone) if is_masked else customer.phone),
        ("city", f"{customer.city}, {customer.state}"),
        ("born", "••••-••-••" if is_masked else day(customer.date_of_birth)),
        ("branch", str(customer.branch_id)),
    ]
    if customer.kyc:
        proof = f"{words(customer.kyc.identity_type)} •••• {customer.kyc.last_four}"
        rows.append(("kyc", t("applicant.until", proof=proof, day=day(customer.kyc.expires_on))))
    else:
        rows.append(("kyc", t("applicant.no_kyc")))
    job = customer.employment
    if job:
        rows.append(("employer", f"{job.employer_name}, {words(job.employment_type)}"))
        rows.append(("income", money(job.monthly_income)))
        rows.append(("years", f"{job.years_of_experience:g}"))
    table = [{t("case.what"): t(f"register.{name}"), t("case.value"): v} for name, v in rows]
    plain_table(table, f"customer-{customer.customer_id}")


def _masked(text: str) -> str:
    """Leave the ends of a text readable."""
    return f"{text[:1]}•••{text[-3:]}"


def exposure(loans: list[LoanReply]) -> None:
    """Show what the customer owes over all loans, and the most days past due."""
    columns = st.columns(3)
    owed = sum((Decimal(str(loan.outstanding_principal)) for loan in loans), ZERO)
    columns[0].metric(t("applicant.exposure"), money(owed), border=True)
    columns[1].metric(t("applicant.loans"), str(len(loans)), border=True)
    most = max((loan.days_past_due for loan in loans), default=0)
    columns[2].metric(t("applicant.dpd"), str(most), border=True)


def main() -> None:
    """Show the customer that the URL names."""
    with page("applicant") as api:
        text = st.query_params.get("id", "")
        if not text.isdigit():
            st.info(t("frame.no_id"), icon=":material/link_off:")
            return
        customer = api.lending(book.customer(int(text)))
        st.subheader(f"{customer.full_name} · {customer.customer_id}")
        link(api, "new_application", t("home.new"), customer=customer.customer_id)
        link(api, "what_if", t("pages.what_if"), customer=customer.customer_id)
        about, loans_tab, applications_tab = st.tabs(
            [t("applicant.identity"), t("pages.loans"), t("pages.applications")]
        )
        with about:
            identity(customer, is_masked=not api.user.may("collect"))
        with loans_tab:
            loans = api.lending(book.loans(customer_id=customer.customer_id)).loans
            exposure(loans)
            drill_table(api, loan_rows(loans), "customer-loans", ("loan", "id"))
        with applications_tab:
            if not api.user.may("applications"):
                st.info(t("errors.no_right"), icon=":material/lock:")
                return
            reply = api.lending(book.applications(customer_id=customer.customer_id))
            rows = application_rows(reply.applications)
            drill_table(api, rows, "customer-applications", ("application", "id"))


main()
