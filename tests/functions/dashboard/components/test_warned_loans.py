"""Early warnings one by one: assigned, snoozed with a reason, and put back."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from functions.client.errors import RefusedError
from tests.functions.dashboard.conftest import LOAN, OpenPage, texts
from tests.functions.dashboard.test_risk_pages import answer
from tests.support.fake_api import FakeApi

ONE = "/v1/loans/{loan}/warnings/{reason}"
PATH = f"/v1/loans/{LOAN}/warnings/first_payment_default"
WARNING: dict[str, Any] = {
    "reason": "first_payment_default",
    "meaning": "The first instalment is overdue.",
    "next_action": "Call.",
    "since": "2026-11-20",
    "owner": None,
    "snoozed_until": None,
    "snooze_note": None,
    "changed_by": None,
    "changed_at": None,
}


def warn(api: FakeApi, **members: str) -> None:
    """Let the list have one warning, of one loan."""
    loan = {"loan_id": LOAN, "customer_id": 1101, "branch_id": 1, "outstanding": "402.00"}
    listed = {"warnings": [WARNING | members], **loan}
    days = {"as_of": "2026-11-29", "business_date": "2026-11-30"}
    api.answers["/v1/warnings"] = {"loans": [listed], "count": 1, "next_cursor": None, **days}


@pytest.fixture(autouse=True)
def _figures(api: FakeApi) -> None:
    answer(api, "next-npa")
    answer(api, "early-warning")


def press(app: AppTest, label: str) -> AppTest:
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_each_warning_is_a_row_and_those_snoozed_are_shown_on_demand(
    api: FakeApi, open_page: OpenPage
) -> None:
    warn(api, owner="subject asha", snoozed_until="2026-12-07", snooze_note="Paid in cash")
    app = open_page("officer", "early_warning")
    assert not app.exception
    row = app.dataframe[0].value.iloc[0].tolist()
    assert row[3:] == [
        *("First payment default", "2026-11-20", "subject asha"),
        *("2026-12-07", "Paid in cash"),
    ]
    queries = [path for _, path, *_ in api.requests if path.startswith("/v1/warnings")]
    assert "snoozed=no" in queries[-1]
    app.toggle(key="snoozed").set_value(True).run()
    queries = [path for _, path, *_ in api.requests if path.startswith("/v1/warnings")]
    assert "snoozed=all" in queries[-1]


def test_a_warning_is_snoozed_with_a_reason_and_put_back(api: FakeApi, open_page: OpenPage) -> None:
    warn(api)
    app = open_page("officer", "early_warning")
    assert "The first instalment is overdue. *Call.*" in texts(app)
    press(app, "Snooze")
    assert "Say why" in texts(app)
    assert api.sent(f"{PATH}:snooze") == []
    app.text_input(key=f"note of {LOAN} first_payment_default").input(" Salary on\tFriday ")
    press(app, "Snooze")
    [(body, _)] = api.sent(f"{PATH}:snooze")
    assert body == {"until": "2026-12-07", "note": "Salary on Friday"}
    assert "It is out of the list until" in texts(app)
    warn(api, snoozed_until="2026-12-07", snooze_note="Salary on Friday")
    app = open_page("officer", "early_warning")
    assert "Snooze" not in labels(app)
    press(app, "Put it back into the list")
    assert len(api.sent(f"{PATH}:wake")) == 1


def test_a_manager_says_who_follows_a_warning_up(api: FakeApi, open_page: OpenPage) -> None:
    warn(api)
    assert "Assign" not in labels(open_page("officer", "early_warning"))
    app = open_page("manager", "early_warning")
    app.text_input(key=f"owner of {LOAN} first_payment_default").input("subject asha")
    press(app, "Assign")
    assert [body for body, _ in api.sent(f"{PATH}:assign")] == [{"owner": "subject asha"}]
    assert "It is assigned." in texts(app)
    warn(api, owner="subject asha")
    app = open_page("manager", "early_warning")
    app.text_input(key=f"owner of {LOAN} first_payment_default").input("")
    press(app, "Assign")
    assert api.sent(f"{PATH}:assign")[-1][0] == {"owner": None}
    assert "Nobody follows it up now." in texts(app)
    api.errors[f"{ONE}:assign"] = RefusedError(409, "Conflict", "no such warning")
    press(app, "Assign")
    assert "409 Conflict: no such warning" in [error.value for error in app.error]


def test_whoever_only_looks_is_offered_nothing(api: FakeApi, open_page: OpenPage) -> None:
    warn(api)
    app = open_page("risk", "early_warning")
    assert labels(app).isdisjoint({"Assign", "Snooze"})
