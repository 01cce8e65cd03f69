"""Figures of the book: each by hand, and each line the sum of its loans."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import create_engine, text

from functions.lending.analytics.answers import FIGURES
from tests.docs.markdown import page
from tests.functions.access.conftest import Issuer, _keys, issuer
from tests.support.lending import BookClient, client_on
from tests.support.lending_year import close_on

__all__ = ["_keys", "issuer"]
PATH = "/v1/portfolio"
WITHOUT_LINES = {("npa-movement", "basis=restated&month=2026-04")}


def lines(book: BookClient, name: str, **query: object) -> dict[str, tuple[int, str]]:
    """The number and the amount of each line by its keys."""
    reply = book.ok("GET", f"{PATH}/{name}?{urlencode(query)}")
    return {" ".join(n["key"].values()): (n["number"], n["amount"]) for n in reply["lines"]}


def every_query() -> Iterator[tuple[str, str]]:
    for name, figure in FIGURES.items():
        by = figure.choices.get("by")
        for value in by.values if by else ("",):
            yield name, f"by={value}" if value else ""
        if "basis" in figure.choices:
            yield name, "basis=restated&month=2026-04"
    yield "ageing", "measure=arrears"
    yield "vintages", "ever=30"


@pytest.mark.parametrize(("name", "query"), list(every_query()))
def test_the_loans_of_each_line_sum_to_it(name: str, query: str, year_book: BookClient) -> None:
    reply = year_book.ok("GET", f"{PATH}/{name}?{query}")
    assert reply["as_of"]
    assert reply["rule_sets"] == ["rbi_irac_2025@1"]
    assert reply["lines"] or (name, query) in WITHOUT_LINES
    for line in reply["lines"]:
        members = all_loans(year_book, line["loans"])
        assert sum(row["number"] for row in members) == line["number"], line
        assert sum(Decimal(row["amount"]) for row in members) == Decimal(line["amount"]), line


def all_loans(book: BookClient, path: str) -> list[dict[str, Any]]:
    """Every page, of two loans each."""
    loans: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = book.ok("GET", f"{path}&limit=2{cursor}")
        loans += page["loans"]
        if page["next_cursor"] is None:
            return loans
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
def three(book: BookClient) -> BookClient:
    """On 8 April: one loan paid; one missed April, one everything since February."""
    paid, april, never = (book.disburse() for _ in range(3))
    for day, loans in (("02-05", (paid, april)), ("03-05", (paid, april)), ("04-05", (paid,))):
        book.move_to(date.fromisoformat(f"2026-{day}"))
        for loan in loans:
            book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10661.85"})
    assert never
    close_on(book, date(2026, 4, 7))
    return book


# Two instalments repay 9,461.85 + 9,556.47 of principal, three 9,652.03 more.
OWED = {"paid": "91329.65", "april": "100981.68", "never": "120000.00"}


def test_portfolio_at_risk(three: BookClient) -> None:
    """The oldest unpaid instalment is 62 days past due: 24 of February, 31 of March, 7 of April."""
    assert lines(three, "par") == {
        "30": (1, OWED["never"]),
        "60": (1, OWED["never"]),
        "90": (0, "0"),
    }
    [first, *_] = three.ok("GET", f"{PATH}/par")["lines"]
    # 120,000 of 312,311.33
    assert (first["of_amount"], first["share_of_amount"]) == ("312311.33", "38.4232")


def test_ageing_and_asset_classes(three: BookClient) -> None:
    assert lines(three, "ageing") == {
        "current": (1, OWED["paid"]),
        "1-30": (1, OWED["april"]),
        "61-90": (1, OWED["never"]),
    }
    # April's instalment; and 3 instalments.
    assert lines(three, "ageing", measure="arrears") == {
        "current": (1, "0"),
        "1-30": (1, "10661.85"),
        "61-90": (1, "31985.55"),
    }
    assert lines(three, "asset-classes") == {
        "sma_0": (1, OWED["april"]),
        "sma_2": (1, OWED["never"]),
        "standard": (1, OWED["paid"]),
    }


def test_collection_efficiency(three: BookClient) -> None:
    """Of three instalments a month, two were paid in February and March, and one in April."""
    reply = three.ok("GET", f"{PATH}/collection-efficiency")
    assert [(n["key"]["month"], n["number"], n["share_of_amount"]) for n in reply["lines"]] == [
        ("2026-02", 3, "66.6667"),
        ("2026-03", 3, "66.6667"),
        ("2026-04", 3, "33.3333"),
    ]


def test_who_becomes_non_performing_if_nothing_is_paid(three: BookClient) -> None:
    """5 February is day 1, so that 6 May is day 91: within 30 days of 8 April, not within 7."""
    assert lines(three, "next-npa") == {"7": (0, "0"), "30": (1, OWED["never"])}
    three.move_to(date(2026, 4, 29))
    three.headers["cache-control"] = "no-cache"
    assert lines(three, "next-npa")["7"] == (1, OWED["never"])


def test_a_borrowers_other_loans_become_non_performing_with_one(book: BookClient) -> None:
    customer = book.register()
    book.disburse(customer)
    book.move_to(date(2026, 4, 1))
    book.disburse(customer, loan_amount=1000)
    close_on(book, date(2026, 4, 20))
    assert lines(book, "next-npa") == {"7": (0, "0"), "30": (2, "121000.00")}


def test_concentration_of_segments(book: BookClient) -> None:
    """Shares of .75 and .25: an index of 5,625 + 625."""
    book.disburse(book.register(), loan_amount=3000)
    book.disburse(book.register(state="Kerala", city="Kochi"), loan_amount=1000)
    reply = book.ok("GET", f"{PATH}/concentration?by=state")
    assert lines(book, "concentration", by="state") == {
        "Karnataka": (1, "3000.00"),
        "Kerala": (1, "1000.00"),
    }
    assert (reply["index"], reply["lines"][0]["share_of_amount"]) == ("6250.0000", "75.0000")
    for by, value in (
        *(("income_band", "50000_to_100000"), ("employment_type", "salaried")),
        *(("employer", "Rao Textiles"), ("score_band", "unscored")),
        ("model_version", "unscored"),
    ):
        assert lines(book, "concentration", by=by) == {value: (2, "4000.00")}


def test_the_largest_borrowers(book: BookClient) -> None:
    """3,000 + 1,000 of one, 1,000 of another: .8 and .2, an index of 6,400 + 400."""
    first, second = book.register(), book.register()
    for customer, amount in ((first, 3000), (first, 1000), (second, 1000)):
        book.disburse(customer, loan_amount=amount)
    reply = book.ok("GET", f"{PATH}/concentration?by=borrower&top=1")
    [line] = reply["lines"]
    assert (line["key"]["value"], line["number"]) == (str(first), 2)
    assert (line["share_of_amount"], reply["index"]) == ("80.0000", "6800.0000")


def test_the_movement_of_non_performing_principal(year_book: BookClient) -> None:
    """`late` became non-performing on 6 May: 5 February is day 1."""
    assert lines(year_book, "npa-movement", month="2026-04") == {}
    assert lines(year_book, "npa-movement", month="2026-05") == {
        "slippages": (1, "120000.00"),
        "closing": (1, "120000.00"),
    }
    assert lines(year_book, "npa-movement", month="2026-06") == {
        "opening": (1, "120000.00"),
        "closing": (1, "120000.00"),
    }
    # `grown` was paid out on 5 July, and became non-performing on 3 November.
    assert lines(year_book, "npa-movement", month="2026-11") == {
        "opening": (1, "120000.00"),
        "slippages": (1, "120000.00"),
        "closing": (2, "240000.00"),
    }


def test_roll_and_cure_rates(year_book: BookClient) -> None:
    """At the end of April `back_dated` and `late` were late; a payment in June cured the former."""
    assert lines(year_book, "roll-rates", month="2026-06") == {
        "current current": (1, "81581.10"),
        "1-30 current": (1, "91329.65"),
        "1-30 1-30": (1, "91329.65"),
        "90+ 90+": (1, "120000.00"),
    }
    reply = year_book.ok("GET", f"{PATH}/cure-rates?month=2026-06")
    assert [(n["key"]["from"], n["share_of_number"]) for n in reply["lines"]] == [
        ("1-30", "50.0000"),
        ("90+", "0.0000"),
    ]


def test_vintages(year_book: BookClient) -> None:
    """Of January's four loans `late` was 90 days late at the end of May, the fourth month."""
    reply = year_book.ok("GET", f"{PATH}/vintages")
    curve = {tuple(n["key"].values()): n["share_of_number"] for n in reply["lines"]}
    assert [curve["2026-01", str(month)] for month in range(12)] == 4 * ["0.0000"] + 8 * ["25.0000"]
    assert [curve["2026-07", str(month)] for month in range(6)] == 4 * ["0.0000"] + 2 * ["100.0000"]
    assert len(curve) == 18  # nothing beyond December
    ever = lines(year_book, "vintages", ever=30)
    assert ever["2026-01 2"] == (1, "120000.00")


