"""Each page as somebody sees it: run by Streamlit's own test runner, over the OpenAPI documents."""

import math
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from functions.client.errors import RefusedError, UnavailableError
from functions.client.responses import Fault
from functions.dashboard.display import words
from tests.functions.dashboard.conftest import (
    APPLICATION,
    LOAN,
    TOKEN,
    OpenPage,
    metrics,
    texts,
)
from tests.support.fake_api import FakeApi, Json

SUMMARY = "/api/portfolio/summary"
COLLECTION = "/v1/portfolio/collection-efficiency"
ONE_APPLICATION = "/api/loans/applications/{application}"
ONE_LOAN = "/v1/loans/{loan}"
CASE = {"application_id": APPLICATION, "status": "Approved", "reasons": []}
REPORT = {
    "gates": [{"name": "ranks_better", "verdict": "passed", "reason": "AUC 0.8440"}],
    "calibration": {"bins": [{"mean_probability": 0.1, "default_rate": 0.2, "rows": 50}]},
}
MONITORED: Json = {
    "day": "2026-11-29",
    "version": "v7",
    "status": "DEGRADED",
    "signals": [{"name": "psi", "state": "fired", "figure": 0.31}],
    "window": {"decisions": 4321},
    "outcomes": {"known": 987, "defaults": 45},
    "history": [
        {
            "day": "2026-11-29",
            **dict.fromkeys(("psi", "worst_characteristic_psi", "approved"), 0.3),
            **dict.fromkeys(("mean_probability", "default_rate"), 0.1),
        }
    ],
    "drift": {
        "characteristics": [
            {
                "name": "loan_amount",
                "psi": 0.31,
                "bins": ["below 50000", "from 50000", "missing"],
                "expected": [0.6, 0.39, 0.01],
                "actual": [0.4, 0.5, 0.1],
            }
        ],
        "decisions": [{"decision": "approve", "expected": 0.8, "actual": 0.7, "z": -6.5}],
        "reasons": {"I03": 0.123, "I01": 0.051},
    },
    "expected": {"auc": 0.84},
    "realised": {
        "auc": 0.79,
        "bands": [
            {"name": "0 to 0.1", "rows": 800, "bads": 24, "expected": 0.05, "observed": 0.03}
            | {"z": -2.6, "auc": None}
        ],
        "vintages": [
            {"name": "2026-08", "rows": 187, "bads": 21, "expected": 0.1, "observed": 0.1123}
            | {"z": 0.56, "auc": 0.8123}
        ],
    },
    "challenger": None,
}


def grouped(value: float | str) -> str:
    """An amount as the pages write it, by another way: digits from the right."""
    digits, _, decimals = f"{float(value):.2f}".partition(".")
    head, tail = digits[:-3], digits[-3:]
    while head:
        tail = f"{head[-2:]},{tail}"
        head = head[:-2]
    return f"{tail}.{decimals}"


def per_cent(value: float) -> str:
    return f"{value:.2f} %"


