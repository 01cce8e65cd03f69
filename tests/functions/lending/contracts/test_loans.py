"""From an application to repayments over HTTP, on a real database."""

from tests.support.lending import BookClient


def test_a_loan_is_applied_for_granted_disbursed_and_repaid(book: BookClient) -> None:
    loan = book.disburse()
    paid = book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "661.85"})
    assert paid["loan"]["outstanding_principal"] == "120000.00"
    assert paid["loan"]["credit"] == "661.85"
    schedule = book.ok("GET", f"/v1/loans/{loan}/schedule")
    first = schedule["instalments"][0]
    assert (first["due_on"], first["interest"], first["principal"], first["payment"]) == (
        *("2026-02-05", "1200.00", "9461.85", "10661.85"),
    )
    assert len(schedule["instalments"]) == 12
    assert schedule["equal_instalment"] == "10661.85"
    kinds = [t["kind"] for t in book.ok("GET", f"/v1/loans/{loan}/transactions")["transactions"]]
    assert kinds == ["disbursement", "repayment"]
    assert book.ok("GET", "/health") == {
        "status": "healthy",
        "database": "connected",
        "business_date": "2026-01-05",
    }
