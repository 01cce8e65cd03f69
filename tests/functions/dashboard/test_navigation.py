"""Which pages a role is offered."""

import pytest

from functions.dashboard.navigation import is_offered, pages_for
from functions.dashboard.session import user_from_claims

STAFF = {"home", "customers", "loans", "applicant", "loan"}
CASES = {"applications", "application"}
BOOK = {
    *("portfolio", "arrears", "early_warning", "vintages", "roll_rates", "expected_loss"),
    *("policy", "figure_loans", "risk_loans"),
}
MODELS = {"what_if", "monitoring", "registry"}
OFFERED = {
    "officer": STAFF | CASES | BOOK | MODELS | {"new_application"},
    "manager": STAFF | CASES | BOOK | MODELS | {"new_application", "reviews"},
    "collector": STAFF,
    "risk": STAFF | CASES | BOOK | MODELS,
    "auditor": STAFF | CASES | BOOK | {"monitoring", "registry", "administration"},
    "client": {"my_applications"},
    "admin": STAFF | CASES | BOOK | MODELS | {"new_application", "reviews", "administration"},
}


@pytest.mark.parametrize("role", OFFERED)
def test_a_role_is_offered_what_its_scopes_allow(role: str) -> None:
    user = user_from_claims({"roles": [role]}, "token", "roles")
    assert {page.name for page in pages_for(user, has_scoring=True)} == OFFERED[role]


def test_without_scoring_its_pages_are_left_out() -> None:
    user = user_from_claims({"roles": ["admin"]}, "token", "roles")
    offered = {page.name for page in pages_for(user, has_scoring=False)}
    assert offered == OFFERED["admin"] - MODELS
    assert not is_offered(user, "what_if", has_scoring=False)


@pytest.mark.parametrize("role", OFFERED)
def test_batches_are_offered_to_who_may_score_files(role: str) -> None:
    user = user_from_claims({"roles": [role]}, "token", "roles")
    offered = {p.name for p in pages_for(user, has_scoring=True, has_batches=True)}
    assert offered - OFFERED[role] == ({"batches"} if role in {"officer", "admin"} else set())


def test_somebody_without_a_role_is_offered_nothing() -> None:
    user = user_from_claims({}, "token", "roles")
    assert list(pages_for(user, has_scoring=True)) == []
