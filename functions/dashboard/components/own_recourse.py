"""What would change a decision, for the applicant: with what only the applicant may say.

The loan book shows an applicant no record of a customer; age, employment and other instalments
are therefore asked for. Nothing of it is recorded.
"""

from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client.endpoints import RequestIdentity
from functions.client.lending_responses import LoanApplicationReply
from functions.dashboard.api import Api
from functions.dashboard.application_row import EMPLOYMENTS, applications_from_row
from functions.dashboard.components.simulation import change_sentences
from functions.dashboard.display import t, words
from functions.dashboard.frame import guarded

YOUNGEST, OLDEST = 18, 100


def own_recourse(api: Api, application: LoanApplicationReply) -> None:
    """Ask what the model needs to know, and say what would be approved."""
    if not api.explains:
        return
    name = f"recourse row of {application.application_id}"
    with st.expander(t("recourse.title"), expanded=name in st.session_state):
        entered = _read_row(application)
        if entered:
            st.session_state[name] = entered  # what it leads to stays while the page runs again
        row = st.session_state.get(name)
        if row is None:
            return
        with guarded():
            call = endpoints.recourse(applications_from_row(row), RequestIdentity())
            result = api.scoring(call).recourses[0]
            change_sentences(result)
            st.caption(t("recourse.not_promised"))


def _read_row(application: LoanApplicationReply) -> dict[str, Any] | None:
    name = f"recourse {application.application_id}"
    with st.form(name):
        st.write(t("recourse.about_you"))
        left, right = st.columns(2)
        row = {
            "age": left.number_input(t("recourse.age"), YOUNGEST, OLDEST, 35, key=f"{name} age"),
            "employment_type": right.selectbox(
                t("register.kind"), EMPLOYMENTS, format_func=words, key=f"{name} employment"
            ),
            "years_of_experience": left.number_input(
                t("register.years"), 0.0, 60.0, 5.0, 0.5, key=f"{name} years"
            ),
            "other_instalments": right.number_input(
                t("recourse.other_instalments"), 0.0, step=500.0, key=f"{name} others"
            ),
            "monthly_income": application.factors.monthly_income,
            "loan_amount": application.loan_amount,
            "loan_tenure_months": application.loan_tenure_months,
            "interest_rate": application.interest_rate,
            "loan_purpose": application.loan_purpose,
        }
        return row if st.form_submit_button(t("recourse.ask")) else None
