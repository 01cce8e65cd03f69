"""Pages of the risk department, over the OpenAPI documents."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from functions.client.errors import RefusedError
from functions.dashboard import runtime
from tests.functions.dashboard.conftest import APPLICATION, LOAN, OpenPage, metrics, texts
from tests.functions.dashboard.test_pages import CASE, ONE_APPLICATION, SUMMARY, grouped, per_cent
from tests.support.fake_api import FakeApi, Json

FIGURES = "/v1/portfolio"
EXPECTED_LOSS, PROVISIONS = f"{FIGURES}/expected-loss", f"{FIGURES}/provisions"
STRESS, POLICY = "/api/portfolio/stress", "/api/portfolio/policy-whatif"


def line(figure: str, share: str = "25.0000", **key: str) -> Json:
    """A line of a figure: one loan of four, 100.50 of 402.00, a share of 25 %."""
    return {
        "key": key,
        "number": 1,
        "amount": "100.50",
        "of_number": 4,
        "of_amount": "402.00",
        "share_of_number": share,
        "share_of_amount": share,
        "meaning": None,
        "next_action": None,
        "loans": f"{FIGURES}/{figure}/loans?{urlencode(key)}",
    }


def answer(api: FakeApi, figure: str, *lines: Json) -> None:
    """Let the loan book answer with these lines, of the month end of October."""
    api.answers[f"{FIGURES}/{figure}"] = {
        "figure": figure,
        "as_of": "2026-10-31",
        "basis": "reported",
        "lines": list(lines),
    }


def queries_to(api: FakeApi, figure: str) -> list[dict[str, str]]:
    """What was asked of a figure, the last request last."""
    paths = [urlsplit(path) for _, path, *_ in api.requests]
    queries = [parse_qs(path.query) for path in paths if path.path == f"{FIGURES}/{figure}"]
    return [{name: values[0] for name, values in query.items()} for query in queries]


def table_with(app: AppTest, column: str) -> Any:  # noqa: ANN401 -- a frame of pandas
    """The first table that has a column."""
    return next(table.value for table in app.table if column in table.value)


def press(app: AppTest, label: str, index: int = 0) -> None:
    """Press the button with a label."""
    [button for button in app.button if button.label == label][index].click()
    app.run()


@pytest.fixture
def vintages(api: FakeApi) -> FakeApi:
    """Two cohorts: that of September was seen twice, that of October once."""
    answer(
        api,
        "vintages",
        line("vintages", "0.0000", cohort="2026-09", months_on_book="0"),
        line("vintages", "12.5000", cohort="2026-09", months_on_book="1"),
        line("vintages", "6.2500", cohort="2026-10", months_on_book="0"),
    )
    answer(api, "cohorts", line("cohorts", value="2026-09"))
    return api


def test_vintages_are_curves_by_months_on_book(vintages: FakeApi, open_page: OpenPage) -> None:
    app = open_page("risk", "vintages")
    assert not app.exception
    assert vintages.requests
    curves = table_with(app, "Months on book")
    assert curves["2026-09"].to_list() == ["0.0000 %", "12.5000 %"]
    assert curves["2026-10"].to_list() == ["6.2500 %", "–"]  # noqa: RUF001 -- it has no second month
    assert app.selectbox[0].options == ["2026-10", "2026-09"]
    assert "As of 2026-10-31, as reported then." in texts(app)


def test_filters_of_vintages_are_asked_in_the_words_of_the_api(
    vintages: FakeApi, open_page: OpenPage
) -> None:
    query = {"ever": "60", "basis": "restated", "by": "product", "branch": "3"}
    app = open_page("risk", "vintages", month="2026-09", **query)
    assert not app.exception
    chosen = {"month": "2026-09", "ever": "60", "basis": "restated", "branch": "3"}
    assert queries_to(vintages, "vintages")[-1] == chosen
    assert queries_to(vintages, "cohorts")[-1] == chosen | {"by": "product"}


def test_a_line_leads_to_the_loans_that_sum_to_it(vintages: FakeApi, open_page: OpenPage) -> None:
    loans = [{"loan_id": LOAN, "number": 1, "amount": "100.50"}]
    page: Json = {"loans": loans, "count": 1, "next_cursor": None}
    vintages.answers[f"{FIGURES}/cohorts/loans"] = page | {"figure": "cohorts"}
    answer(vintages, "cohorts", line("cohorts", value="2026-09", month="2026-09", branch="3"))
    app = open_page("risk", "vintages", month="2026-09", branch="3")
    press(app, "Open it", 1)
    assert not app.exception
    assert [title.value for title in app.title] == ["Loans of a figure"]
    query = {"value": "2026-09", "month": "2026-09", "branch": "3", "limit": "20"}
    assert queries_to(vintages, "cohorts/loans") == [query]
    [row] = app.dataframe[0].value.to_dict("records")
    assert row["Adds to the line"] == "100.50"


def test_an_address_that_names_no_figure_asks_for_nothing(
    api: FakeApi, open_page: OpenPage
) -> None:
    app = open_page("risk", "figure_loans", figure="../customers", value="1")
    assert "The address names nothing" in texts(app)
    assert [path for _, path, *_ in api.requests if path.startswith(FIGURES)] == []


def test_rolls_are_a_matrix_whose_rows_are_buckets(api: FakeApi, open_page: OpenPage) -> None:
    answer(api, "vintages", line("vintages", cohort="2026-09", months_on_book="0"))
    rolls = [("current", "current", "90.0000"), ("current", "1-30", "10.0000")]
    rolls += [("1-30", "current", "75.0000"), ("1-30", "31-60", "25.0000")]
    lines = [line("roll-rates", s, **{"from": a, "to": b}) for a, b, s in rolls]
    answer(api, "roll-rates", *lines)
    answer(api, "cure-rates", line("cure-rates", "75.0000", **{"from": "1-30"}))
    app = open_page("risk", "roll_rates", flows="true")
    assert not app.exception
    matrix = table_with(app, "Row").set_index("Row")
    assert matrix.loc["Current", ["Current", "1-30", "90+"]].to_list() == [
        *("90.00 %", "10.00 %", "–"),  # noqa: RUF001 -- no loan rolled so far
    ]
    assert matrix.loc["1-30", "31-60"] == "25.00 %"
    flows = table_with(app, "Current → 1-30")
    assert flows["1-30 → 31-60"].to_list() == ["25.0000 %", "25.0000 %"]  # two months on record
    assert [query["month"] for query in queries_to(api, "roll-rates")] == [
        *("2026-10", "2026-09"),  # the newest was read before
    ]


def test_a_month_that_is_not_on_record_is_said_in_the_words_of_the_api(
    api: FakeApi, open_page: OpenPage
) -> None:
    message = "no month end on record: `python -m functions.lending snapshot` records one"
    for figure in ("vintages", "roll-rates", "cure-rates"):
        api.errors[f"{FIGURES}/{figure}"] = RefusedError(404, "Not Found", message)
    app = open_page("risk", "roll_rates")
    assert [error.value for error in app.error] == [f"404 Not Found: {message}"] * 2
    assert not app.exception


def test_early_warnings_name_the_reason_and_the_next_action(
    api: FakeApi, open_page: OpenPage
) -> None:
    soon = [line("next-npa", days="7"), line("next-npa", days="30") | {"amount": "250.75"}]
    answer(api, "next-npa", *soon)
    words = {"meaning": "The first instalment is overdue.", "next_action": "Call."}
    answer(api, "early-warning", line("early-warning", reason="first_payment_default") | words)
    app = open_page("officer", "early_warning", branch="1")
    assert not app.exception
    assert metrics(app) == {
        "Loans within 7 days": "1",
        "Amount within 7 days": "100.50",
        "Loans within 30 days": "1",
        "Amount within 30 days": "250.75",
    }
    assert "**First payment default**: The first instalment is overdue. *Call.*" in texts(app)
    assert queries_to(api, "early-warning") == [{"branch": "1"}]
    row = app.dataframe[0].value.iloc[0]
    assert (row["Loans"], row["Amount"], row["Next action"]) == ("1", "100.50", "Call.")


def test_a_book_without_warnings_says_so(api: FakeApi, open_page: OpenPage) -> None:
    answer(api, "next-npa")
    answer(api, "early-warning")
    assert "The last close warned of no loan." in texts(open_page("risk", "early_warning"))


def test_the_figures_of_a_report_are_those_of_the_api(api: FakeApi, open_page: OpenPage) -> None:
    app = open_page("risk", "expected_loss", rule_set="cecl", as_of="2026-10-31")
    assert not app.exception
    loss, held = api.example(EXPECTED_LOSS), api.example(PROVISIONS)
    shares = ("gross_npa_percent", "net_npa_percent", "coverage_percent")
    assert metrics(app) == {
        "Expected loss": grouped(loss["expected_loss"]),
        "Provisions": grouped(held["provision"]),
        "Gross advances": grouped(held["gross_advances"]),
        "Gross NPA": grouped(held["gross_npa"]),
        "Net NPA": grouped(held["net_npa"]),
        **dict(
            zip(
                ("Gross NPA ratio", "Net NPA ratio", "Coverage (PCR)"),
                (f"{held[name]:.4f} %" for name in shares),
                strict=True,
            )
        ),
    }
    stages, classes = app.dataframe[0].value, app.dataframe[1].value
    assert stages["Expected loss"].to_list() == [
        grouped(stage["expected_loss"]) for stage in loss["stages"]
    ]
    assert classes["Provision"].to_list() == [grouped(c["provision"]) for c in held["classes"]]
    assert queries_to(api, "expected-loss") == [{"rule_set": "cecl", "as_of": "2026-10-31"}]


def test_a_stage_leads_to_the_loans_of_the_report(api: FakeApi, open_page: OpenPage) -> None:
    app = open_page("risk", "expected_loss", rule_set="cecl", as_of="2026-10-31")
    stage = api.example(EXPECTED_LOSS)["stages"][0]["stage"]
    press(app, "Open it")
    assert [title.value for title in app.title] == ["Loans of a report"]
    assert queries_to(api, "expected-loss/loans") == [
        {"rule_set": "cecl", "as_of": "2026-10-31", "stage": str(stage)}
    ]
    loans = api.example(f"{EXPECTED_LOSS}/loans")["loans"]
    table = app.dataframe[0].value
    assert table["Expected loss"].to_list() == [grouped(loan["expected_loss"]) for loan in loans]


def allowance(**amounts: str) -> Json:
    names = ("opening", "transfers_in", "transfers_out", "new", "remeasured")
    zero = dict.fromkeys((*names, "derecognised", "written_off", "closing"), "0.00")
    return zero | {"stage": 1} | amounts


def test_the_allowance_is_reconciled_over_all_stages(api: FakeApi, open_page: OpenPage) -> None:
    lines = [
        allowance(opening="100.00", transfers_out="10.00", new="5.00", closing="95.00"),
        allowance(stage="2", transfers_in="10.00", written_off="4.00", closing="6.00"),
    ]
    lines[1]["stage"] = 2
    api.answers[EXPECTED_LOSS] = {"allowance": lines}
    app = open_page("risk", "expected_loss")
    steps = table_with(app, "Step").set_index("Step")["Amount"]
    # 100 + 5 - 4 = 101, which is 95 + 6; what moved from stage to stage adds nothing.
    assert steps.to_dict() == {
        "Opening": "100.00",
        "New loans": "+5.00",
        "Remeasured": "0.00",
        "Repaid": "0.00",
        "Written off": "-4.00",
        "Closing": "101.00",
    }


def test_a_first_report_has_no_reconciliation(api: FakeApi, open_page: OpenPage) -> None:
    api.answers[EXPECTED_LOSS] = {"allowance": []}
    assert "No earlier report by these rules" in texts(open_page("risk", "expected_loss"))


def test_a_stress_shows_steps_and_the_assumption(api: FakeApi, open_page: OpenPage) -> None:
    step: Json = {"projected_provisions": 0.0, "projected_npa": 0.0}
    causes = (("interest_rate", 60.0), ("unemployment_rate", 30.0), ("loss_given_default", 10.0))
    figures = api.example(STRESS, "post")["before"]
    api.answers[STRESS] = {
        "before": figures | {"expected_loss": 1000.0, "projected_npa_ratio_percent": 2.5},
        "after": figures | {"expected_loss": 1100.0, "projected_npa_ratio_percent": 3.25},
        "waterfall": [{"cause": name, "expected_loss": x} | step for name, x in causes],
        "assumption": "Each point moves the log-odds.",
    }
    app = open_page("risk", "expected_loss", scenario="all_three")
    assert not app.exception
    [(body, _)] = api.sent(STRESS)
    assert body == {"scenario": "all_three", "rule_set": "ifrs9", "as_of": None}
    changed = {m.label: (m.value, m.delta) for m in app.metric[8:]}
    assert changed["Expected loss"] == ("1,100.00", "+100.00, from 1,000.00")
    assert changed["NPA ratio in a year"] == ("3.25 %", "+0.75 points, from 2.50 %")
    steps = next(t.value for t in app.table if "Before" in list(t.value.get("Step", [])))
    assert steps["Amount"].to_list() == ["1,000.00", "+60.00", "+30.00", "+10.00", "1,100.00"]
    assert "Each point moves the log-odds." in texts(app)


def test_no_stress_is_computed_before_a_scenario_is_chosen(
    api: FakeApi, open_page: OpenPage
) -> None:
    app = open_page("risk", "expected_loss")
    assert api.sent(STRESS) == []
    next(s for s in app.selectbox if s.label == "Scenario").set_value("own")
    app.run()
    assert not app.exception
    [(body, _)] = api.sent(STRESS)
    assert body["interest_rate_points"] == 2.0
    # A stress changes nothing: what was read before is not read again.
    assert len(queries_to(api, "expected-loss")) == 1


def policy_answer(**changed: Any) -> Json:  # noqa: ANN401 -- JSON
    figures: Json = {
        "approved": 6,
        "pending": 3,
        "rejected": 1,
        "approval_rate": 60.0,
        "approved_amount": 600000.0,
        "expected_bad_rate": 5.0,
        "expected_profit": 12345.5,
    }
    moves = [{"from": "pending", "to": "approved", "number": 2}]
    return {"applications": 10, "days": 90, "present": figures, "moved": figures | changed} | {
        "changes": moves
    }


def test_other_cutoffs_are_compared_with_those_in_force(api: FakeApi, open_page: OpenPage) -> None:
    models = api.example("/v1/models")["details"]
    api.answers["/v1/models"] = {"details": [models[0] | {"name": "instalment"}]}
    api.answers["/model/info"] = {"policy": {"approve_below": 0.3, "decline_from": 0.5}}
    api.answers[POLICY] = policy_answer(approved=8, approval_rate=80.0, expected_bad_rate=7.5)
    app = open_page("manager", "policy")
    assert not app.exception
    assert app.slider[0].value == (30.0, 50.0)
    app.slider[0].set_value((25.0, 60.0))
    app.run()
    bodies = [body for body, _ in api.sent(POLICY)]
    first = {"approve_below": 0.3, "decline_from": 0.5, "loss_given_default": 0.45, "days": 90}
    assert bodies == [first, first | {"approve_below": 0.25, "decline_from": 0.6}]
    figures = {m.label: (m.value, m.delta) for m in app.metric}
    assert figures["Approval rate"] == ("80.00 %", "+20.00 points, from 60.00 %")
    assert figures["Expected bad rate"] == ("7.50 %", "+2.50 points, from 5.00 %")
    assert figures["Expected profit"] == ("12,345.50", "")
    both = table_with(app, "As decided").set_index("What")
    assert both.loc["Approved"].to_list() == ["6", "8"]
    assert app.table[1].value["Answer"].to_list() == ["Pending → Approved"]


def test_without_decisions_by_a_model_there_is_nothing_to_move(
    api: FakeApi, open_page: OpenPage
) -> None:
    api.answers[POLICY] = policy_answer() | {"applications": 0}
    app = open_page("auditor", "policy")  # who may not ask which version serves
    assert "No model decided an application in the last 90 days." in texts(app)
    assert app.slider[0].value == (20.0, 40.0)


def test_arrears_are_those_of_the_month_that_is_chosen(
    vintages: FakeApi, open_page: OpenPage
) -> None:
    names = ("opening", "slippages", "recoveries", "closing")
    amounts = ("100.00", "30.00", "20.00", "110.00")
    movement = [
        line("npa-movement", movement=name) | {"amount": amount}
        for name, amount in zip(names, amounts, strict=True)
    ]
    answer(vintages, "npa-movement", *movement)
    answer(vintages, "month-ageing", line("month-ageing", bucket="1-30"))
    answer(vintages, "month-asset-classes", line("month-asset-classes", asset_class="sma_0"))
    app = open_page("manager", "arrears", month="2026-09")
    assert not app.exception
    steps = table_with(app, "Step").set_index("Step")["Amount"]
    assert steps.to_dict() == {
        "Opening": "100.00",
        "Slippages": "+30.00",
        "Recoveries": "-20.00",
        "Closing": "110.00",
    }
    chosen = {"month": "2026-09", "basis": "reported"}
    assert queries_to(vintages, "month-ageing") == [chosen]


def test_the_portfolio_shows_collection_by_month_and_the_largest_exposures(
    api: FakeApi, open_page: OpenPage
) -> None:
    months = [line("collection-efficiency", s, month=m) for m, s in (("2026-09", "98.5000"),)]
    answer(api, "collection-efficiency", *months)
    answer(api, "concentration", line("concentration", value="1102"))
    app = open_page("manager", "portfolio", by="borrower")
    assert not app.exception
    assert queries_to(api, "concentration") == [{"by": "borrower"}]
    collected = table_with(app, "Met, % of what fell due")
    assert collected["Met, % of what fell due"].to_list() == ["98.5000 %"]
    assert app.dataframe[-1].value["Value"].to_list() == ["1102"]


@pytest.fixture
def arrears(vintages: FakeApi) -> FakeApi:
    """A book with one late loan."""
    keys = {"asset-classes": {"asset_class": "sma_2"}, "ageing": {"bucket": "61-90"}}
    for figure, key in (*keys.items(), ("par", {"days": "60"})):
        answer(vintages, figure, line(figure, **key))
    return vintages


def test_the_figures_of_arrears_are_those_of_the_api(arrears: FakeApi, open_page: OpenPage) -> None:
    npa, risk = arrears.example("/api/portfolio/npa-analysis"), arrears.example(SUMMARY)
    assert metrics(open_page("manager", "arrears")) == {
        "NPA loans": str(npa["total_npa_loans"]),
        "NPA amount": grouped(npa["total_npa_amount"]),
        "NPA ratio": per_cent(risk["risk_metrics"]["npa_ratio"]),
        "Default rate": per_cent(risk["risk_metrics"]["default_rate"]),
    }


def test_arrears_are_filtered_by_class(arrears: FakeApi, open_page: OpenPage) -> None:
    app = open_page("manager", "arrears", asset_class="sma_2")
    assert not app.exception
    assert queries_to(arrears, "asset-classes/loans") == [{"asset_class": "sma_2", "limit": "20"}]
    assert app.dataframe[-1].value.shape[0] == 2


def client_page(api: FakeApi, open_page: OpenPage) -> AppTest:
    rejected = api.example(ONE_APPLICATION) | {**CASE, "status": "Rejected"}
    listing = {"applications": [rejected], "count": 1, "next_cursor": None}
    api.answers["/api/loans/applications"] = listing
    return open_page("client", "my_applications")


def test_a_customer_is_told_what_would_change_it(api: FakeApi, open_page: OpenPage) -> None:
    app = client_page(api, open_page)
    path = "/v1/models/instalment:recourse"
    assert api.sent(path) == []
    next(w for w in app.number_input if w.label == "Your age").set_value(41)
    press(app, "Find what would be approved")
    assert not app.exception
    [(body, _)] = api.sent(path)
    [row] = body["instances"]
    assert (row["age"], row["employment_type"]) == (41, "salaried")
    assert metrics(app) == {}  # no probability, no score


def test_a_customer_reads_the_notice_of_the_loan_book(
    api: FakeApi, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = client_page(api, open_page)
    notice = f"/v1/applications/{APPLICATION}/notice"
    press(app, "Write the notice")
    assert "Notice on application" in app.text[0].value  # no template is set: the decision alone
    assert api.sent(notice) == []
    with_template(monkeypatch)
    app.run()
    example = api.example("/v1/applications/{application}/notice")
    assert app.text[0].value.startswith(example["heading"])
    assert f"- {example['reasons'][0]}" in app.text[0].value
    assert len(api.sent(notice)) == 1


def with_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the deployment have a template of notices."""
    opened = runtime.services()
    display = replace(opened.settings.display, notice_template="in_fair_practices")
    settings = replace(opened.settings, display=display)
    monkeypatch.setattr(runtime, "_open", [replace(opened, settings=settings)])