def test_the_figures_of_the_book_are_those_of_the_api(api: FakeApi, open_page: OpenPage) -> None:
    summary, paid = api.example(SUMMARY), api.example("/api/portfolio/repayment-stats")
    secured = api.example("/api/portfolio/collateral-analysis")
    loans, sums = summary["loan_statistics"], summary["financial_metrics"]
    risk = summary["risk_metrics"]
    book = {
        "Outstanding": grouped(sums["total_outstanding"]),
        "Active loans": str(loans["active_loans"]),
        "Disbursed": grouped(sums["total_disbursed"]),
        "Repaid": grouped(sums["total_repaid"]),
        "NPA ratio": per_cent(risk["npa_ratio"]),
        "NPA amount": grouped(sums["total_npa_amount"]),
        "Default rate": per_cent(risk["default_rate"]),
        "Paid on time": per_cent(risk["average_emi_payment_rate"]),
        "Applications": str(loans["total_applications"]),
        "Approval rate": per_cent(loans["approval_rate"]),
        "Loans": str(loans["total_loans"]),
        "Defaulted loans": str(loans["defaulted_loans"]),
    }
    collection = {
        "Collection efficiency": per_cent(paid["collection_efficiency"]),
        "Instalments due": str(paid["instalments_due"]),
        "Instalments paid": str(paid["instalments_paid"]),
        "Instalments overdue": str(paid["instalments_overdue"]),
        "Payments": str(paid["total_repayments"]),
        "Collected": grouped(paid["total_amount"]),
        "Average payment": grouped(paid["average_amount"]),
        "On-time rate": per_cent(paid["on_time_rate"]),
        "Secured loans": str(secured["secured_loans"]),
        "Collateral": grouped(secured["total_value"]),
        "Loan to value": per_cent(secured["loan_to_value_ratio"]),
    }
    home = metrics(open_page("manager"))
    assert {name: home[name] for name in book} == book  # 12 figures
    assert len(home) == len(book) + 4  # and those of month ends: test_trends.py
    api.answers[COLLECTION] = {"lines": []}
    index = api.example("/v1/portfolio/concentration")["index"]
    concentration = {"Herfindahl index": str(index)}
    assert metrics(open_page("manager", "portfolio")) == book | collection | concentration  # 24


def test_the_figures_of_a_loan_are_those_of_the_api(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE_LOAN] = {"status": "active"}
    loan = api.example(ONE_LOAN)
    app = open_page("manager", "loan", id=LOAN)
    assert metrics(app) == {
        "Status": "Active",
        "Asset class": "SMA-1",
        "Days past due": str(loan["days_past_due"]),
        "Instalment": grouped(loan["equal_instalment"]),
        "Outstanding principal": grouped(loan["outstanding_principal"]),
        "Principal due": grouped(loan["due_principal"]),
        "Interest due": grouped(loan["due_interest"]),
        "Fees due": grouped(loan["due_fees"]),
        "Penal charges due": grouped(loan["due_penal_charges"]),
        "Credit": grouped(loan["credit"]),
        "Disbursed": grouped(loan["disbursed"]),
        "Unpaid since": loan["oldest_due"],
    }
    schedule = api.example("/v1/loans/{loan}/schedule")["instalments"][0]
    tables = [table.value.to_dict("list") for table in app.table]
    row = next(t for t in tables if "Due on" in t and "Payment" in t)
    assert row["Payment"][0] == grouped(schedule["payment"])
    assert row["Unpaid principal"][0] == grouped(schedule["unpaid_principal"])


def test_every_call_brings_the_token_of_the_user(api: FakeApi, open_page: OpenPage) -> None:
    open_page("manager")
    sent = {headers["Authorization"] for *_, headers in api.requests}
    assert sent == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("officer", "Home"),
        ("collector", "Home"),
        ("risk", "Home"),
        ("auditor", "Home"),
        ("client", "My applications"),
    ],
)
def test_each_role_begins_with_its_own_page(open_page: OpenPage, role: str, title: str) -> None:
    app = open_page(role)
    assert [heading.value for heading in app.title] == [title]
    assert not app.exception


def test_nobody_sees_anything_before_signing_in(api: FakeApi, open_page: OpenPage) -> None:
    app = open_page(None)
    assert [button.label for button in app.button] == ["Sign in"]
    assert api.requests == []


def test_a_stopped_api_gives_a_clear_state_and_recovers(api: FakeApi, open_page: OpenPage) -> None:
    api.errors[SUMMARY] = UnavailableError("no response at try 3: ConnectError")
    api.answers[COLLECTION] = {"lines": []}
    app = open_page("manager", "portfolio")
    assert "no response at try 3: ConnectError" in app.warning[0].value
    assert not app.exception
    api.errors.clear()
    next(b for b in app.button if b.label == "Try again").click()
    app.run()
    assert "Outstanding" in metrics(app)
    assert [w.value for w in app.warning if "There is no answer now" in w.value] == []


