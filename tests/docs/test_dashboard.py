"""The dashboard in a real browser, over the whole stack that `make dashboard` starts."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from models.catalogue.instalment import Instalment
from models.registry.pointer import read_pointer
from models.registry.store_paths import report_path
from models.stores.uri import open_store
from tests.docs.markdown import page
from tests.support.browser import CHROMIUM
from tests.support.dashboard_browser import NARROW, TABLET, Person, people
from tests.support.dashboard_sessions import finish_run, open_session, start_run
from tests.support.published import ROWS, publish_by_hand
from tests.support.running import REPOSITORY, STOP_SECONDS, free_port
from training.synthetic.application import generate

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
ADMINISTERED = ("rules", "webhooks", "imports", "audit")
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
    ADMIN: ("administration", *(f"administration?part={p}" for p in ADMINISTERED)),
    CUSTOMER: ("",),
    AUDITOR: ("", "monitoring"),
}


@pytest.fixture(scope="module")
def address(made_store: str) -> Iterator[str]:
    """Where `make dashboard` serves, with a small book and models that were made by hand."""
    names = ("", "lending-", "scoring-", "batch-", "retrain-", "issuer-")
    ports = [free_port() for _ in names]
    options = [f"--{name}port={port}" for name, port in zip(names, ports, strict=True)]
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
                assert process.poll() is None, "the stack did not start: see its error above"
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
        manager.page.get_by_text("Approve", exact=True).click()
        manager.page.get_by_text("Income verified", exact=True).click()
        manager.page.get_by_label("Why, for the record").fill("Salary slips seen")
        manager.press("Record the approval")
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


def applications_file(folder: Path, rows: int) -> Path:
    """A CSV of applications."""
    path = folder / f"{rows}.csv"
    generate(rows, seed=rows).to_csv(path, index=False)
    return path


def send_file(officer: Person, path: Path, button: str) -> str:
    """Send a file with reasons for everybody; return the path of its batch."""
    officer.upload(path)
    officer.page.get_by_role("radio", name="for everybody").click()
    officer.settle()
    officer.press(button)
    officer.page.wait_for_url("**batch=batch_*")
    return officer.page.url.removeprefix(f"{officer.address}/")


def test_a_file_is_checked_watched_cancelled_and_resumed(address: str, tmp_path: Path) -> None:
    large, small = (applications_file(tmp_path, rows) for rows in (230_000, 10_000))
    with people(address, OFFICER) as (officer,):
        say = officer.page.get_by_text
        officer.open("batches?model=application")
        send_file(officer, small, "Check only")
        say("The file was checked; nothing was scored.").wait_for()
        assert (officer.figure("Rows"), officer.figure("Rows with a fault")) == ("10,000", "0")
        officer.picture(PICTURES / "batches-checked.png")
        officer.open("batches?model=application")
        first = send_file(officer, large, "Score the file")
        say(re.compile(r"^[1-9][\d,]* of 2,30,000 rows$")).wait_for()  # it moves
        officer.picture(PICTURES / "batches-running.png")
        officer.open("batches?model=application")
        second = send_file(officer, small, "Score the file")
        say("Waiting for its turn").wait_for()
        officer.open(second)  # a reload: a new session, the batch is in the address
        officer.press("Cancel")
        say("The batch is cancelled").wait_for()
        officer.open(first)
        officer.press("Cancel")
        say("The batch is cancelled").wait_for()
        officer.picture(PICTURES / "batches-cancelled.png")
        officer.open(second)
        officer.press("Resume")
        say(re.compile("Waiting for its turn|of 10,000 rows")).wait_for()
        say("The batch is scored.").wait_for()
        assert (officer.figure("Scored"), officer.figure("Rows with a fault")) == ("10,000", "0")
        lines = officer.download("Download the results").decode().splitlines()
        assert len(lines) == 10_001
        look_at(officer, OFFICER, officer.page.url.removeprefix(f"{officer.address}/"))


def test_an_administrator_registers_a_webhook_imports_a_file_and_finds_both(
    address: str, tmp_path: Path
) -> None:
    heading = "customer_id,loan_amount,loan_tenure_months,interest_rate,loan_purpose"
    path = tmp_path / "applications.csv"
    path.write_text(f"{heading}\n1102,50000,12,9.5,Education\n1102,50000,12,-9.5,Education\n")
    with people(address, ADMIN) as (admin,):
        say = admin.page.get_by_text
        admin.open("administration?part=webhooks")
        admin.page.get_by_label("Address that events are sent to", exact=True).fill(
            "https://receiver.example.org/hook"
        )
        admin.press("Register a webhook")
        say("it is not shown again").wait_for()
        assert admin.page.get_by_test_id("stCode").inner_text().startswith("whsec_")
        admin.picture(PICTURES / "administration-secret.png")
        admin.press("I have stored it")
        admin.open("administration?part=imports")
        admin.upload(path)
        admin.press("Check only")
        assert (admin.figure("Lines"), admin.figure("Lines with a fault")) == ("2", "1")
        admin.page.get_by_text("Import the lines without a fault").click()
        admin.settle()
        admin.press("Import")
        assert admin.figure("Imported") == "1"
        look_at(admin, ADMIN, "administration?part=webhooks")
        admin.picture(PICTURES / "administration-imports.png")
        admin.open("administration?part=audit&action=import")
        say('"partial": true').first.wait_for(state="attached")  # the table is drawn
        admin.open("administration?part=audit&action=register webhook")
        say("register webhook").first.wait_for(state="attached")
        assert (admin.complaints, admin.elsewhere) == ([], [])


def test_an_administrator_promotes_a_version_and_rolls_it_back(
    address: str, made_store: str
) -> None:
    store, later = open_store(made_store), datetime.now(UTC) + timedelta(days=1)
    version = publish_by_hand(store, Instalment, ROWS["instalment"], later).version
    report = {"outcome": "promoted", "gates": [], "calibration": {"bins": []}}
    store.create(report_path("instalment", version), json.dumps(report).encode())
    before = read_pointer(store, "instalment").champion.version
    with people(address, ADMIN) as (admin,):
        for button, name in (("Promote this version", version), (f"Roll back to {before}", before)):
            admin.open("registry?model=instalment")
            admin.press(button)
            admin.picture(PICTURES / "registry-confirm.png")
            admin.press("Confirm")
            admin.page.get_by_text(f"{name} of instalment:").wait_for()
            assert read_pointer(store, "instalment").champion.version == name
        assert (admin.complaints, admin.elsewhere) == ([], [])


def look_at(person: Person, who: str, path: str) -> None:
    """Open a page, look at it in three ways, and fail at what is wrong with it."""
    person.open(path)
    name = path.partition("?")[0] or f"home-{who.partition(' ')[0].lower()}"
    name = "-".join([name, *path.split("?part=")[1:]])
    assert person.complaints == [], path
    if path not in UNPUBLISHED:
        assert "Not Found" not in person.page.get_by_test_id("stMain").inner_text(), path
    assert person.elsewhere == [], path
    assert person.serious_faults() == [], path
    assert person.cut_figures(TABLET) == [], path
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
