"""The dashboard in a real browser, over the whole stack that `make dashboard` starts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.docs.markdown import page
from tests.support.browser import CHROMIUM
from tests.support.dashboard_browser import NARROW, Person, people
from tests.support.dashboard_sessions import finish_run, open_session, start_run
from tests.support.running import REPOSITORY, STOP_SECONDS, free_port

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no page was opened"),
]
PAGE = page("dashboard")
PICTURES = REPOSITORY / "var" / "dashboard"
OFFICER, MANAGER, ADMIN, CUSTOMER = "Meera Nair", "Kavita Rao", "Asha Menon", "Customer 1101"
AUDITOR, OTHER_BRANCH = "Sunita Iyer", "Rohan Das"
AMOUNT, INSTALMENT = "120000", "10,661.85"  # over 12 months at 12 %
SESSIONS = 20
# The store of the tests was made by hand: it has no published version and no monitored day.
UNPUBLISHED = {"registry", "monitoring"}
# Pages whose first row leads to a page of its own.
LEADING = {
    "applications": "Application",
    "loans": "Loan",
    "roll_rates": "Loans of a figure",
    "expected_loss": "Loans of a report",
}
PAGES = {
    MANAGER: (
        *("", "applications", "loans", "portfolio", "arrears", "customers"),
        *("applicant?id=1102", "new_application?customer=1102", "what_if?customer=1102"),
        *("registry", "reviews", "vintages", "roll_rates?flows=true", "early_warning"),
        *("expected_loss?scenario=all_three", "policy", "arrears?asset_class=sub_standard"),
    ),
    ADMIN: ("administration",),
    CUSTOMER: ("",),
    AUDITOR: ("", "monitoring"),
}


@pytest.fixture(scope="module")
def address(made_store: str) -> Iterator[str]:
    """Where `make dashboard` serves, with a small book and models that were made by hand."""
    ports = [free_port() for _ in range(4)]
    names = ("--port", "--lending-port", "--scoring-port", "--issuer-port")
    options = [part for pair in zip(names, map(str, ports), strict=True) for part in pair]
    with TemporaryDirectory(prefix="book-") as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "infra/local/dashboard.py", *options),
                *("--customers", "40", "--folder", f"{folder}/data"),
            ],
            cwd=REPOSITORY,
            env=os.environ | {"MODEL_STORE": made_store, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as output:
            try:
                for line in output:
                    if "stop with Ctrl-C" in line:
                        break
                yield f"http://localhost:{ports[0]}"
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=STOP_SECONDS) == 0
        assert not list(Path(folder).rglob("postmaster.pid"))


def count_from(text: str) -> int:
    """The number that a tile shows."""
    return int(text.replace(",", ""))


def apply(officer: Person) -> str:
    """Apply for customer 1102; return the path of the application."""
    officer.open("new_application?customer=1102")
    officer.enter("Amount", AMOUNT)
    officer.enter("Months", "12")
    officer.enter("Interest, % a year", "12")
    assert officer.figure("Instalment") == INSTALMENT
    officer.press("Send the application")
    officer.page.get_by_text("Pending.").wait_for()  # a probability of one half is a person's
    officer.open("applications?status=pending")
    officer.page.get_by_role("button", name="Open it", exact=True).click()
    officer.page.get_by_role("heading", name="Application", exact=True).wait_for()
    officer.settle()
    return officer.page.url.removeprefix(f"{officer.address}/")


def test_an_application_becomes_a_loan_that_the_portfolio_shows(address: str) -> None:
    with people(address, OFFICER, MANAGER) as (officer, manager):
        manager.open("portfolio")
        before = {name: count_from(manager.figure(name)) for name in ("Loans", "Payments")}
        path = apply(officer)
        manager.open(path)
        manager.page.get_by_label("Why, for the record").fill("Salary slips seen")
        manager.press("Approve")
        manager.page.get_by_text("Approved, on record with your name.").wait_for()
        officer.open(path)
        officer.press("Accept the offer")
        officer.page.get_by_role("heading", name="Loan", exact=True).wait_for()
        officer.settle()
        for action, outcome in (("disburse", "Disburse is posted"), ("repay", "Repay is posted")):
            officer.press("Preview")
            officer.press("Post")
            officer.page.get_by_text(outcome).first.wait_for()
            assert action in officer.page.content().lower()
        assert officer.figure("Status") == "Active"
        assert officer.figure("Credit") == INSTALMENT
        manager.open("portfolio")
        after = {name: count_from(manager.figure(name)) for name in before}
        assert after == {name: count + 1 for name, count in before.items()}
        assert (officer.complaints, officer.elsewhere) == ([], [])


def look_at(person: Person, who: str, path: str) -> None:
    """Open a page, look at it in three ways, and fail at what is wrong with it."""
    person.open(path)
    name = path.partition("?")[0] or f"home-{who.partition(' ')[0].lower()}"
    assert person.complaints == [], path
    if path not in UNPUBLISHED:
        assert "Not Found" not in person.page.get_by_test_id("stMain").inner_text(), path
    assert person.elsewhere == [], path
    assert person.serious_faults() == [], path
    person.picture(PICTURES / f"{name}-390.png", size=NARROW)
    person.picture(PICTURES / f"{name}-dark.png", scheme="dark")
    assert person.serious_faults() == [], f"{path}, dark"
    person.picture(PICTURES / f"{name}.png")


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_without_errors_and_accessible_in_both_themes(address: str, name: str) -> None:
    with people(address, name) as (person,):
        for path in PAGES[name]:
            look_at(person, name, path)


def test_what_a_row_leads_to_is_without_errors_and_accessible(address: str) -> None:
    with people(address, MANAGER) as (person,):
        for path, title in LEADING.items():
            person.open(path)
            person.page.get_by_role("button", name="Open it", exact=True).first.click()
            person.page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
            person.settle()
            look_at(person, MANAGER, person.page.url.removeprefix(f"{person.address}/"))


def test_an_officer_sees_nothing_of_another_branch(address: str) -> None:
    with people(address, OTHER_BRANCH) as (person,):
        person.open("portfolio")
        assert person.figure("Outstanding") == "0.00"
        person.open("applicant?id=1102")
        assert person.page.get_by_text("404 Not Found").count() == 1


def test_twenty_sessions_at_once_have_the_figures_of_the_book(address: str) -> None:
    with people(address, MANAGER) as (manager,):
        cookies = manager.cookies()
        manager.open("portfolio")
        outstanding = f"Outstanding {manager.figure('Outstanding')}"
    with ExitStack() as stack, ThreadPoolExecutor(SESSIONS) as threads:
        sessions = [stack.enter_context(open_session(address, cookies)) for _ in range(SESSIONS)]
        began = [start_run(session, "portfolio") for session in sessions]
        runs = list(threads.map(finish_run, sessions, began))
    assert [run.exceptions for run in runs] == [[]] * SESSIONS
    assert {run.figures[0] for run in runs} == {outstanding}
    assert {len(run.figures) for run in runs} == {24}


def test_the_page_says_how_it_is_started() -> None:
    assert "make dashboard" in PAGE
    assert "DASHBOARD_PORT" in PAGE