def test_a_refusal_is_shown_in_the_words_of_the_api(api: FakeApi, open_page: OpenPage) -> None:
    fault = Fault(path="loan", message="is not in this book")
    api.errors[ONE_LOAN] = RefusedError(404, "Not Found", "there is no such loan", [fault])
    app = open_page("manager", "loan", id=LOAN)
    assert app.error[0].value == "404 Not Found: there is no such loan"
    assert "`loan`: is not in this book" in texts(app)


def test_an_expired_token_offers_to_sign_in_again(api: FakeApi, open_page: OpenPage) -> None:
    api.errors["/health"] = RefusedError(401, "Unauthorized", "this token has expired")
    app = open_page("manager", "loans")
    assert "this token has expired" in app.error[0].value
    assert "Sign in" in [button.label for button in app.button]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("applications", {"status": "pending", "customer": "1101"}),
        ("loans", {"status": "closed", "customer": "1101"}),
    ],
)
def test_filters_of_the_url_are_asked_of_the_api(
    api: FakeApi, open_page: OpenPage, name: str, query: dict[str, str]
) -> None:
    app = open_page("manager", name, **query)
    expected = f"/api/loans/{name}?status={query['status']}&customer_id=1101"
    assert expected in [path for _, path, *_ in api.requests]
    assert app.dataframe[0].value.shape[0] == 2


def apply_as(open_page: OpenPage) -> AppTest:
    app = open_page("officer", "new_application", customer="1101")
    assert not app.exception
    return app


def test_the_live_instalment_is_the_worked_number(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/api/customers/{customer}"] = {
        "employment": {
            "employer_name": "Rao Textiles",
            "employment_type": "salaried",
            "monthly_income": 80000.0,
            "years_of_experience": 9.0,
        }
    }
    api.answers["/api/loans/loans"] = {"loans": [], "count": 0, "next_cursor": None}
    app = apply_as(open_page)
    labels = {widget.label: widget for widget in app.number_input}
    labels["Amount"].set_value(120000.0)
    labels["Months"].set_value(12)
    labels["Interest, % a year"].set_value(12.0)
    app.run()
    figures = metrics(app)
    assert figures["Instalment"] == "10,661.85"
    assert figures["DTI"] == "13.33 %"
    assert figures["LTI"] == "0.12"  # 0.125, half to even as Python's format rounds
    # 120,000 over 12 months and nothing else was asked of the model, and nothing is recorded.
    rows = [body["instances"][0] for body, _ in api.sent("/v1/models/instalment:whatif")]
    assert (rows[-1]["loan_amount"], rows[-1]["other_instalments"]) == (120000.0, 0.0)


def test_an_application_has_one_key_until_it_succeeds(api: FakeApi, open_page: OpenPage) -> None:
    app = apply_as(open_page)
    api.errors["/api/loans/apply"] = UnavailableError("503 Service Unavailable")
    for _ in range(2):
        next(b for b in app.button if b.label == "Send the application").click()
        app.run()
    api.errors.clear()
    api.answers["/api/loans/apply"] = api.answers[ONE_APPLICATION] = CASE
    next(b for b in app.button if b.label == "Send the application").click()
    app.run()
    keys = {headers["Idempotency-Key"] for _, headers in api.sent("/api/loans/apply")}
    assert len(api.sent("/api/loans/apply")) == 3
    assert len(keys) == 1
    assert any("**Approved.**" in banner.value for banner in app.success)
    next(b for b in app.button if b.label == "Another application").click()
    app.run()
    next(b for b in app.button if b.label == "Send the application").click()
    app.run()
    renewed = {headers["Idempotency-Key"] for _, headers in api.sent("/api/loans/apply")}
    assert len(renewed) == 2


def test_a_rejected_application_says_why_in_sentences(api: FakeApi, open_page: OpenPage) -> None:
    reasons = [{"code": "I03", "text": "Income is low", "points": -40.0}]
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Rejected", "reasons": reasons}
    app = open_page("manager", "application", id=APPLICATION)
    assert "- Income is low `I03`" in texts(app)
    assert any("**Rejected.**" in banner.value for banner in app.error)


