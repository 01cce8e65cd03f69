"""How long pages of the dashboard take in a browser.

Over a stack that already runs, or over one of its own with a book of so many loans:

    python -m tests.benchmarks.dashboard_pages --address http://localhost:8501
    python -m tests.benchmarks.dashboard_pages --loans 1000000

The first page is what somebody waits for who is signed in and opens the address; a page change is a
click in the navigation. Both end when nothing runs any more and no part is a placeholder. A large
book is a seeded one whose customers and loans are copied, in 20 branches; its month ends before the
last one, which is recorded again, are those of the seeded loans.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine

from infra.local.dashboard import beside, prepare_with_history
from infra.local.lending import local_today, run
from infra.local.postgres import running_postgres
from tests.benchmarks.loan_book import copy_loans
from tests.support.dashboard_browser import Person, people
from tests.support.dashboard_sessions import finish_run, open_session, start_run
from tests.support.running import REPOSITORY, free_port

PERSON = "Kavita Rao"  # a manager, who is offered most pages
ROUNDS = 3
SESSIONS = 40
CUSTOMERS = 1_000
PORTS = ("", "lending-", "scoring-", "batch-", "retrain-", "issuer-")


def make_large_book(folder: Path, loans: int) -> None:
    """Seed a book with its past, copy its loans until there are so many, and end a month anew."""
    folder.mkdir()
    today = local_today()
    with running_postgres(folder, "stop") as url:
        os.environ |= {"DATABASE_URL": url, **beside(folder)}
        prepare_with_history(CUSTOMERS, today)
        engine = create_engine(url)
        with engine.begin() as connection:
            copy_loans(connection, loans, today)
        engine.dispose()
        last = today.replace(day=1) - timedelta(days=1)
        run("functions.lending", "snapshot", "--month", f"{last:%Y-%m}")


@contextmanager
def running_dashboard(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the book of a folder as `make dashboard` does: the address, and the process there."""
    ports = [free_port() for _ in PORTS]
    options = [f"--{name}port={port}" for name, port in zip(PORTS, ports, strict=True)]
    command = [sys.executable, "infra/local/dashboard.py", *options, "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout or ():
            if "stop with Ctrl-C" in line:
                break
        else:
            message = "the dashboard has not started; var/log/dashboard.log may say why"
            raise RuntimeError(message)
        yield f"http://localhost:{ports[0]}", find_child(process.pid, "functions.dashboard")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def find_child(parent: int, module: str) -> int:
    """Return the process that a parent has started for a module."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    [child] = [c for c in children if module in Path(f"/proc/{c}/cmdline").read_text().split("\0")]
    return int(child)


def seconds_to_begin(person: Person) -> float:
    """Open the first page anew."""
    began = time.monotonic()
    person.open("")
    return time.monotonic() - began


def seconds_to_change(person: Person, page: str) -> float:
    """Click on a page in the navigation."""
    began = time.monotonic()
    person.page.get_by_test_id("stSidebar").get_by_role("link", name=page, exact=True).click()
    person.page.get_by_role("heading", level=1, name=page, exact=True).wait_for()
    person.settle()
    return time.monotonic() - began


def list_pages(person: Person) -> list[str]:
    """Return the pages of the navigation."""
    links = person.page.get_by_test_id("stSidebar").get_by_role("link")
    return [text.strip().split("\n")[-1] for text in links.all_inner_texts()]


def mebibytes_by_sessions(address: str, cookies: str, process: int) -> dict[int, float]:
    """Return the memory of the dashboard while so many sessions more are open."""
    memory = {0: resident_mebibytes(process)}
    with ExitStack() as stack:
        for number in range(1, SESSIONS + 1):
            session = stack.enter_context(open_session(address, cookies))
            finish_run(session, start_run(session, "portfolio"))
            if number % 10 == 0:
                memory[number] = round(resident_mebibytes(process), 1)
    return memory


def resident_mebibytes(process: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """Print the seconds as JSON: the median and the longest of some rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://localhost:8501")
    parser.add_argument("--process", type=int, help="of the dashboard, whose memory is read")
    parser.add_argument("--loans", type=int, help="serve a book of so many loans, and measure it")
    options = parser.parse_args()
    if not options.loans:
        measure(options.address, options.process, None)
        return
    with TemporaryDirectory(prefix="pages-") as name:
        Path(name).chmod(0o755)  # its server may run as another user
        folder = Path(name) / "book"
        make_large_book(folder, options.loans)
        with running_dashboard(folder) as (address, process):
            measure(address, process, options.loans)


def measure(address: str, process: int | None, loans: int | None) -> None:
    """Open every page that a manager is offered, and print what it took."""
    with people(address, PERSON) as (person,):
        person.open("portfolio")
        memory = None
        if process:  # before anything else has grown it
            memory = mebibytes_by_sessions(address, person.cookies(), process)
        first = [seconds_to_begin(person) for _ in range(ROUNDS + 1)][1:]
        pages = list_pages(person)
        changes: dict[str, list[float]] = {page: [] for page in pages}
        for _ in range(ROUNDS + 1):
            for page in (*pages[1:], pages[0]):
                changes[page].append(seconds_to_change(person, page))
    figures = {"first page": first, **{page: seconds[1:] for page, seconds in changes.items()}}
    report = {
        name: {"median": round(statistics.median(s), 2), "longest": round(max(s), 2)}
        for name, s in figures.items()
    }
    head = {"load": os.getloadavg()[0], "loans": loans}
    print(json.dumps(head | {"seconds": report, "MiB by sessions": memory}, indent=2))


if __name__ == "__main__":
    main()