def test_a_restated_month_says_so(year_book: BookClient) -> None:
    """`back_dated` and `undone` swapped places: one was late as reported, one is as restated."""
    reported = year_book.ok("GET", f"{PATH}/month-ageing?month=2026-04")
    restated = year_book.ok("GET", f"{PATH}/month-ageing?month=2026-04&basis=restated")
    assert (reported["basis"], restated["basis"]) == ("reported", "restated")
    assert reported["restated_loans"] == restated["restated_loans"] == 2
    assert lines(year_book, "month-ageing", month="2026-04")["1-30"] == (1, "100981.68")
    assert reported["as_of"] == "2026-04-30"


def test_cohorts_by_month_and_by_score_band(year_book: BookClient) -> None:
    assert lines(year_book, "cohorts") == {
        "2026-01": (1, "120000.00"),
        "2026-07": (1, "120000.00"),
    }
    assert lines(year_book, "cohorts", by="score_band") == {"unscored": (2, "240000.00")}
    assert lines(year_book, "cohorts", by="product", ever=30)["1"] == (2, "240000.00")


def test_a_figure_of_a_month_that_was_not_recorded_is_404(book: BookClient) -> None:
    response = book("GET", f"{PATH}/roll-rates")
    assert response.status_code == 404
    assert "functions.lending snapshot" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("par?days=30", ("query.days", "is not in the contract")),
        ("par/loans", ("query.days", "is required: it names a line of the figure")),
        ("concentration?by=name", ("query.by", "must be one of purpose, state, city, employer")),
        ("concentration?top=0", ("query.top", "must be a number from 1 to 200")),
        ("vintages?month=2026-13", ("query.month", "must be a month such as 2026-01")),
        ("par/loans?days=30&cursor=x", ("query.cursor", "must be a next_cursor of an earlier")),
        ("cohorts?score_band=%00", ("query.score_band", "must be 1 to 200 printable")),
    ],
)
def test_what_is_not_in_the_contract_is_refused(
    path: str, fault: tuple[str, str], book: BookClient
) -> None:
    response = book("GET", f"{PATH}/{path}")
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["path"] == fault[0]
    assert error["message"].startswith(fault[1])


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/v1/portfolio/par", "GET /v1/portfolio/month-ageing?month=2026-01 has month ends"),
        ("/v1/portfolio/asset-classes", "month-asset-classes?month=2026-01 has month ends"),
        ("/v1/portfolio/next-npa", "no route has it for a past one"),
        ("/v1/portfolio/collection-efficiency", "its lines are past months"),
        ("/v1/portfolio/roll-rates", "choose the month with `month`"),
        ("/api/portfolio/summary", "month-asset-classes and npa-movement under GET /v1/portfolio"),
    ],
)
def test_a_figure_of_a_past_day_is_refused_and_says_which_route_has_it(
    path: str, remedy: str, book: BookClient
) -> None:
    response = book("GET", f"{path}?as_of=2025-12-31")
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["path"] == "query.as_of"
    assert remedy in error["message"]
    route = re.search(r"GET (/v1/portfolio/[a-z-]+)\?month", error["message"])
    if route:
        assert route[1].removeprefix("/v1/portfolio/") in FIGURES


