"""Figures of the book, checked against loans that a reader can count."""

from datetime import date

import pytest
from sqlalchemy import create_engine, text

from tests.support.lending import BookClient


def test_an_empty_book_has_no_shares(book: BookClient) -> None:
    summary = book.ok("GET", "/api/portfolio/summary")
    assert summary["loan_statistics"]["total_loans"] == 0
    assert summary["risk_metrics"] == {
        "npa_ratio": 0,
        "default_rate": 0,
        "average_emi_payment_rate": 0,
    }


def test_the_figures_are_those_of_the_loans(book: BookClient) -> None:
    """Two loans of 120,000 and an application: one loan pays an instalment, one never does."""
    paying, late = book.disburse(), book.disburse(loan_purpose="Education")
    book.apply(book.register())
    book.move_to(date(2026, 5, 7))
    book.ok("POST", f"/v1/loans/{paying}:repay", {"amount": "42647.40", "value_date": "2026-02-05"})
    book.ok("POST", f"/v1/loans/{late}:repay", {"amount": "1", "value_date": "2026-05-07"})
    summary = book.ok("GET", "/api/portfolio/summary")
    assert summary["loan_statistics"] == {
        "total_applications": 3,
        "total_loans": 2,
        "active_loans": 2,
        "defaulted_loans": 1,
        "approval_rate": 66.67,
    }
    # Four instalments repay 9,461.85 + 9,556.47 + 9,652.03 + 9,748.55 of principal.
    assert summary["financial_metrics"] == {
        "total_disbursed": 240_000,
        "total_outstanding": 240_000 - 38_418.90,
        "total_repaid": 42_648.40,
        "total_npa_amount": 120_000,
    }
    assert summary["risk_metrics"]["npa_ratio"] == 59.53
    assert summary["risk_metrics"]["default_rate"] == 50
    npa = book.ok("GET", "/api/portfolio/npa-analysis")
    assert npa["npa_classification"] == {
        "Standard": {"count": 1, "percentage": 50},
        "Sub-Standard": {"count": 1, "percentage": 50},
        "Doubtful": {"count": 0, "percentage": 0},
        "Loss": {"count": 0, "percentage": 0},
    }
    stats = book.ok("GET", "/api/portfolio/repayment-stats")
    assert (stats["total_repayments"], stats["instalments_due"]) == (2, 8)
    assert (stats["instalments_paid"], stats["instalments_overdue"]) == (4, 4)
    assert (stats["on_time_rate"], stats["collection_efficiency"]) == (50, 50)
    spread = book.ok("GET", "/api/portfolio/loan-distribution")
    assert [row["purpose"] for row in spread["by_purpose"]] == ["Education", "Home Renovation"]
    assert spread["by_tenure"] == [{"months": 12, "count": 2, "amount": 240_000}]


DECIDE = """
INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by, is_automated,
    outcome, model, model_version, probability_of_default, credit_score, created_at)
SELECT gen_random_uuid(), id, customer_id, branch_id, 'm v1', true, :outcome, 'm', 'v1',
    CAST(:probability AS numeric), 600, now() FROM applications WHERE id = CAST(:id AS uuid)
"""


def test_moved_cutoffs_are_tried_on_the_applications_of_the_last_days(book: BookClient) -> None:
    """Two of 120,000 at 12 % over 12 months, which earn 7,942.26 of interest."""
    engine = create_engine(book.url)
    for probability, outcome in (("0.1", "approved"), ("0.3", "pending")):
        name = book.apply(book.register())["application_id"].removeprefix("app_")
        with engine.begin() as connection:
            values = {"id": name, "outcome": outcome, "probability": probability}
            connection.execute(text(DECIDE), values)
    engine.dispose()
    policy = {"approve_below": 0.35, "decline_from": 0.5, "loss_given_default": 0.5}
    reply = book.ok("POST", "/api/portfolio/policy-whatif", policy)
    assert (reply["applications"], reply["days"]) == (2, 90)
    present, moved = reply["present"], reply["moved"]
    assert (present["approval_rate"], moved["approval_rate"]) == (50, 100)
    assert (present["expected_bad_rate"], moved["expected_bad_rate"]) == (10, 20)
    # .9 * 7,942.26 - .1 * 60,000; and .7 * 7,942.26 - .3 * 60,000 more
    assert present["expected_profit"] == pytest.approx(1_148.03, abs=0.01)
    assert moved["expected_profit"] == pytest.approx(1_148.03 - 12_440.42, abs=0.02)
    assert reply["changes"] == [{"from": "pending", "to": "approved", "number": 1}]
    book.move_to(date(2026, 4, 6))
    assert book.ok("POST", "/api/portfolio/policy-whatif", policy)["applications"] == 0


def test_cutoffs_in_the_wrong_order_are_refused(book: BookClient) -> None:
    policy = {"approve_below": 0.5, "decline_from": 0.4, "loss_given_default": 0.5}
    response = book("POST", "/api/portfolio/policy-whatif", policy)
    assert response.status_code == 422
    assert "approve_below must not be above decline_from" in response.text
