"""`make bench`, its part of the loan book: requests over HTTP beside bare commits and one score.

A PostgreSQL server with its default settings, a seeded book, the scoring function and the loan
book as processes of their own. Kinds of requests run in turn, and medians of rounds are compared.
Then the loans are copied until there are a million, and the figures are asked for again. Writes
docs/figures/loan_book.json and its section of docs/benchmarks.md.
"""

import http.client
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from functions.lending.checking import check_book
from functions.lending.seeding import seed_book
from functions.lending.storage import cells
from functions.lending.storage.database import Database
from functions.lending.storage.migrate import upgrade
from infra.local.cost import fill, table
from infra.local.postgres import running_postgres
from tests.benchmarks import loan_figures, loan_jobs
from tests.benchmarks.loan_copies import NEW, RECORDS, copy_rows
from tests.benchmarks.measuring import Figures, in_turn
from tests.benchmarks.report import (
    BENCH,
    DOCUMENT,
    Measured,
    Section,
    about,
    circumstances,
    command_line,
    figure_lines,
    read,
)
from tests.support.published import publish_all_by_hand
from tests.support.running import Server, running_server
from training.reading.sources import write_book

SECTION = Section("make bench, the loan book", BENCH.figures.with_name("loan_book.json"))
DAY = date(2026, 11, 30)
REQUESTS, CUSTOMERS = "one request, ms", 1_900
COMMIT, SCORE, REPAY, APPLY = "bare commit", "score, explained", "repay", "apply"
SUMMARIES, ROWS = "summary, ms", "summing the loans' rows, ms"
SEEDED, MILLION, UNFOLDED = "1,500 loans", "1,000,000 loans", "after 10,000 postings more"
LOANS, SEED, CHECK = "one loan, ms", "seeded", "checked"
COPIED_CUSTOMERS = """
INSERT INTO customers SELECT id + 1000000 * copy, 1 + copy % 20, full_name, email, phone, city,
    state, date_of_birth, version, created_at
FROM customers CROSS JOIN generate_series(1, :copies) AS copy
"""
COPIES = """
CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
    SELECT id AS old, gen_random_uuid() AS new, 1 + copy % 20 AS branch,
        customer_id + 1000000 * copy AS customer, customer_id IN (
            SELECT customer_id FROM loans WHERE next_event_on <= :day) AS is_late
    FROM loans CROSS JOIN generate_series(1, :copies) AS copy
"""
LOAN = {"id": "c.new", "application_id": "gen_random_uuid()", "customer_id": "c.customer"}
LOAN |= {"branch_id": "c.branch"}
# Of the others what a report of expected loss reads: until when they last.
LAST = "o.number = (SELECT max(number) FROM instalments i WHERE i.loan_id = c.old)"
SPREADS = (
    "Median ± median absolute deviation of the rounds; the first of each figure as a multiple of"
    " the others."
)
SUM_OF_ROWS = text("""
SELECT count(*), count(*) FILTER (WHERE status = 'active'), sum(disbursed), sum(received),
    sum(outstanding_principal), sum(outstanding_principal) FILTER (WHERE npa_since IS NOT NULL)
FROM loans
""")
# Each takes a loan out of its cell and puts it back, as one that changes only amounts does.
POSTED_SINCE = text("""
INSERT INTO loan_cells SELECT branch_id, status, asset_class, is_npa, is_secured, purpose, months,
    sign, sign * 1000, sign * 1000, sign * 1000, 0
FROM (SELECT * FROM loan_cells, generate_series(1, :postings) LIMIT :postings) AS posted
    CROSS JOIN (VALUES (-1), (1)) AS signs (sign)
""")
POSTINGS = 10_000


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, requests of each kind in a round, and loans in the end."""

    rounds: int = 15
    requests: int = 20
    loans: int = 1_000_000
    customers: int = CUSTOMERS


QUICK = Size(rounds=2, requests=5, loans=20_000, customers=100)


class HttpCaller:
    """One kept connection to a server, timed."""

    def __init__(self, server: Server) -> None:
        url = server.client.base_url
        self._connection = http.client.HTTPConnection(url.host, url.port, timeout=60)
        self._keys = itertools.count()

    def connect(self) -> None:
        """Open the connection again: the server closes one that rests for some seconds."""
        self._connection.close()
        self._connection.connect()

    def __call__(self, method: str, path: str, body: object = None) -> tuple[float, Any]:
        """Milliseconds of one request, which must succeed, and its answer; no stored one."""
        headers = {"content-type": "application/json", "idempotency-key": f"b{next(self._keys)}"}
        headers |= {"cache-control": "no-cache"}
        content = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        data = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status >= http.client.MULTIPLE_CHOICES:
            message = f"{path} answered {answer.status}: {data[:300]!r}"
            raise RuntimeError(message)
        return took, json.loads(data)


@dataclass(frozen=True)
class Bench:
    """A seeded book and the processes that serve it."""

    engine: Engine
    book: HttpCaller
    scoring: HttpCaller


def main() -> None:
    """Measure, show and, unless it was quick, write."""
    options = command_line(__doc__)
    size = QUICK if options.quick else Size()
    machine = about()
    with TemporaryDirectory(prefix="bench-") as data, TemporaryDirectory() as files:
        figures = measure(Path(data), Path(files), size)
    measured = Measured.of(machine, figures)
    print(rendered(measured))
    if not options.quick:
        SECTION.figures.write_text(json.dumps(asdict(measured), indent=1) + "\n")
        render_anew()


def measure(data: Path, files: Path, size: Size) -> Figures:
    """Everything, on one server."""
    with running_postgres(data) as url:
        figures = _seeded(url, files, size)
        with serving(url, files) as bench:
            figures |= requests(bench, size)
            figures |= summaries(bench, size)
            closed = loan_jobs.close(bench.engine, DAY)
            figures |= loan_figures.measure(bench.engine, bench.book, size.rounds)
            figures |= loan_jobs.joined(closed, loan_jobs.report(bench.engine, DAY))
    return figures


def _seeded(url: str, files: Path, size: Size) -> Figures:
    write_book(files, 42, size.customers, DAY - timedelta(days=1))
    engine = create_engine(url)
    upgrade(engine)
    began = time.perf_counter()
    loans = seed_book(engine, files, DAY, datetime.now(UTC))["loans"]
    seeded = 1000 * (time.perf_counter() - began) / loans
    engine.dispose()
    database = Database(url, 1)
    began = time.perf_counter()
    if check_book(database).different:
        message = "the seeded book is not what its facts say"
        raise RuntimeError(message)
    checked = 1000 * (time.perf_counter() - began) / loans
    database.close()
    return {LOANS: {SEED: [seeded], CHECK: [checked]}}


@contextmanager
def serving(url: str, files: Path) -> Iterator[Bench]:
    """The scoring function with models made by hand, and the loan book that asks it."""
    store = (files / "store").as_uri()
    publish_all_by_hand(store, datetime.now(UTC))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (number integer)"))
    with running_server(files / "scoring.log", MODEL_STORE=store) as scoring:
        settings = {"DATABASE_URL": url, "SCORING_URL": str(scoring.client.base_url)}
        with running_server(files / "lending.log", "lending module", **settings) as lending:
            yield Bench(engine, HttpCaller(lending), HttpCaller(scoring))
    engine.dispose()


def requests(bench: Bench, size: Size) -> Figures:
    """Each kind of request in turn; a figure is the median of a round's requests."""
    loans = _active_loans(bench, size)
    loan, customer = itertools.cycle(loans), itertools.cycle(range(1_101, 1_101 + size.customers))
    terms: dict[str, Any] = {"loan_amount": 120_000, "loan_tenure_months": 12}
    terms |= {"interest_rate": 12, "loan_purpose": "Home Renovation"}
    applicant = terms | {"age": 36, "employment_type": "salaried", "years_of_experience": 9}
    applicant |= {"monthly_income": 80_000, "other_instalments": 0}
    explain = {"instances": [applicant], "parameters": {}}

    def repay() -> float:
        return bench.book("POST", f"/v1/loans/{next(loan)}:repay", {"amount": "10.00"})[0]

    def apply() -> float:
        answer = bench.book("POST", "/api/loans/apply", {"customer_id": next(customer), **terms})
        if answer[1]["model"] != "instalment":
            message = f"no model has decided: {answer[1]['pending_cause']}"
            raise RuntimeError(message)
        return answer[0]

    kinds: dict[str, Callable[[], float]] = {
        COMMIT: lambda: bare_commit(bench.engine),
        SCORE: lambda: bench.scoring("POST", "/v1/models/instalment:explain", explain)[0],
        REPAY: repay,
        APPLY: apply,
    }
    samples: Figures = {REQUESTS: {name: [] for name in kinds}}
    for round_ in in_turn(size.rounds + 1, "requests"):
        for name, ask in kinds.items():
            value = statistics.median(ask() for _ in range(size.requests))
            if round_:
                samples[REQUESTS][name].append(value)
    return samples


