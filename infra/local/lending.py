"""Run the loan book on this machine: what `make lending` does.

An embedded PostgreSQL keeps the book in the temporary folder. An empty book is filled with a
seeded one; a book of an earlier day is closed up to yesterday. Scoring runs beside it. Both ask
for tokens, as they would elsewhere: a local issuer writes one of each role to a folder. Before an
application is decided, the book asks a stand-in for a credit bureau.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from infra.local import issuer
from infra.local.bureau import running_bureau
from infra.local.postgres import running_postgres
from infra.local.run import (
    REPOSITORY,
    SERVICE_LOG,
    Process,
    RunError,
    ask,
    is_published,
    say,
    start,
    wait_until_live,
)

LENDING_LOG = REPOSITORY / "var" / "log" / "lending.log"
TOKENS = REPOSITORY / "var" / "lending" / "tokens"
MODEL = "instalment"
FAMILIES = ("--family", "logistic", "--family", "additive")  # as for the first model of `make run`
APPLICATION = {
    "customer_id": 1101,
    "loan_amount": 500000,
    "loan_tenure_months": 60,
    "interest_rate": 9.5,
    "loan_purpose": "Home Renovation",
}


def main() -> int:
    """Serve until interrupted; 1 if something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--scoring-port", type=int, default=8080)
    parser.add_argument("--customers", type=int, default=1000, help="of a book that is seeded")
    parser.add_argument("--folder", type=Path, default=book_folder(), help="where the book is")
    parser.add_argument("--tokens", type=Path, default=TOKENS, help="where tokens are written")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        with running_postgres(options.folder, "stop") as url, running_bureau() as bureau:
            os.environ |= {"DATABASE_URL": url, **bureau.settings()}
            prepare(options.customers, local_today())
            tokens = issuer.issue_tokens(options.tokens)
            os.environ.update(issuer.settings(options.tokens))
            os.environ["SCORING_KEY"] = tokens[issuer.SERVICE]
            say(f"\nfor this machine only: a token of each role is in {options.tokens}")
            serve(options.port, options.scoring_port, tokens)
    except KeyboardInterrupt:
        return 0
    except (RunError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def book_folder() -> Path:
    """Return the folder of this clone's book, which the server's user may enter."""
    clone = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"surety-book-{clone}"


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def local_today() -> date:
    """Return the date where this machine is."""
    return datetime.now(UTC).astimezone().date()


def prepare(customers: int, today: date, first_month: date | None = None) -> bool:
    """Migrate the database; seed it if it is empty, else close the days up to yesterday.

    A new book's first month end is recorded before its day is closed: closing the last day of a
    month records that month, and none before the first can be recorded later.
    Returns whether the book is new.
    """
    yesterday = today - timedelta(days=1)
    run("functions.lending", "migrate")
    if is_seeded():
        run("functions.lending", "close", "--date", str(yesterday))
        return False
    say(f"\ngenerating a book of {customers} customers and loading it: half a minute")
    last_day = yesterday - timedelta(days=1)
    generate = ["--source", "book", "--rows", str(customers), "--day", str(last_day)]
    with TemporaryDirectory(prefix="book-files-") as files:
        run("training", "generate", *generate, "--output", files)
        run("functions.lending", "seed", "--from", files, "--date", str(yesterday))
    if first_month:
        run("functions.lending", "snapshot", "--month", f"{first_month:%Y-%m}")
    run("functions.lending", "close", "--date", str(yesterday))  # which finds early warnings
    return True


def is_seeded() -> bool:
    """Whether a business day was ever opened."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415 -- after the settings are right

    engine = create_engine(os.environ["DATABASE_URL"])
    with engine.connect() as connection:
        days = connection.execute(text("SELECT count(*) FROM business_dates")).scalar_one()
    engine.dispose()
    return bool(days)


def run(module: str, *arguments: str) -> None:
    """Run a command of ours to its end; its output goes to the log.

    Raises
    ------
    RunError
        If it fails.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{module} {arguments[0]} failed: {done.stderr.strip()[-500:]}"
        raise RunError(message)


def serve(port: int, scoring_port: int, tokens: Mapping[str, str]) -> None:
    """Start scoring and the book, show three requests, and wait until one of them ends."""
    url, scoring = f"http://localhost:{port}", f"http://localhost:{scoring_port}"
    os.environ["SCORING_URL"] = scoring
    LENDING_LOG.parent.mkdir(parents=True, exist_ok=True)
    with (
        SERVICE_LOG.open("ab") as scoring_log,
        LENDING_LOG.open("ab") as log,
        start("functions.scoring", port=scoring_port, log=scoring_log) as scorer,
    ):
        wait_until_live(scoring, scorer)
        train_model(scoring, tokens["admin"])
        with start("functions.lending", port=port, log=log) as book:
            wait_until_live(url, book)
            show(url, tokens["officer"])
            print(f"\nThe loan book is on {url}, its page on {url}/docs; stop with Ctrl-C.")
            say(f"Its log: {LENDING_LOG.relative_to(REPOSITORY)}")
            wait_for_both(scorer, book)


def train_model(scoring: str, token: str) -> None:
    """Train the model that decides, unless the store has it."""
    if not is_published(scoring, MODEL, token):
        say(f"\ntraining {MODEL}: half a minute")
        run("training", "train", "--model", MODEL, *FAMILIES)


def show(url: str, token: str) -> None:
    """Send three requests as an officer and print what is answered."""
    print(f"\nthe book's figures: GET {url}/api/portfolio/summary")
    print_json(ask(f"{url}/api/portfolio/summary", token=token))
    print(f"\nan application, decided at once: POST {url}/api/loans/apply")
    print(json.dumps(APPLICATION))
    reply = ask(f"{url}/api/loans/apply", json.dumps(APPLICATION).encode(), token=token)
    print_json(reply)
    checks = f"{url}/v1/applications/{json.loads(reply)['application_id']}/checks"
    print(f"\nwhat the credit bureau was asked before, and answered: GET {checks}")
    print_json(ask(checks, token=token))


def print_json(data: bytes) -> None:
    """Print a JSON document for people."""
    document: Any = json.loads(data)
    print(json.dumps(document, indent=2), flush=True)


def wait_for_both(scorer: Process, book: Process) -> None:
    """Wait until either process ends.

    Raises
    ------
    RunError
        Always: neither ends by itself.
    """
    while scorer.poll() is None:
        try:
            book.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue
        break
    name, log = ("scoring", SERVICE_LOG) if book.poll() is None else ("the loan book", LENDING_LOG)
    message = f"{name} has ended; its log: {log}"
    raise RunError(message)


if __name__ == "__main__":
    sys.exit(main())
