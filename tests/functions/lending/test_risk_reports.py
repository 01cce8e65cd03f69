"""Month-end reports on a real database: three loans, four months, and what is posted too late."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from functions.lending.actions import stress
from functions.lending.closing import DailyClose
from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.risk_reports import ReportRequest, make_report, verify_report
from functions.lending.risk_rows import RESTATED, read_book
from functions.lending.storage.database import WHOLE_BOOK, Database
from models.lending.errors import AmountError, RuleSetError
from models.lending.expected_loss import Repayable
from models.lending.expected_loss_rules import CECL, IFRS_9, RBI_ECL_2026, ExpectedLossRules
from models.lending.loan_risk import LoanRisk, assess
from models.lending.loss_given_default import BACKSTOP
from models.lending.outlooks import HOUSE_OUTLOOKS
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.provisions import ClassifiedExposure, provision
from models.lending.sensitivities import CUSTOMER_SENSITIVITY
from tests.support.lending import NOW, BookClient, client_on, fresh_database

MARCH, MAY = date(2026, 3, 31), date(2026, 5, 31)
OUTLOOKS = HOUSE_OUTLOOKS.outlooks(CUSTOMER_SENSITIVITY)
SCORE = text("""
INSERT INTO decisions (id, application_id, customer_id, branch_id, decided_by, is_automated,
        outcome, model, model_version, probability_of_default, credit_score, risk_level, reasons,
        contributors, inputs, factors, created_at)
    SELECT gen_random_uuid(), id, customer_id, branch_id, 'test', true, 'approved',
        'instalment', 'v1', :probability, 700, 'Low', '[]', '[]', '{}', '{}', created_at
    FROM applications WHERE id = (SELECT application_id FROM loans WHERE id = :loan)