def _active_loans(bench: Bench, size: Size) -> list[str]:
    path = "/api/loans/loans?status=active&limit=200"
    loans = [loan["loan_id"] for loan in bench.book("GET", path)[1]["loans"]]
    return loans[: size.rounds * size.requests]


def bare_commit(engine: Engine) -> float:
    """Milliseconds of the least that a request which changes something must wait for."""
    with engine.connect() as connection:
        began = time.perf_counter()
        connection.execute(text("INSERT INTO bare VALUES (1)"))
        connection.commit()
        return 1000 * (time.perf_counter() - began)


def summaries(bench: Bench, size: Size) -> Figures:
    """The summary of the seeded book and of many loans, beside one sum over the loans' rows."""
    samples: Figures = {SUMMARIES: {}, ROWS: {}}
    _summarise(bench, size, SEEDED, samples)
    with bench.engine.begin() as connection:
        copy_loans(connection, size.loans, DAY)
    _summarise(bench, size, MILLION, samples)
    with bench.engine.begin() as connection:
        connection.execute(POSTED_SINCE, {"postings": POSTINGS})
    _summarise(bench, size, UNFOLDED, samples)
    return samples


def copy_loans(connection: Connection, loans: int, day: date) -> None:
    """Copy customers and loans until there are so many, in 20 branches, and recount the cells.

    Borrowers who are late have all their records, so that `day`, which is open, can be closed.
    """
    stored = connection.execute(text("SELECT count(*) FROM loans")).scalar_one()
    copies = {"copies": max(1, loans // stored - 1)}
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text(COPIED_CUSTOMERS), copies)
    connection.execute(text(COPIES), copies | {"day": day})
    connection.execute(text("ANALYZE copies"))
    copy_rows(connection, "loans", LOAN, key="id")
    for name, new in RECORDS.items():
        copy_rows(connection, name, new, condition="c.is_late")
    copy_rows(connection, "instalments", NEW, condition=f"NOT c.is_late AND {LAST}")
    connection.execute(text("SET LOCAL session_replication_role = origin"))
    cells.rebuild(connection, day - timedelta(days=1))


def _summarise(bench: Bench, size: Size, name: str, samples: Figures) -> None:
    bench.book.connect()
    cells_ms, rows_ms = samples[SUMMARIES].setdefault(name, []), []
    for round_ in in_turn(size.rounds + 1, f"summary, {name}"):
        answers = [bench.book("GET", "/api/portfolio/summary") for _ in range(size.requests)]
        began = time.perf_counter()
        with bench.engine.connect() as connection:
            row = connection.execute(SUM_OF_ROWS).one()
        took = 1000 * (time.perf_counter() - began)
        if answers[-1][1]["loan_statistics"]["total_loans"] != row[0]:
            message = "the cells are not what the rows sum up to"
            raise RuntimeError(message)
        if round_:
            cells_ms.append(statistics.median(one for one, _ in answers))
            rows_ms.append(took)
    if name != UNFOLDED:
        samples[ROWS][name] = rows_ms


def rendered(measured: Measured) -> str:
    """The section of the document."""
    return "\n\n".join(
        [
            circumstances(measured.about),
            table(("what", "measured", "budget", ""), verdicts(measured)),
            SPREADS,
            table(("figure", "of", "value", "the first to it"), figure_lines(measured)),
        ]
    )


def verdicts(measured: Measured) -> list[list[str]]:
    """What the issue promised, and what was measured; a loss is shown."""
    requested, summary = measured.medians[REQUESTS], measured.medians[SUMMARIES]
    rest = requested[APPLY] - 2 * requested[COMMIT] - requested[SCORE]
    lines = [
        ("`:repay` over HTTP, p50", requested[REPAY], 10.0),
        ("`apply` with its decision, p50, less two bare commits and one score", rest, 4.0),
        ("summary of 1,500 loans, p50", summary[SEEDED], 5.0),
        ("summary of 1,000,000 loans, p50", summary[MILLION], 50.0),
    ]
    lines += loan_figures.budgets(measured.medians)
    lines += loan_jobs.budgets(measured.medians)
    return [
        [what, f"{value:.2f} ms", f"≤ {limit:.0f} ms", _verdict(value, limit)]
        for what, value, limit in lines
    ]


def _verdict(value: float, limit: float) -> str:
    return "reached" if value <= limit else "**missed**"


def render_anew() -> None:
    """Write the document's section from the figures."""
    text_ = rendered(read(SECTION))
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), SECTION.mark, text_))


if __name__ == "__main__":
    main()
