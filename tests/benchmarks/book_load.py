"""`make load`, its part of the loan book: requests at once, and whose CPU they take.

PostgreSQL, scoring, the book and the clients share the machine, so rates are what one small machine
does. CPU a request says what saturates first where each has its own.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import numpy as np
import uvloop
from sqlalchemy import create_engine

from functions.lending.seeding import seed_book
from functions.lending.storage.migrate import upgrade
from infra.local.postgres import running_postgres
from tests.benchmarks.processes import cpu_seconds
from tests.support.published import publish_all_by_hand
from tests.support.running import running_server
from training.reading.sources import write_book

DAY = date(2026, 11, 30)
CLIENTS = (1, 8)
CUSTOMERS = 1_000
FIRST_CUSTOMER = 1_101
TERMS = {
    "loan_amount": 120_000,
    "loan_tenure_months": 12,
    "interest_rate": 12,
    "loan_purpose": "Home Renovation",
}


@dataclass(frozen=True, kw_only=True)
class BookStep:
    """One kind of request from so many clients; CPU milliseconds of each request, by process."""

    request: str
    clients: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    book_ms: float
    database_ms: float
    scoring_ms: float


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A request to the book."""

    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Served:
    """A book that is served: where, by which processes, and its active loans."""

    url: str
    processes: Mapping[str, int]
    loans: list[str]


def book_steps(seconds: float, customers: int = CUSTOMERS) -> list[BookStep]:
    """Seed a book, serve it, and measure every kind of request."""
    with _served(customers) as served, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [
            runner.run(_measure(served, name, calls, clients, seconds))
            for name, calls in _calls(served.loans, customers).items()
            for clients in CLIENTS
        ]


@contextmanager
def _served(customers: int) -> Iterator[_Served]:
    with (
        TemporaryDirectory(prefix="load-") as data,
        TemporaryDirectory() as folder,
        running_postgres(Path(data)) as url,
    ):
        files, engine = Path(folder), create_engine(url)
        write_book(files, 42, customers, DAY - timedelta(days=1))
        upgrade(engine)
        seed_book(engine, files, DAY, datetime.now(UTC))
        engine.dispose()
        store = (files / "store").as_uri()
        publish_all_by_hand(store, datetime.now(UTC))
        with running_server(files / "scoring.log", MODEL_STORE=store) as scoring:
            settings = {"DATABASE_URL": url, "SCORING_URL": str(scoring.client.base_url)}
            with running_server(files / "lending.log", "lending module", **settings) as book:
                processes = {"book": book.process.pid, "scoring": scoring.process.pid}
                processes["database"] = int(Path(data, "postmaster.pid").read_text().split()[0])
                page = book.client.get("/api/loans/loans?status=active&limit=200").json()
                loans = [loan["loan_id"] for loan in page["loans"]]
                yield _Served(str(book.client.base_url), processes, loans)


def _calls(loans: list[str], customers: int) -> dict[str, Iterator[_Call]]:
    applicants = itertools.cycle(range(FIRST_CUSTOMER, FIRST_CUSTOMER + customers))
    payment = {"amount": "1.00"}
    return {
        "apply": (
            _Call(method="POST", path="/api/loans/apply", body={"customer_id": number, **TERMS})
            for number in applicants
        ),
        "repay": (
            _Call(method="POST", path=f"/v1/loans/{loan}:repay", body=payment)
            for loan in itertools.cycle(loans)
        ),
        "summary": itertools.repeat(_Call(method="GET", path="/api/portfolio/summary")),
    }


async def _measure(
    served: _Served, name: str, calls: Iterator[_Call], clients: int, seconds: float
) -> BookStep:
    """Ask from so many clients, each again as soon as it is answered."""
    latencies: list[float] = []
    keys = itertools.count()

    async def ask(session: aiohttp.ClientSession, until: Callable[[], bool]) -> None:
        while not until():
            call, began = next(calls), time.perf_counter()
            headers = {"Idempotency-Key": f"{name}-{clients}-{next(keys)}"}
            headers |= {"Cache-Control": "no-cache"}  # figures as of now, not stored ones
            async with session.request(
                call.method, served.url + call.path, json=call.body, headers=headers
            ) as answer:
                answer.raise_for_status()
                await answer.read()
            latencies.append(1e3 * (time.perf_counter() - began))

    async with aiohttp.ClientSession() as session:
        for share in (0.25, 1.0):  # the first is for warming up
            latencies.clear()
            before = {who: cpu_seconds(pid) for who, pid in served.processes.items()}
            began = time.perf_counter()
            ends = began + share * seconds
            await asyncio.gather(
                *(ask(session, lambda: time.perf_counter() > ends) for _ in range(clients))  # noqa: B023 -- awaited here
            )
            elapsed = time.perf_counter() - began
    used = {who: cpu_seconds(pid) - before[who] for who, pid in served.processes.items()}
    number = len(latencies)
    return BookStep(
        request=name,
        clients=clients,
        requests_per_second=number / elapsed,
        p50_ms=float(np.quantile(latencies, 0.5)),
        p99_ms=float(np.quantile(latencies, 0.99)),
        book_ms=1e3 * used["book"] / number,
        database_ms=1e3 * used["database"] / number,
        scoring_ms=1e3 * used["scoring"] / number,
    )
