"""Loans over HTTP: from an application to the last payment, and what is refused on the way."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from functions.lending.closing import DailyClose
from functions.lending.storage.database import Database
from tests.support.lending import NOW, PERSON, BookClient


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


@pytest.mark.parametrize(
    ("terms", "instalment", "last"),
    [
        ((1_000_000, 9.5, 60), "21001.86", "21001.98"),
        ((1_000_000, 9.5, 12), "87683.51", "87683.54"),
        ((3_500_000, 9.5, 36), "112115.32", "112115.49"),
        ((100_000, 0, 3), "33333.33", "33333.34"),
        ((100_000, 12, 6), "17254.84", "17254.82"),
        ((130, 20, 12), "12.04", "12.07"),
    ],
)
def test_the_worked_schedules_are_those_of_the_service(
    terms: tuple[float, float, int], instalment: str, last: str, book: BookClient
) -> None:
    """Golden group 1."""
    amount, rate, months = terms
    loan = book.disburse(loan_amount=amount, interest_rate=rate, loan_tenure_months=months)
    schedule = book.ok("GET", f"/v1/loans/{loan}/schedule")
    assert schedule["equal_instalment"] == instalment
    assert schedule["instalments"][-1]["payment"] == last
    principal = sum(float(row["principal"]) for row in schedule["instalments"])
    assert round(principal, 2) == amount


def test_a_due_day_at_the_end_of_months_never_drifts(book: BookClient) -> None:
    loan = book.grant(loan_tenure_months=4)
    body = {"first_due_on": "2026-02-28", "due_day": 31}
    book.ok("POST", f"/v1/loans/{loan}:disburse", body)
    schedule = book.ok("GET", f"/v1/loans/{loan}/schedule")
    assert [row["due_on"] for row in schedule["instalments"]] == [
        *("2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"),
    ]


def test_a_loan_is_paid_out_once(book: BookClient) -> None:
    loan = book.disburse()
    refused = book("POST", f"/v1/loans/{loan}:disburse")
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        "the loan is active: only a loan that is granted can be disbursed"
    )


@pytest.mark.parametrize("kyc", [None, {**PERSON["kyc"], "expires_on": "2026-01-04"}])
def test_nobody_is_paid_without_valid_kyc(kyc: dict[str, str] | None, book: BookClient) -> None:
    loan = book.grant(book.register(kyc=kyc))
    refused = book("POST", f"/v1/loans/{loan}:disburse")
    assert refused.status_code == 409
    assert "no valid KYC" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "path", "rule"),
    [
        ({}, "amount", "This field is required"),
        ({"amount": -1}, "amount", "must be an amount below"),
        ({"amount": 0}, "amount", "greater than 0"),
        ({"amount": 1.005}, "amount", "at most 2 decimal places"),
        ({"amount": "NaN"}, "amount", "must be an amount below"),
        ({"amount": "1e3"}, "amount", "must be an amount below"),
        ({"amount": True}, "amount", "must be an amount below"),
        (
            {"amount": "1", "value_date": "2026-02-30"},
            "value_date",
            "must be a date of the calendar",
        ),
        ({"amount": "1", "value_date": 20260105}, "value_date", "must be a date such as"),
        ({"amount": "1", "extra": 1}, "extra", "This field is not in the contract"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_by_field(
    body: dict[str, Any], path: str, rule: str, book: BookClient
) -> None:
    loan = "loan_" + 32 * "0"
    refused = book("POST", f"/v1/loans/{loan}:repay", body)
    assert refused.status_code == 422
    [fault] = refused.json()["errors"]
    assert fault["path"] == path
    assert rule in fault["message"]


def test_a_payment_cannot_count_on_a_day_that_has_not_begun(book: BookClient) -> None:
    loan = book.disburse()
    body = {"amount": "1", "value_date": "2026-01-06"}
    refused = book("POST", f"/v1/loans/{loan}:repay", body)
    assert refused.status_code == 409
    assert "must not be after the business date 2026-01-05" in refused.json()["detail"]


def test_money_moves_only_with_a_key(book: BookClient) -> None:
    loan = book.disburse()
    path = f"/v1/loans/{loan}:repay"
    missing = book("POST", path, {"amount": "1"}, idempotency_key="")
    assert missing.status_code == 400
    first = book("POST", path, {"amount": "1"}, idempotency_key='"quoted"')
    replayed = book("POST", path, {"amount": "1"}, idempotency_key="quoted")
    assert first.text == replayed.text
    assert "idempotency-replayed" not in first.headers
    assert replayed.headers["idempotency-replayed"] == "true"
    other = book("POST", path, {"amount": "2"}, idempotency_key="quoted")
    assert other.status_code == 422
    assert "was sent with another request" in other.json()["detail"]


def test_a_request_that_was_refused_leaves_its_key_free(book: BookClient) -> None:
    loan = book.grant()
    path = f"/v1/loans/{loan}:repay"
    assert book("POST", path, {"amount": "1"}, idempotency_key="k").status_code == 409
    book.ok("POST", f"/v1/loans/{loan}:disburse")
    assert book("POST", path, {"amount": "1"}, idempotency_key="k").status_code == 201


def test_a_reference_is_unique_in_its_loan(book: BookClient) -> None:
    loan = book.disburse()
    body = {"amount": "1", "external_reference": "UTR-1"}
    book.ok("POST", f"/v1/loans/{loan}:repay", body)
    refused = book("POST", f"/v1/loans/{loan}:repay", body)
    assert refused.status_code == 409
    assert "must be unique in the loan" in refused.json()["detail"]
    book.ok("POST", f"/v1/loans/{book.disburse()}:repay", body)


def test_a_payment_says_what_it_settled_and_one_taken_back_settles_nothing(
    book: BookClient,
) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 2, 5))
    taken = book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "2000.00"})["reference"]
    book.ok("POST", f"/v1/loans/{loan}:reverse", {"reference": taken, "reason": "Bounced"})
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "1500.00"})
    postings = book.ok("GET", f"/v1/loans/{loan}/transactions")["transactions"]
    assert [posting["allocations"] for posting in postings] == [
        [],
        [],
        [],
        [
            {"number": 1, "component": "interest", "amount": "1200.00"},
            {"number": 1, "component": "principal", "amount": "300.00"},
        ],
    ]


def test_the_journal_is_read_page_by_page_and_every_entry_balances(book: BookClient) -> None:
    loan = book.disburse()
    book.move_to(date(2026, 2, 5))
    taken = book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "2000.00"})["reference"]
    book.ok("POST", f"/v1/loans/{loan}:reverse", {"reference": taken, "reason": "Bounced"})
    path = f"/v1/loans/{loan}/journal"
    every = book.ok("GET", path)
    assert every["next_before"] is None
    assert [(e["number"], e["kind"], e["is_correction"]) for e in every["entries"]] == [
        (4, "repayment", True),
        (3, "repayment", False),
        (2, "instalment_due", False),
        (1, "disbursement", False),
    ]
    assert every["entries"][-1]["lines"] == [
        {"account": "principal", "debit": "120000.00", "credit": "0.00"},
        {"account": "bank", "debit": "0.00", "credit": "120000.00"},
    ]
    for entry in every["entries"]:
        sides = [(Decimal(line["debit"]), Decimal(line["credit"])) for line in entry["lines"]]
        assert sum(debit - credit for debit, credit in sides) == 0
    first = book.ok("GET", f"{path}?limit=3")
    assert first["next_before"] == 2
    rest = book.ok("GET", f"{path}?limit=3&before={first['next_before']}")
    assert first["entries"] + rest["entries"] == every["entries"]
    assert book("GET", f"{path}?before=0").status_code == 422


def test_every_change_of_class_is_on_record(book: BookClient) -> None:
    loan = book.disburse()
    path = f"/v1/loans/{loan}/classes"
    assert book.ok("GET", path)["changes"] == []
    database = Database(book.url, 1)
    DailyClose(database=database, now=lambda: NOW).close_through(date(2026, 5, 6))
    database.close()
    changes = book.ok("GET", path)["changes"]
    assert [(c["business_date"], c["asset_class"], c["days_past_due"]) for c in changes] == [
        ("2026-02-05", "sma_0", 1),
        ("2026-03-07", "sma_1", 31),
        ("2026-04-06", "sma_2", 61),
        ("2026-05-06", "sub_standard", 91),
    ]
    assert [c["previous_class"] for c in changes] == ["standard", "sma_0", "sma_1", "sma_2"]
    assert changes[-1]["npa_since"] == "2026-05-06"


def test_a_posting_is_taken_back_once(book: BookClient) -> None:
    loan = book.disburse()
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "9", "external_reference": "A"})
    body = {"reference": "A", "reason": "The cheque bounced."}
    assert book.ok("POST", f"/v1/loans/{loan}:reverse", body)["loan"]["credit"] == "0.00"
    assert book("POST", f"/v1/loans/{loan}:reverse", body).status_code == 409
    body = {"reference": "nothing", "reason": "The cheque bounced."}
    assert book("POST", f"/v1/loans/{loan}:reverse", body).status_code == 409
    postings = book.ok("GET", f"/v1/loans/{loan}/transactions")["transactions"]
    assert [t["is_reversed"] for t in postings] == [False, True, False]


def test_a_disbursement_that_failed_is_taken_back_and_made_again(book: BookClient) -> None:
    loan = book.grant()
    first = book.ok("POST", f"/v1/loans/{loan}:disburse", {"external_reference": "D1"})
    body = {"reference": first["reference"], "reason": "The account was closed."}
    undone = book.ok("POST", f"/v1/loans/{loan}:reverse", body)["loan"]
    assert (undone["status"], undone["outstanding_principal"]) == ("granted", "0.00")
    again = {"first_due_on": "2026-02-10"}
    done = book.ok("POST", f"/v1/loans/{loan}:disburse", again)["loan"]
    assert done["status"] == "active"
    schedule = book.ok("GET", f"/v1/loans/{loan}/schedule")["instalments"]
    assert schedule[0]["due_on"] == "2026-02-10"


def test_claims_are_charged_waived_and_written_off(book: BookClient) -> None:
    loan = book.disburse()
    fee = {"amount": "500", "note": "Cheque returned"}
    charged = book.ok("POST", f"/v1/loans/{loan}:charge", fee)["loan"]
    assert charged["due_fees"] == "500.00"
    waiver = {"amount": "200", "component": "fee", "reason": "Goodwill"}
    waived = book.ok("POST", f"/v1/loans/{loan}:waive", waiver)["loan"]
    assert waived["due_fees"] == "300.00"
    body = {"kind": "technical", "reason": "No recovery expected"}
    written_off = book.ok("POST", f"/v1/loans/{loan}:write_off", body)["loan"]
    assert written_off["status"] == "written_off"
    assert written_off["written_off_principal"] == "120000.00"
    assert written_off["outstanding_principal"] == "0.00"


def test_new_terms_apply_from_a_due_date(book: BookClient) -> None:
    loan = book.disburse()
    refused = {"value_date": "2026-01-05", "months": 24, "interest_rate": 10, "reason": "Relief"}
    book.ok("POST", f"/v1/loans/{loan}:reschedule", refused)
    schedule = book.ok("GET", f"/v1/loans/{loan}/schedule")
    assert len(schedule["instalments"]) == 24
    assert schedule["equal_instalment"] == "5537.39"
    assert [v["reason"] for v in schedule["versions"]] == ["disbursement", "reschedule"]


@pytest.mark.parametrize("name", ["loan_" + 32 * "0", "loan_x", "1", "app_" + 32 * "0"])
@pytest.mark.parametrize(
    "part", ["", "/schedule", "/transactions", "/journal", "/classes", "/quote"]
)
def test_an_unknown_loan_is_not_there_in_any_form(name: str, part: str, book: BookClient) -> None:
    missing = book("GET", f"/v1/loans/{name}{part}")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "there is no such loan"


def test_loans_are_listed_by_pages_without_a_gap(book: BookClient) -> None:
    customer = book.register()
    loans = [book.grant(customer, loan_amount=1000) for _ in range(5)]
    listed, cursor = [], ""
    while cursor is not None:
        page = book.ok("GET", f"/api/loans/loans?limit=2{cursor and '&cursor=' + cursor}")
        listed += [row["loan_id"] for row in page["loans"]]
        cursor = page["next_cursor"]
    assert listed == loans[::-1]
    book.ok("POST", f"/v1/loans/{loans[0]}:disburse")
    active = book.ok("GET", f"/api/loans/loans?status=active&customer_id={customer}")
    assert [row["loan_id"] for row in active["loans"]] == loans[:1]
    refused = book("GET", "/api/loans/loans?limit=0&status=lost&cursor=x&colour=red")
    assert {fault["path"] for fault in refused.json()["errors"]} == {
        *("query.limit", "query.status", "query.cursor", "query.colour"),
    }


def test_what_secures_a_loan_is_recorded(book: BookClient) -> None:
    loan = book.disburse(loan_amount=2_500_000)
    house = {"kind": "house", "description": "Flat", "value": 3_500_000, "valued_on": "2026-01-02"}
    assert book.ok("POST", f"/v1/loans/{loan}/collateral", house)["id"].startswith("item_")
    friend = {"full_name": "R. Iyer", "phone": "+91 80 5550 0102", "relationship": "friend"}
    book.ok("POST", f"/v1/loans/{loan}/guarantors", {**friend, "guaranteed": 100_000})
    [stored] = book.ok("GET", f"/v1/loans/{loan}/collateral")["collateral"]
    assert (stored["kind"], stored["value"]) == ("house", "3500000.00")
    [guarantor] = book.ok("GET", f"/v1/loans/{loan}/guarantors")["guarantors"]
    assert (guarantor["full_name"], guarantor["guaranteed"]) == (friend["full_name"], "100000.00")
    assert guarantor.keys() == {*friend, "id", "guaranteed", "created_at"}
    figures = book.ok("GET", "/api/portfolio/collateral-analysis")
    assert figures["loan_to_value_ratio"] == 71.43  # golden group 10
    assert figures["collateral_types"] == [{"kind": "house", "count": 1, "value": 3_500_000}]
