"""Bounds of numbers in requests, written by `make client` from docs/openapi-lending.json."""

from collections.abc import Mapping

BOUNDS: Mapping[str, tuple[int, int]] = {
    "CounterOffer.loan_tenure_months": (1, 360),
    "Employment.years_of_experience": (0, 60),
    "LoanRequest.interest_rate": (0, 60),
    "LoanRequest.loan_tenure_months": (1, 360),
    "PolicyBody.days": (1, 366),
    "PolicyBody.loss_given_default": (0, 1),
    "Registration.branch_id": (1, 32767),
    "RescheduleBody.interest_rate": (0, 60),
    "RescheduleBody.months": (1, 360),
    "StressBody.interest_rate_points": (-50, 50),
    "StressBody.loss_given_default_points": (-50, 50),
    "StressBody.unemployment_rate_points": (-50, 50),
}