def test_a_pending_application_is_decided_by_a_person(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending", "version": 7}
    app = open_page("manager", "application", id=APPLICATION)
    assert not {"Record the approval", "Record the rejection"} & {b.label for b in app.button}
    app.radio[0].set_value("approve")
    app.run()
    next(b for b in app.button if b.label == "Record the approval").click()
    app.run()
    assert "Choose a code first: it is kept with the decision." in texts(app)
    assert api.sent(f"/v1/applications/{APPLICATION}:approve") == []
    app.radio[1].set_value("income_verified")
    app.text_area[0].input("Salary slips\nof six months seen")
    next(b for b in app.button if b.label == "Record the approval").click()
    app.run()
    [(body, headers)] = api.sent(f"/v1/applications/{APPLICATION}:approve")
    assert body == {"code": "income_verified", "note": "Salary slips of six months seen"}
    assert headers["If-Match"] == '"7"'
    assert "Approved, on record with your name." in texts(app)


def test_a_rejection_has_codes_of_its_own(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending", "version": 7}
    app = open_page("manager", "application", id=APPLICATION)
    app.radio[0].set_value("reject")
    app.run()
    assert "Instalments too high for the income" in app.radio[1].options
    assert "Income verified" not in app.radio[1].options
    app.radio[1].set_value("affordability")
    app.text_area[0].input("Two loans already")
    next(b for b in app.button if b.label == "Record the rejection").click()
    app.run()
    [(body, _)] = api.sent(f"/v1/applications/{APPLICATION}:reject")
    assert body == {"code": "affordability", "note": "Two loans already"}


def test_what_instalments_take_of_the_income_is_told_apart(
    api: FakeApi, open_page: OpenPage
) -> None:
    """The ratio of the application is this instalment's; a reason may speak of all of them."""
    example = api.example(ONE_APPLICATION)
    factors = example["factors"] | {"monthly_income": 20_000.0, "debt_to_income_ratio": 50.0}
    api.answers[ONE_APPLICATION] = {
        **CASE,
        "status": "Pending",
        "equal_instalment": 10_000.0,
        "factors": factors,
    }
    other = api.example("/api/loans/loans")["loans"][0]
    other |= {"application_id": "app_2", "status": "active", "equal_instalment": "6000.00"}
    listing = {"loans": [other], "count": 1, "next_cursor": None}
    api.answers["/api/loans/loans"] = listing
    app = open_page("manager", "application", id=APPLICATION)
    tables = [table.value for table in app.table if "What" in table.value]
    [terms] = [table for table in tables if "Income a month" in table["What"].to_list()]
    values = dict(zip(terms["What"], terms["Value"], strict=True))
    assert values["Other loans here, a month"] == "6,000.00"
    assert values["This instalment, of the income (DTI)"] == "50.00 %"
    assert values["All instalments, of the income (FOIR)"] == "80.00 %"
    assert values["Decided by"] == "nobody yet"


def test_a_pending_application_says_what_the_model_would_do_and_from_where(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending"}
    review = {"risk_probability": 0.4789, "distance": 0.1789, "model_outcome": "pending"}
    api.answers["/v1/applications/{application}/review"] = review
    app = open_page("manager", "application", id=APPLICATION)
    sentence = "The model refers it: it approves a probability of default below 30.00 %."
    assert sentence in texts(app)


def test_a_case_that_was_decided_meanwhile_is_still_shown(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending"}
    refused = RefusedError(404, "Not Found", "there is no such application that waits", [])
    api.errors["/v1/applications/{application}/review"] = refused
    app = open_page("manager", "application", id=APPLICATION)
    assert not app.error
    assert "Claim" not in [button.label for button in app.button]
    assert any("**Pending.**" in banner.value for banner in app.warning)


def test_other_terms_are_offered_once_the_model_was_asked(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending", "version": 7}
    terms = {"loan_amount": 90000.0, "loan_tenure_months": 12, "equal_instalment": 7996.39}
    terms |= {"risk_probability": 0.2, "credit_score": 740}
    api.answers["/v1/applications/{application}/counter_terms"] = {"terms": [terms]}
    app = open_page("manager", "application", id=APPLICATION)
    assert not [path for _, path, *_ in api.requests if path.endswith("counter_terms")]
    app.toggle[0].set_value(True)
    app.run()
    tables = [table.value.to_dict("list") for table in app.table]
    assert ["7,996.39"] in [table.get("Payment") for table in tables]
    next(f for f in app.text_input if f.label == "Why, for the record").input("A smaller loan")
    next(b for b in app.button if b.label == "Make this offer").click()
    app.run()
    [(body, headers)] = api.sent(f"/v1/applications/{APPLICATION}:counter_offer")
    assert body == {
        "loan_amount": 90000.0,
        "loan_tenure_months": 12,
        "code": "other_terms",
        "note": "A smaller loan",
    }
    assert headers["If-Match"] == '"7"'
    assert "has these terms" in texts(app)


@pytest.mark.parametrize(
    ("claimed_by", "offered", "other"),
    [(None, "Claim", "Release"), ("subject ravi", "Release", "Claim")],
)
def test_a_claim_is_released_only_once_somebody_has_claimed(
    claimed_by: str | None, offered: str, other: str, api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending", "version": 7}
    api.answers["/v1/applications/{application}/review"] = {"claimed_by": claimed_by}
    app = open_page("manager", "application", id=APPLICATION)
    labels = [b.label for b in app.button]
    assert offered in labels
    assert other not in labels
    assert ("Claimed by subject ravi" in texts(app)) == (claimed_by is not None)


def test_a_loan_shows_what_payments_settled_its_journal_and_its_classes(
    api: FakeApi, open_page: OpenPage
) -> None:
    example = api.example("/v1/loans/{loan}/transactions")
    first, second = example["transactions"]
    parts = [(1, "interest", "1200.00"), (1, "principal", "99.50"), (2, "interest", "100.50")]
    first["allocations"] = [
        {"number": number, "component": component, "amount": amount}
        for number, component, amount in (*parts, (0, "fee", "5.00"), (2, "penal", "7.00"))
    ]
    second["allocations"] = []
    api.answers["/v1/loans/{loan}/transactions"] = example
    app = open_page("manager", "loan", id=LOAN)
    assert not app.exception
    tables = [table.value.to_dict("list") for table in app.table]
    [postings] = [table for table in tables if "Settled interest" in table]
    assert (postings["Settled of instalments"], postings["Settled interest"]) == (
        *(["1, 2", ""], ["1,300.50", ""]),
    )
    assert (postings["Settled principal"][0], postings["Settled charges"][0]) == ("99.50", "12.00")
    entry = api.example("/v1/loans/{loan}/journal")["entries"][0]
    [journal] = [table for table in tables if "Debit" in table]
    assert journal["Number"][0] == str(entry["number"])
    change = api.example("/v1/loans/{loan}/classes")["changes"][0]
    [classes] = [table for table in tables if "Non-performing since" in table]
    assert classes["Days past due"][0] == str(change["days_past_due"])


def test_an_officer_is_not_offered_the_decision(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE_APPLICATION] = {**CASE, "status": "Pending"}
    app = open_page("officer", "application", id=APPLICATION)
    assert not app.radio


def test_a_payment_is_previewed_and_posted_once(api: FakeApi, open_page: OpenPage) -> None:
    due = {"due_principal": "100.00", "due_interest": "20.00", "due_fees": "0.00"}
    state = {"loan_id": LOAN, "status": "active", "due_penal_charges": "0.00"}
    api.answers[ONE_LOAN] = state | due
    app = open_page("officer", "loan", id=LOAN)
    app.number_input[0].set_value(150.0)
    next(b for b in app.button if b.label == "Preview").click()
    app.run()
    assert "150.00 meets all that is due, 120.00; 30.00 becomes the borrower's credit." in texts(
        app
    )
    assert api.sent(f"/v1/loans/{LOAN}:repay") == []
    next(b for b in app.button if b.label == "Post").click()
    app.run()
    [(body, headers)] = api.sent(f"/v1/loans/{LOAN}:repay")
    assert body["amount"] == "150.00"
    assert len(headers["Idempotency-Key"]) == 32
    assert "Repay is posted as" in texts(app)


def test_a_collector_takes_payments_and_nothing_else(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[ONE_LOAN] = {"status": "active"}
    app = open_page("collector", "loan", id=LOAN)
    [choice] = [group for group in app.segmented_control if group.label == "Action"]
    assert choice.options == ["Repay", "Prepay", "Close"]


def cells(**axes: list[Any]) -> Json:
    size = math.prod(len(values) for values in axes.values())
    return {
        "whatif": {
            "fields": list(axes),
            "values": list(axes.values()),
            "probability_of_default": [0.01 * n for n in range(1, size + 1)],
            "credit_score": [700] * size,
            "decision": ["approve"] * (size - 1) + ["decline"],
        }
    }


def test_what_if_shows_a_decision_for_each_cell(api: FakeApi, open_page: OpenPage) -> None:
    grid = cells(loan_amount=[1.0] * 6, loan_tenure_months=[1] * 7)
    api.answers["/v1/models/instalment:whatif"] = grid
    app = open_page("risk", "what_if", customer="1101")
    assert not app.exception
    decisions = app.table[-1].value
    assert decisions.shape == (6, 8)
    assert decisions.iloc[5, 7] == "Decline"
    sent = api.sent("/v1/models/instalment:whatif")[-1][0]["parameters"]["grid"]
    assert sent["loan_tenure_months"] == [12, 24, 36, 48, 60, 84, 120]


def override_figures(api: FakeApi) -> dict[str, str]:
    figures = api.example("/v1/reviews/overrides")
    return {
        "Decided by persons": str(figures["reviewed"]),
        "Against the model": str(figures["overrides"]),
        "Override rate": per_cent(figures["override_rate"]),
        "Defaults of overrides": per_cent(figures["override_default_rate"]),
        "Defaults of other loans": per_cent(figures["other_default_rate"]),
    }


def test_monitoring_shows_the_day_and_what_fired(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/v1/models/{model}/monitoring"] = MONITORED
    app = open_page("risk", "monitoring")
    assert not app.exception
    figures = {
        "Status": "DEGRADED",
        "Monitored day": "2026-11-29",
        "Decisions in the window": "4321",
        "Outcomes known": "987",
    }
    assert metrics(app) == figures | override_figures(api)
    signals = next(t.value for t in app.table if "State" in t.value)
    assert signals.iloc[0].to_dict() == {"Name": "psi", "State": "fired", "Figure": "0.31"}


def test_a_model_that_is_not_monitored_is_no_error(api: FakeApi, open_page: OpenPage) -> None:
    refused = RefusedError(404, "Not Found", "the model instalment has not been monitored", [])
    api.errors["/v1/models/{model}/monitoring"] = refused
    app = open_page("risk", "monitoring")
    assert not app.error
    assert "the model instalment has not been monitored" in [info.value for info in app.info]
    assert metrics(app) == override_figures(api)


def test_monitoring_shows_calibration_reasons_and_what_applicants_brought(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers["/v1/models/{model}/monitoring"] = MONITORED
    app = open_page("risk", "monitoring")
    tables = [table.value.to_dict("list") for table in app.table]
    bands, months = (table for table in tables if "AUC" in table)
    assert (bands["Expected"], bands["Observed"], bands["AUC"]) == (
        *(["5.00 %"], ["3.00 %"], ["too few"]),
    )
    assert (months["Group"], months["AUC"]) == (["2026-08"], ["0.8123"])
    [frequencies] = [table for table in tables if "Share of decisions" in table]
    assert frequencies == {"Reason": ["I03", "I01"], "Share of decisions": ["12.30 %", "5.10 %"]}
    [brought] = [table for table in tables if "bin" in table]
    assert brought["Actual"] == ["40.00 %", "50.00 %", "10.00 %"]
    [decisions] = [table for table in tables if "Decision" in table]
    assert decisions["Actual"] == ["70.00 %"]
    assert metrics(app)["Override rate"] == per_cent(
        api.example("/v1/reviews/overrides")["override_rate"]
    )


def test_rule_sets_stand_side_by_side(api: FakeApi, open_page: OpenPage) -> None:
    bands = [
        [("standard", 0, "days_past_due"), ("sub_standard", 0, "months_since_npa")],
        [("standard", 0, "days_past_due"), ("sub_standard", 90, "days_past_due")],
    ]
    example = api.example("/v1/rules")
    names = ("asset_class", "start", "counted_in")
    example["rule_sets"] = [
        rules | {"label": label, "classes": [dict(zip(names, b, strict=True)) for b in classes]}
        for rules, label, classes in zip(
            example["rule_sets"], ("house@1", "house@2"), bands, strict=True
        )
    ]
    api.answers["/v1/rules"] = example
    app = open_page("auditor", "administration", part="rules")
    assert not app.exception
    tables = [table.value for table in app.table]
    [compared] = [table.set_index("Rule") for table in tables if "house@2" in table]
    assert compared.loc[words("sub_standard")].to_dict() == {
        "house@1": "from 0 months after it became non-performing",
        "house@2": "from 90 days past due",
    }
    product = example["products"][0]
    head = f"{product['code']} {product['version']}"
    [products] = [table.set_index("Rule") for table in tables if head in table]
    assert products.loc["Penal rate", head] == per_cent(float(product["penal_rate"]))
    assert products.loc["Exposure limit", head] == grouped(product["exposure_limit"])


def test_monitoring_without_outcomes_says_so(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/v1/models/{model}/monitoring"] = MONITORED | {"realised": None, "drift": None}
    app = open_page("risk", "monitoring")
    assert not app.exception
    assert "Too few decisions or outcomes yet." in texts(app)


def test_the_registry_compares_versions(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/v1/models/{model}/pointer"] = {"moves": []}
    api.answers["/v1/models/{model}/versions/{version}/report.json"] = REPORT
    app = open_page("admin", "registry")
    assert not app.exception
    comparison = next(t.value for t in app.table if "First" in t.value)
    assert "Label definition" in list(comparison["What"])


def test_a_customer_sees_own_applications_and_the_reasons(
    api: FakeApi, open_page: OpenPage
) -> None:
    reasons = [{"code": "I03", "text": "Income is low", "points": -40.0}]
    own = api.example(ONE_APPLICATION) | {**CASE, "status": "Rejected", "reasons": reasons}
    own["application_id"] = APPLICATION
    api.answers["/api/loans/applications"] = {
        "applications": [own],
        "count": 1,
        "next_cursor": None,
    }
    app = open_page("client", "my_applications")
    assert not app.exception
    assert "- Income is low\n" in texts(app)  # a code is for the lender
    assert "You may ask a person of your branch" in texts(app)
    assert metrics(app) == {}  # the lender's figures are not the customer's
    paths = {path.split("?")[0] for _, path, *_ in api.requests}
    assert paths == {"/health", "/api/loans/applications"}


def test_a_customer_is_registered_with_what_the_form_holds(
    api: FakeApi, open_page: OpenPage
) -> None:
    app = open_page("officer", "new_application")
    app.toggle[0].set_value(True)
    app.run()
    filled = {
        "Name": "Asha Rao",
        "Email": "asha@example.org",
        "Phone": "+91 80 5550 0101",
        "City": "Bengaluru",
        "State": "Karnataka",
        "Employer": "Rao Textiles",
        "Number of the proof": "ABCPE1234F",
    }
    for widget in app.text_input:
        if widget.label in filled:
            widget.input(filled[widget.label])
    next(w for w in app.number_input if w.label == "Income a month").set_value(80000.0)
    next(b for b in app.button if b.label == "Register").click()
    app.run()
    [(body, _)] = api.sent("/api/customers/register")
    assert (body["full_name"], body["employment"]["monthly_income"]) == ("Asha Rao", "80000.00")
    assert body["kyc"]["identity_number"] == "ABCPE1234F"


def test_contacts_are_masked_for_whoever_only_reads(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/api/customers/{customer}"] = {"email": "asha@example.org"}

    def email(role: str) -> str:
        table = open_page(role, "applicant", id="1101").table[0].value
        return str(table[table["What"] == "Email"]["Value"].iloc[0])

    assert email("officer") == "asha@example.org"
    assert email("auditor") == "a•••org"


def test_the_administrator_sees_what_each_role_may_do(open_page: OpenPage) -> None:
    app = open_page("admin", "administration")
    roles = app.table[-1].value
    collector = roles[roles["Role"] == "collector"]["Scopes"].iloc[0]
    assert collector == "book, collect"


def test_digits_are_grouped_as_the_session_chooses(api: FakeApi, open_page: OpenPage) -> None:
    figures = api.example(SUMMARY)["financial_metrics"] | {"total_npa_amount": 1234567.5}
    api.answers[SUMMARY] = {"financial_metrics": figures}
    app = open_page("manager")
    assert metrics(app)["NPA amount"] == "12,34,567.50"
    app.segmented_control[0].set_value("international")
    app.run()
    assert metrics(app)["NPA amount"] == "1,234,567.50"


def test_customers_are_listed_and_counted(api: FakeApi, open_page: OpenPage) -> None:
    api.answers["/api/customers/"] = {"total": 120}
    app = open_page("officer", "customers")
    assert "From 1 on, of 120." in texts(app)
    next(b for b in app.button if b.label == "Next").click()
    app.run()
    assert "/api/customers/?limit=50&offset=50" in [path for _, path, *_ in api.requests]


def test_the_queue_is_in_the_order_that_is_chosen(api: FakeApi, open_page: OpenPage) -> None:
    app = open_page("manager", "reviews")
    assert not app.exception
    app.selectbox[0].set_value("distance")
    app.run()
    paths = [path for _, path, *_ in api.requests if path.startswith("/v1/reviews?")]
    assert paths == ["/v1/reviews?order=age", "/v1/reviews?order=distance"]
    assert metrics(app) == override_figures(api)


def test_a_second_person_confirms_with_a_key(api: FakeApi, open_page: OpenPage) -> None:
    app = open_page("manager", "reviews")
    next(b for b in app.button if b.label == "Confirm").click()
    app.run()
    [(method, path, body, headers)] = [r for r in api.requests if r[1].endswith(":confirm")]
    assert (method, body) == ("POST", None)
    assert path.startswith("/v1/requests/")
    assert len(headers["Idempotency-Key"]) == 32
    assert "Confirmed and posted." in texts(app)


def test_a_proposal_waits_for_another_person(api: FakeApi, open_page: OpenPage) -> None:
    pending = {**CASE, "status": "Pending", "version": 7}
    api.answers[ONE_APPLICATION] = pending
    api.answers["/v1/applications/{application}:approve"] = pending
    app = open_page("manager", "application", id=APPLICATION)
    app.radio[0].set_value("approve")
    app.run()
    app.radio[1].set_value("other")
    app.text_area[0].input("Seen")
    next(b for b in app.button if b.label == "Record the approval").click()
    app.run()
    assert "Proposed: another person has to agree before it is decided." in texts(app)


def test_a_customer_asks_for_a_person(api: FakeApi, open_page: OpenPage) -> None:
    own = api.example(ONE_APPLICATION) | {**CASE, "status": "Rejected"}
    listing = {"applications": [own], "count": 1, "next_cursor": None}
    api.answers["/api/loans/applications"] = listing
    app = open_page("client", "my_applications")
    app.text_area[0].input("I have a new job")
    next(b for b in app.button if b.label == "Ask for a review by a person").click()
    app.run()
    [(body, _)] = api.sent(f"/v1/applications/{APPLICATION}:request_review")
    assert body == {"note": "I have a new job"}
