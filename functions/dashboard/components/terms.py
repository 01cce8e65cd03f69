"""Fields of terms of a loan, which take what the API takes."""

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from functions.client.lending_bounds import BOUNDS
from functions.dashboard.display import t

RequestName = Literal["LoanRequest", "RescheduleBody"]
TENURES = {"LoanRequest": "loan_tenure_months", "RescheduleBody": "months"}


def months_field(
    value: int,
    *,
    column: DeltaGenerator | None = None,
    request: RequestName = "LoanRequest",
    label: str | None = None,
    key: str | None = None,
) -> int:
    """Read a tenure in months."""
    lowest, highest = BOUNDS[f"{request}.{TENURES[request]}"]
    place = column or st
    months: int = place.number_input(
        label or t("apply.months"), lowest, highest, value, step=6 if key is None else 1, key=key
    )
    return months


def rate_field(
    value: float,
    *,
    column: DeltaGenerator | None = None,
    request: RequestName = "LoanRequest",
    label: str | None = None,
    key: str | None = None,
) -> float:
    """Read a rate of interest in per cent a year."""
    lowest, highest = BOUNDS[f"{request}.interest_rate"]
    place = column or st
    rate: float = place.number_input(
        label or t("apply.rate"), float(lowest), float(highest), value, 0.25, key=key
    )
    return rate
