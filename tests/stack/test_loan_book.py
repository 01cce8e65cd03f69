"""The loan book in the cloud, told as one story: jobs, two containers, scoring behind a router.

Each test goes on where the last one ended. PostgreSQL is a real server, which is signed in to
without Google's tokens; the bucket is an emulator.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.stack.balancer import Balancer, listening
from tests.stack.images import image_from_dockerfile, lending_arguments
from tests.stack.job import Job
from tests.stack.revision import Revision
from tests.support.lending import PERSON, TERMS
from tests.support.postgres import running_postgres
from tests.support.published import publish_all_by_hand

pytestmark = pytest.mark.environments

BUCKET = "test-loan-book-models"
DAYS = ("2026-01-05", "2026-01-06")


@dataclass(eq=False)
class LoanBook:
    """The parts, and what a release or a schedule does with them."""

    folder: Path
    variables: dict[str, str]
    scoring: Revision
    lending: Revision
    balancer: Balancer
    client: httpx.Client
    notes: dict[str, Any] = field(default_factory=dict)

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run a job of the loan book's image, which must succeed; what it printed last."""
        image = image_from_dockerfile("lending")
        return Job("test-lending", image, arguments, self.variables, 0).execute().summary()

    def post(self, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        """Send a request that changes something to whichever container is free."""
        headers = {"idempotency-key": key or f"story {len(self.notes)} {path}"}
        return self.client.post(path, json=body, headers=headers)


@pytest.fixture(scope="module")
def book(bucket_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoanBook]:
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as stack:
        # Not below pytest's folder: as root the server runs as somebody else, who may not enter it.
        data = stack.enter_context(TemporaryDirectory(prefix="book-"))
        database = stack.enter_context(running_postgres(Path(data)))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
        httpx.post(f"{bucket_server}/storage/v1/b", json={"name": BUCKET}, trust_env=False)
        publish_all_by_hand(f"gs://{BUCKET}", datetime.now(UTC))
        models = {"MODEL_STORE": f"gs://{BUCKET}", "STORAGE_EMULATOR_HOST": bucket_server}
        scoring = Revision("test-scoring-00001", models, logs)
        routers = [Balancer(), Balancer()]
        scoring_url, lending_url = [stack.enter_context(listening(r)) for r in routers]
        variables = {"DATABASE_URL": database, "SCORING_URL": scoring_url, "NO_PROXY": "127.0.0.1"}
        lending = Revision("test-lending-00001", variables, logs, "lending")
        client = httpx.Client(base_url=lending_url, timeout=30, trust_env=False)
        stack.callback(client.close)
        for revision, router in zip((scoring, lending), routers, strict=True):
            stack.callback(revision.stop)
            router.set_traffic({revision: 1.0})
        yield LoanBook(logs, variables, scoring, lending, routers[1], client)


def test_before_the_migration_the_book_says_what_is_missing(book: LoanBook) -> None:
    assert book.lending.start(2)
    response = book.post("/api/customers/register", dict(PERSON))
    assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "python -m functions.lending migrate" in response.text


def test_the_migration_and_the_first_day_open_the_book(book: LoanBook) -> None:
    assert lending_arguments("migrate") == ["migrate", "--service-user"]
    book.run("migrate")
    book.run("open", "--date", DAYS[0])
    response = book.post("/api/customers/register", dict(PERSON))
    assert response.status_code == httpx.codes.CREATED
    book.notes["customer"] = response.json()["customer_id"]


def apply_for_loan(book: LoanBook, key: str) -> dict[str, Any]:
    body = {"customer_id": book.notes["customer"], **TERMS}
    response = book.post("/api/loans/apply", body, key)
    assert response.status_code == httpx.codes.CREATED, response.text
    application: dict[str, Any] = response.json()
    return application


def test_without_scoring_an_application_waits_and_the_job_decides_it_afterwards(
    book: LoanBook,
) -> None:
    waiting = apply_for_loan(book, "first")
    assert (waiting["status"], waiting["credit_score"]) == ("Pending", None)
    assert waiting["pending_cause"] == "the scoring function does not answer"
    assert book.scoring.start(1)
    summary = book.run(*lending_arguments("decide"))
    assert (summary["undecided"], summary["decided"]) == (1, 1)
    path = f"/api/loans/applications/{waiting['application_id']}"
    decided = book.client.get(path).json()
    assert decided["model"] == "instalment"
    assert decided["credit_score"] is not None


def test_two_containers_and_eight_callers_make_one_application_of_one_key(book: LoanBook) -> None:
    replies: list[dict[str, Any]] = []
    callers = [
        threading.Thread(target=lambda: replies.append(apply_for_loan(book, "second")))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(replies) == 8
    assert len({reply["application_id"] for reply in replies}) == 1
    assert replies[0]["model"] == "instalment"
    book.notes["application"] = replies[0]


def test_a_loan_is_granted_paid_out_and_repaid_while_a_container_is_killed(book: LoanBook) -> None:
    application = book.notes["application"]
    path = f"/v1/applications/{application['application_id']}"
    review = {"code": "income_verified", "note": "Payslips of three months were seen."}
    headers = {"if-match": f'"{application["version"]}"', "idempotency-key": "approve"}
    if application["status"] != "Approved":
        book.client.post(f"{path}:approve", json=review, headers=headers).raise_for_status()
    loan = book.post(f"{path}:accept", key="accept").json()["loan_id"]
    assert book.post(f"/v1/loans/{loan}:disburse", key="disburse").is_success
    killed = book.lending.instances.pop()
    killed.server.process.kill()
    killed.stop()
    for _ in range(2):  # the second is the stored reply of the first
        repaid = book.post(f"/v1/loans/{loan}:repay", {"amount": "1000.00"}, "repay")
        assert repaid.is_success, repaid.text
    book.notes["loan"] = loan
    transactions = book.client.get(f"/v1/loans/{loan}/transactions").json()["transactions"]
    received = [t["amount"] for t in transactions if t["kind"] == "repayment"]
    assert received == ["1000.00"], transactions


def test_the_day_is_closed_checked_and_its_events_are_delivered_by_jobs(book: LoanBook) -> None:
    assert lending_arguments("close") == ["close", "--date", "yesterday"]
    closed = book.run("close", "--date", DAYS[0])["closed"]
    assert [day["date"] if "date" in day else day["business_date"] for day in closed] == [DAYS[0]]
    checked = book.run(*lending_arguments("check"))
    assert checked["different"] == 0
    book.run(*lending_arguments("deliver"))
    summary = book.client.get("/api/portfolio/summary").json()
    assert summary["loan_statistics"]["total_loans"] == 1


def test_containers_end_when_told_and_leave_no_traceback(book: LoanBook) -> None:
    book.lending.stop()
    book.scoring.stop()
    assert book.lending.exit_codes == [0]
    assert book.scoring.exit_codes == [0]
    for log in book.folder.glob("*.log"):
        assert "Traceback" not in log.read_text(), log.name
