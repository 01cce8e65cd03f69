"""The page of the loan book: its commands run as they stand, what it says of the code holds."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from functions.lending.checks.declarations import read_declarations, require_model_fields
from functions.lending.contracts.loans import POSTINGS
from infra.local.bureau import CASES
from tests.docs.markdown import blocks, page, rows
from tests.support.running import REPOSITORY, STOP_SECONDS, free_port

PAGE = page("loan-book")


@dataclass(frozen=True)
class RunningBook:
    """What `make lending` printed until it served, and its ports."""

    output: str
    port: int
    scoring_port: int
    tokens: Path


@pytest.fixture(scope="module")
def lending(made_store: str) -> Iterator[RunningBook]:
    """`make lending` with a small book, beside models that were made by hand."""
    port, scoring_port = free_port(), free_port()
    command = [sys.executable, "infra/local/lending.py", "--customers", "20"]
    command += ["--port", str(port), "--scoring-port", str(scoring_port)]
    with TemporaryDirectory(prefix="book-") as folder:
        process = subprocess.Popen(
            [*command, "--folder", f"{folder}/data", "--tokens", f"{folder}/tokens"],
            cwd=REPOSITORY,
            env=os.environ | {"MODEL_STORE": made_store, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        lines = []
        with process.stdout as output:
            try:
                for line in output:
                    lines.append(line)
                    if "stop with Ctrl-C" in line:
                        break
                yield RunningBook("".join(lines), port, scoring_port, Path(folder) / "tokens")
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=STOP_SECONDS) == 0
        assert not list(Path(folder).rglob("postmaster.pid"))  # the server has stopped, too


def test_the_first_command_serves_a_seeded_book_and_shows_three_requests(
    lending: RunningBook,
) -> None:
    documents = re.findall(r"^\{\n.*?^\}", lending.output, re.MULTILINE | re.DOTALL)
    summary, application, checked = map(json.loads, documents)
    assert summary["loan_statistics"]["total_applications"] == 30
    assert application["customer_id"] == 1101
    assert application["model"] == "instalment"
    assert application["contributors"]
    assert checked["application_id"] == application["application_id"]
    [bureau] = checked["checks"]
    assert (bureau["name"], bureau["outcome"]) == ("bureau", "answered")
    assert 300 <= bureau["members"]["report.score"] <= 900


def test_the_commands_take_a_loan_from_the_customer_to_the_schedule(lending: RunningBook) -> None:
    _, walk = blocks(PAGE, "sh")
    script = walk.replace("localhost:8081", f"localhost:{lending.port}")
    script = script.replace("var/lending/tokens", str(lending.tokens))
    # The models here were made by hand: whoever applies has a probability of one half, which a
    # person decides on.
    approve = (
        'as manager -X POST "$book/v1/applications/$application:approve" -H \'If-Match: "2"\' '
        '--json \'{"code": "seen", "note": "In order"}\' > /dev/null\nloan=$('
    )
    assert script.count("\nloan=$(") == 1
    script = script.replace("\nloan=$(", "\n" + approve).replace("curl -s ", "curl -s -w '\\n' ")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(".venv/bin/python", sys.executable)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    application, checked, disbursed, repaid, schedule, summary = map(
        json.loads, done.stdout.splitlines()
    )
    assert application["equal_instalment"] == 10_661.85
    assert [check["outcome"] for check in checked["checks"]] == ["answered"]
    assert disbursed["loan"]["status"] == "active"
    assert repaid["loan"]["credit"] == "10661.85"
    assert len(schedule["instalments"]) == 12
    assert summary["loan_statistics"]["total_loans"] > 1


def apply_with_identity(lending: RunningBook, number: str) -> tuple[Any, Any]:
    """Register a customer with an identity number; an application, and its only check."""
    customer = json.loads((REPOSITORY / "docs/examples/lending/customer.json").read_text())
    customer["kyc"]["identity_number"] = number
    headers = {"authorization": f"Bearer {(lending.tokens / 'officer').read_text()}"}
    terms = {"loan_amount": 120000, "loan_tenure_months": 12, "interest_rate": 12}
    with httpx.Client(base_url=f"http://localhost:{lending.port}", headers=headers) as book:
        name = book.post("/api/customers/register", json=customer).json()["customer_id"]
        body = {"customer_id": name, **terms, "loan_purpose": "Home Renovation"}
        application = book.post("/api/loans/apply", json=body).json()
        path = f"/v1/applications/{application['application_id']}/checks"
        [check] = book.get(path).json()["checks"]
    return application, check


def test_each_case_of_the_local_bureau_ends_as_the_table_says(lending: RunningBook) -> None:
    numbers = [cells[0].strip("`") for cells in rows(PAGE) if cells[0].startswith("`ABCPE")]
    assert {number[-4:] for number in numbers} == set(CASES)
    unknown, wilful, failed = (apply_with_identity(lending, number) for number in numbers)
    assert unknown[1]["members"]["report.score"] is None
    assert unknown[0]["risk_probability"] is not None
    assert wilful[1]["members"]["report.wilful_default"]
    assert wilful[0]["status"] == "Rejected"
    assert [rule["code"] for rule in wilful[0]["policy"]] == ["wilful_default"]
    assert (failed[1]["outcome"], failed[1]["http_status"]) == ("failed", 500)
    assert (failed[0]["status"], failed[0]["risk_probability"]) == ("Pending", None)
    assert "bureau" in failed[0]["pending_cause"]


def test_nobody_gets_in_without_a_token_and_each_role_only_where_it_may(
    lending: RunningBook,
) -> None:
    url = f"http://localhost:{lending.port}"
    for person, path, status in (
        (None, "/api/customers/1102", 401),
        ("client", "/api/customers/1102", 403),
        ("collector", "/api/portfolio/summary", 403),
        ("auditor", "/api/customers/1102", 200),
    ):
        token = (lending.tokens / person).read_text() if person else ""
        headers = {"authorization": f"Bearer {token}"} if person else {}
        assert httpx.get(url + path, headers=headers).status_code == status, person
    scoring = f"http://localhost:{lending.scoring_port}/v1/models"
    assert httpx.get(scoring).status_code == 401
    assert lending.tokens.stat().st_mode & 0o077 == 0


def test_the_declaration_of_the_page_is_one(tmp_path: Path) -> None:
    [block] = blocks(PAGE, "toml")
    file = tmp_path / "checks.toml"
    file.write_text(block)
    [declaration] = read_declarations(file)
    require_model_fields(declaration, "instalment")


def test_the_table_of_actions_has_every_action() -> None:
    actions = {f"`POST /v1/loans/{{id}}{p.suffix}`" for p in POSTINGS if p.suffix[0] == ":"}
    assert {cells[0] for cells in rows(PAGE) if cells[0].startswith("`POST /v1/loans")} == actions


def test_the_commands_of_days_are_those_of_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "functions.lending", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    named_commands = re.findall(r"^python -m functions\.lending (\w+)", PAGE, re.MULTILINE)
    assert {"migrate", "close", "decide", "deliver", "import"} <= set(named_commands)
    for command in named_commands:
        assert command in done.stdout