""")


def score(book: BookClient, loan: str, probability: str) -> None:
    engine = create_engine(book.url)
    with engine.begin() as connection:
        values = {"loan": loan.removeprefix("loan_"), "probability": Decimal(probability)}
        connection.execute(SCORE, values)
    engine.dispose()


def close_through(database: Database, day: date) -> None:
    DailyClose(database=database, now=lambda: datetime.now(UTC)).close_through(day)


def query_rows(book: BookClient, query: str, **values: object) -> list[Any]:
    engine = create_engine(book.url)
    with engine.connect() as connection:
        rows = list(connection.execute(text(query), values).all())
    engine.dispose()
    return rows


def make(database: Database, day: date, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- rules
    values: dict[str, Any] = {"day": day, "rules": IFRS_9}
    request = ReportRequest(**(values | changes))
    return make_report(database, request, NOW)


@pytest.fixture(scope="module")
def reported(postgres: str, template: str) -> Iterator[tuple[BookClient, Database, list[str]]]:
    """Loans of 120,000 at 12 %: one pays, one never does, one is half secured and has no score."""
    with fresh_database(postgres, template) as url, client_on(url) as book:
        loans = [book.disburse() for _ in range(3)]
        pledge = {"kind": "gold", "description": "12 bangles", "value": 60_000}
        book.ok("POST", f"/v1/loans/{loans[2]}/collateral", pledge | {"valued_on": "2026-01-05"})
        score(book, loans[0], "0.04")
        score(book, loans[1], "0.08")
        for loan, amount in ((loans[0], "21323.70"), (loans[2], "21323.70")):
            body = {"amount": amount, "value_date": "2026-01-05"}
            book.ok("POST", f"/v1/loans/{loan}:repay", body)
        database = Database(url, 2)
        close_through(database, MARCH)
        make(database, MARCH)
        late = {"amount": "21323.70", "value_date": "2026-04-01"}
        for loan in (loans[0], loans[2]):
            book.ok("POST", f"/v1/loans/{loan}:repay", late)
        make(database, MARCH, rules=CECL)  # the same day, after something was posted
        close_through(database, MAY)
        make(database, MAY)
        make(database, MAY, rules=RBI_ECL_2026)
        yield book, database, loans
        database.close()


def loan_rows(book: BookClient, rule_set: str, day: date) -> dict[str, Any]:
    query = """SELECT l.* FROM risk_loans l JOIN risk_reports r ON r.id = l.report_id
        WHERE r.as_of = :day AND r.rule_set = :rule_set"""
    rows = query_rows(book, query, day=day, rule_set=rule_set)
    return {f"loan_{row.loan_id.hex}": row for row in rows}


def risk_from_row(row: Any) -> LoanRisk:  # noqa: ANN401 -- a row
    def amount(name: str, digits: int = 2) -> Decimal:
        return Decimal(getattr(row, name)).scaleb(-digits)

    return LoanRisk(
        loan=Repayable(
            undue_principal=amount("undue_principal"),
            overdue=amount("overdue"),
            annual_rate_percent=amount("annual_rate", 6),
            effective_rate_percent=amount("effective_rate", 6),
            equal_instalment=amount("equal_instalment"),
            months_left=row.months_left,
        ),
        days_past_due=row.days_past_due,
        is_impaired=bool(row.is_impaired),
        months_impaired=row.months_impaired,
        probability_of_default=amount("probability_of_default", 17),
        probability_at_origination=amount("probability_at_origination", 17),
        loss_given_default=amount("loss_given_default", 6),
        category="secured_retail" if row.category else "unsecured_retail",
    )


def test_the_inputs_are_those_of_the_book(reported: tuple[BookClient, Database, list[str]]) -> None:
    """At the end of May four instalments fell due: 38,418.90 of the 120,000 was principal."""
    book, _, loans = reported
    rows = loan_rows(book, "ifrs9@1", MAY)
    paying, late, secured = (rows[loan] for loan in loans)
    assert (paying.undue_principal, paying.overdue) == (8_158_110, 0)
    assert (paying.months_left, paying.equal_instalment, paying.days_past_due) == (8, 1_066_185, 0)
    assert (paying.annual_rate, paying.probability_of_default) == (12_000_000, 4 * 10**15)
    assert paying.loss_given_default == 700_000
    assert (late.undue_principal, late.overdue) == (8_158_110, 4 * 1_066_185)
    assert (late.days_past_due, late.is_impaired, late.asset_class) == (116, 1, "sub_standard")
    # Without a score of its own: the mean of 4 % and 8 %.
    assert secured.probability_of_default == secured.probability_at_origination == 6 * 10**15
    assert secured.decision_id is None
    assert (secured.security, secured.is_unsecured, secured.category) == (6_000_000, 0, 1)
    assert secured.loss_given_default == 405_814  # 60,000 at 30 %, the other 21,581.10 at 70 %


@pytest.mark.parametrize("rules", [IFRS_9, RBI_ECL_2026], ids=["ifrs9", "rbi"])
def test_every_stage_loss_and_provision_is_that_of_the_pure_functions(
    rules: ExpectedLossRules,
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, loans = reported
    rows = loan_rows(book, rules.label, MAY)
    assert set(rows) == set(loans)
    for row in rows.values():
        assessment = assess(risk_from_row(row), OUTLOOKS, rules)
        assert (row.stage, row.expected_loss) == (
            assessment.stage,
            int(assessment.expected_loss * 100),
        )
        exposure = ClassifiedExposure(
            asset_class=row.asset_class,
            outstanding=Decimal(row.outstanding) / 100,
            realisable_security=Decimal(row.security) / 100,
            is_unsecured=bool(row.is_unsecured),
        )
        amount = provision(exposure, RBI_PROVISIONS_2025).amount
        assert row.covered_provision + row.uncovered_provision == int(amount * 100)


def test_what_was_posted_since_does_not_change_a_past_day(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, _ = reported
    before, after = (loan_rows(book, label, MARCH) for label in ("ifrs9@1", "cecl@1"))
    changed = {"report_id", "stage", "expected_loss"}
    for loan, row in before.items():
        fields = {name: value for name, value in row._asdict().items() if name not in changed}
        again = after[loan]._asdict()
        assert {name: again[name] for name in fields} == fields


def test_a_report_is_made_once_and_made_again_it_is_the_same(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, database, _ = reported
    count = "SELECT count(*) FROM risk_loans"
    before = query_rows(book, count)
    made = make(database, MAY, unscored=Decimal("0.5"))
    assert (made["made"], made["loans"], made["unscored"]) == (False, 3, 1)
    assert made["models"] == {"instalment@v1": 2, "none": 1}
    assert query_rows(book, count) == before
    assert verify_report(database, "ifrs9", MAY)["different"] == 0
    engine = create_engine(book.url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE risk_loans DISABLE TRIGGER only_appended"))
        connection.execute(
            text("""UPDATE risk_loans SET expected_loss = expected_loss + 1 WHERE loan_id =
                (SELECT min(loan_id::text)::uuid FROM risk_loans) AND report_id =
                (SELECT id FROM risk_reports WHERE rule_set = 'cecl@1')""")
        )
        connection.execute(text("ALTER TABLE risk_loans ENABLE TRIGGER only_appended"))
    engine.dispose()
    assert verify_report(database, "cecl", MARCH)["different"] == 1


def test_days_that_are_open_or_were_never_reported_are_refused(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    _, database, _ = reported
    with pytest.raises(TransitionError, match="2026-06-01 is not closed: the open day is"):
        make(database, date(2026, 6, 1))
    with pytest.raises(NotInBookError, match="no such report ifrs9 of 2026-04-30"):
        verify_report(database, "ifrs9", date(2026, 4, 30))


def test_a_book_without_any_score_needs_a_probability(database_url: str) -> None:
    with client_on(database_url) as book:
        book.disburse()
    database = Database(database_url, 1)
    close_through(database, date(2026, 1, 31))
    with pytest.raises(AmountError, match="state a probability with --unscored"):
        make(database, date(2026, 1, 31))
    made = make(database, date(2026, 1, 31), unscored=Decimal("0.05"))
    assert (made["loans"], made["unscored"]) == (1, 1)
    database.close()


def test_the_routes_sum_up_what_the_report_has(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, _ = reported
    losses = book.ok("GET", "/v1/portfolio/expected-loss")
    assert (losses["as_of"], losses["rule_set"]) == ("2026-05-31", "ifrs9@1")
    assert losses["assumptions"]["outlook_rules"] == "house_outlooks@1"
    for stage in losses["stages"]:
        listed = book.ok("GET", f"/v1/portfolio/expected-loss/loans?stage={stage['stage']}")
        assert len(listed["loans"]) == stage["loans"]
        for name in ("gross", "expected_loss"):
            total = sum(Decimal(loan[name]) for loan in listed["loans"])
            assert total == Decimal(stage[name])
    provisions = book.ok("GET", "/v1/portfolio/provisions?as_of=2026-05-31")
    # Sub-standard, unsecured from the start: 25 % of 120,000. Else 0.40 %: 326.32 + 240.00 + 86.32.
    amounts = {row["asset_class"]: row["provision"] for row in provisions["classes"]}
    assert amounts == {"standard": "652.64", "sub_standard": "30000.00"}
    assert (provisions["gross_npa"], provisions["net_npa"]) == ("120000.00", "90000.00")
    assert provisions["coverage_percent"] == "25.0000"


def test_the_allowance_is_reconciled_with_the_report_before(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, _ = reported
    march = book.ok("GET", "/v1/portfolio/expected-loss?as_of=2026-03-31")
    may = book.ok("GET", "/v1/portfolio/expected-loss?as_of=2026-05-31")
    assert march["allowance"] == []
    first, _, third = may["allowance"]
    opening = sum(Decimal(line["opening"]) for line in may["allowance"])
    assert opening == Decimal(march["expected_loss"])
    assert sum(Decimal(line["closing"]) for line in may["allowance"]) == Decimal(
        may["expected_loss"]
    )
    assert Decimal(third["transfers_in"]) > 0
    assert Decimal(first["remeasured"]) < 0  # two loans were repaid in part


def test_a_stress_shows_before_after_and_what_did_it(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, _ = reported
    before = Decimal(book.ok("GET", "/v1/portfolio/expected-loss")["expected_loss"])
    reply = book.ok("POST", "/api/portfolio/stress", {"scenario": "all_three"})
    assert Decimal(str(reply["before"]["expected_loss"])) == before
    change = sum(Decimal(str(step["expected_loss"])) for step in reply["waterfall"])
    assert Decimal(str(reply["after"]["expected_loss"])) == before + change
    assert all(step["expected_loss"] > 0 for step in reply["waterfall"])
    assert reply["sensitivity"]["model"] == "customer"
    assert "assumed, not measured" in reply["assumption"]
    assert reply["before"]["npa_ratio_percent"] == reply["after"]["npa_ratio_percent"] == 42.3785
    ratios = [reply[when]["projected_npa_ratio_percent"] for when in ("before", "after")]
    assert 42.3785 < ratios[0] < ratios[1]
    own = book.ok("POST", "/api/portfolio/stress", {"loss_given_default_points": "10"})
    assert [step["expected_loss"] > 0 for step in own["waterfall"]] == [False, False, True]


def test_a_request_stresses_no_more_loans_than_it_can_wait_for(
    reported: tuple[BookClient, Database, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    book, _, _ = reported
    monkeypatch.setattr(stress, "MOST_LOANS", 2)
    for body, options in (
        ({"scenario": "lgd_up_10"}, "--scenario lgd_up_10"),
        ({"interest_rate_points": 3}, "--interest-rate-points 3"),
    ):
        refused = book("POST", "/api/portfolio/stress", body)
        assert refused.status_code == 409
        command = f"python -m functions.lending stress {options} --rules ifrs9 --date 2026-05-31"
        assert f"at most 2: run `{command}`" in refused.json()["detail"]


def test_questions_without_an_answer_are_refused(
    reported: tuple[BookClient, Database, list[str]],
) -> None:
    book, _, _ = reported
    missing = book("GET", "/v1/portfolio/provisions?as_of=2026-04-30")
    assert missing.status_code == 404
    assert "python -m functions.lending expected-loss` makes it" in missing.json()["detail"]
    for query in ("as_of=May", "rule_set=basel", "stage=1"):
        assert book("GET", f"/v1/portfolio/expected-loss?{query}").status_code == 422
    assert book("GET", "/v1/portfolio/expected-loss/loans?after=x").status_code == 422
    both = {"scenario": "all_three", "interest_rate_points": 1}
    refused = book("POST", "/api/portfolio/stress", both)
    assert refused.status_code == 422
    assert "names a scenario, which has its own interest_rate_points" in refused.text
    assert book("POST", "/api/portfolio/stress", {"interest_rate_points": 51}).status_code == 422


def test_a_list_goes_on_where_it_ended(reported: tuple[BookClient, Database, list[str]]) -> None:
    book, _, loans = reported
    path, listed = "/v1/portfolio/expected-loss/loans?limit=2", []
    first = book.ok("GET", path)
    listed += [loan["loan_id"] for loan in first["loans"]]
    second = book.ok("GET", f"{path}&after={first['next_after']}")
    listed += [loan["loan_id"] for loan in second["loans"]]
    assert (sorted(listed), second["next_after"]) == (sorted(loans), None)


def test_months_left_are_the_instalments_that_are_not_due_yet(database_url: str) -> None:
    """Due on the 31st or on a month's last day, looked at on any day of the year."""
    with client_on(database_url) as book:
        loan = book.grant(loan_tenure_months=14)
        dates = {"first_due_on": "2026-01-31", "due_day": 31}
        book.ok("POST", f"/v1/loans/{loan}:disburse", dates)
        query = "SELECT due_on FROM instalments ORDER BY number"
        due = [row.due_on for row in query_rows(book, query)]
        assert (len(due), due[1]) == (14, date(2026, 2, 28))
    database = Database(database_url, 1)
    days = [date(2026, 1, 5) + timedelta(days=days) for days in (*range(0, 420, 7), *range(50, 60))]

    def read(connection: Connection) -> dict[date, int]:
        connection.execute(RESTATED)
        rows = {
            day: next(read_book(connection, day, BACKSTOP, RBI_PROVISIONS_2025)) for day in days
        }
        return {day: int(row["months_left"][0]) for day, row in rows.items()}

    expected = {day: max(1, sum(due_on > day for due_on in due)) for day in days}
    assert database.read(WHOLE_BOOK, read) == expected
    database.close()


def test_loans_of_a_rule_set_without_provisions_are_refused_by_name(book: BookClient) -> None:
    """Classes of `source_d` have names of the RBI's, and no rates: 15 % would be a guess."""
    loan = book.disburse()
    score(book, loan, "0.04")
    engine = create_engine(book.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE loans SET rule_set = 'source_d@1'"))
    engine.dispose()
    with closing(Database(book.url, 1)) as database:
        close_through(database, date(2026, 1, 5))
        rule = "rbi_irac_2025@1 has rates for loans that rbi_irac_2025 classifies.* 1 by source_d@1"
        with pytest.raises(RuleSetError, match=rule):
            make(database, date(2026, 1, 5))
