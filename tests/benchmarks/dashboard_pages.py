"""How long pages of the dashboard take in a browser, over a stack that already runs.

    make dashboard
    python -m tests.benchmarks.dashboard_pages --address http://localhost:8501

The first page is what somebody waits for who is signed in and opens the address; a page change is a
click in the navigation. Both end when nothing runs any more and no part is a placeholder.
"""

import argparse
import json
import os
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

from tests.support.dashboard_browser import Person, people
from tests.support.dashboard_sessions import finish_run, open_session, start_run

PERSON = "Kavita Rao"  # a manager, who is offered most pages
ROUNDS = 3
SESSIONS = 40


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
    options = parser.parse_args()
    address = options.address
    with people(address, PERSON) as (person,):
        person.open("portfolio")
        memory = None
        if options.process:  # before anything else has grown it
            memory = mebibytes_by_sessions(address, person.cookies(), options.process)
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
    print(
        json.dumps(
            {"load": os.getloadavg()[0], "seconds": report, "MiB by sessions": memory}, indent=2
        )
    )


if __name__ == "__main__":
    main()
