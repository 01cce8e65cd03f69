"""The form that registers a customer."""

from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from functions.client import lending_endpoints as book
from functions.client.errors import RefusedError
from functions.client.lending_bounds import BOUNDS
from functions.dashboard.api import Api
from functions.dashboard.application_row import EMPLOYMENTS
from functions.dashboard.display import t, words
from functions.dashboard.frame import show_error

IDENTITIES = ("pan", "aadhaar", "passport", "voter_id", "driving_licence")
FIRST_BIRTH = date(1920, 1, 1)
LAST_EXPIRY = date(2060, 12, 31)


def registration_form(api: Api) -> int | None:
    """Register a customer; return the new number once that has succeeded."""
    with st.form("registration"):
        left, right = st.columns(2)
        person: dict[str, object] = {
            "full_name": left.text_input(t("register.name"), autocomplete="name"),
            "email": right.text_input(t("register.email"), autocomplete="email"),
            "phone": left.text_input(t("register.phone"), autocomplete="tel"),
            "city": right.text_input(t("register.city")),
            "state": left.text_input(t("register.state")),
            "date_of_birth": _date(right, "register.born", date(1990, 1, 1), FIRST_BIRTH),
        }
        person["employment"] = _employment(left, right)
        identity = _identity(left, right)
        if identity["identity_number"]:
            person["kyc"] = identity
        if not st.form_submit_button(t("register.submit"), type="primary"):
            return None
    try:
        return api.lending(book.register(person)).customer_id
    except RefusedError as error:  # the form stays as it is, to be mended
        show_error(error)
        return None


def _employment(left: DeltaGenerator, right: DeltaGenerator) -> dict[str, object]:
    income = left.number_input(t("register.income"), min_value=0.0, step=1000.0)
    return {
        "employer_name": left.text_input(t("register.employer")),
        "employment_type": right.selectbox(t("register.kind"), EMPLOYMENTS, format_func=words),
        "monthly_income": f"{income:.2f}",
        "years_of_experience": right.number_input(
            t("register.years"), 0.0, float(BOUNDS["Employment.years_of_experience"][1]), step=0.5
        ),
    }


def _identity(left: DeltaGenerator, right: DeltaGenerator) -> dict[str, object]:
    return {
        "identity_type": left.selectbox(t("register.identity"), IDENTITIES, format_func=words),
        "identity_number": right.text_input(t("register.identity_number"), autocomplete="off"),
        "expires_on": _date(left, "register.expires", date(2034, 12, 31), FIRST_BIRTH),
    }


def _date(column: DeltaGenerator, key: str, value: date, first: date) -> str:
    chosen = column.date_input(
        t(key), value, min_value=first, max_value=LAST_EXPIRY, format="YYYY-MM-DD"
    )
    return chosen.isoformat() if isinstance(chosen, date) else ""