def test_an_answer_is_reused_until_this_process_writes(book: BookClient) -> None:
    loan = book.disburse()
    first = book.ok("GET", f"{PATH}/asset-classes")
    assert book.ok("GET", f"{PATH}/asset-classes") == first
    with_header = book.ok("GET", f"{PATH}/asset-classes", cache_control="no-cache")
    assert with_header["read_at"] > first["read_at"]
    book.move_to(date(2026, 2, 5))
    book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "10661.85"})
    assert lines(book, "asset-classes") == {"standard": (1, "110538.15")}


def test_a_branch_sees_its_own_figures_and_one_may_be_chosen(
    book: BookClient, database_url: str, issuer: Issuer
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO branches VALUES (2, 'Second')"))
    book.disburse(book.register(), loan_amount=1000)
    book.disburse(book.register(branch_id=2), loan_amount=5000)
    assert lines(book, "asset-classes", branch=2) == {"standard": (1, "5000.00")}
    with client_on(database_url, **issuer.settings(), RATE_LIMIT="off") as guarded:
        token = issuer.token(roles=["officer"], sub="officer", branches=[1])
        guarded.headers = {"authorization": f"Bearer {token}"}
        for by in ("purpose", "borrower"):
            [line] = guarded.ok("GET", f"{PATH}/concentration?by={by}")["lines"]
            assert line["amount"] == "1000.00"
        assert lines(guarded, "asset-classes", branch=2) == {}
    with engine.connect() as connection:
        connection.execute(text("SET ROLE lending_branch"))
        connection.execute(text("SET lending.branches = '1'"))
        query = "SELECT sum(outstanding_principal) FROM portfolio_v1.loans"
        assert connection.execute(text(query)).scalar_one() == 1000
        query = "SELECT outstanding FROM portfolio_v1.segments WHERE dimension = 'state'"
        assert connection.execute(text(query)).scalars().all() == [1000]
    engine.dispose()


def test_the_views_are_those_that_the_guide_documents(database_url: str) -> None:
    documented = {
        (view, column)
        for view, columns in re.findall(
            r"^\| `portfolio_v1\.(\w+)` \|.*\| ([\w`, ]+) \|$",
            page("portfolio-figures"),
            re.MULTILINE,
        )
        for column in re.findall(r"`(\w+)`", columns)
    }
    engine = create_engine(database_url)
    query = """SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'portfolio_v1'"""
    with engine.connect() as connection:
        assert {tuple(row) for row in connection.execute(text(query))} == documented
    engine.dispose()
