"""Money under fire: parallel requests, killed connections and processes, one effect a key."""

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, text

from tests.support.counts import counts
from tests.support.lending import REVIEW, TERMS, BookClient
from tests.support.running import running_server

pytestmark = pytest.mark.soak
UNBALANCED = """
    SELECT count(*) FROM (SELECT loan_id, number FROM journal_lines GROUP BY 1, 2
        HAVING sum(debit) <> sum(credit)) AS entries"""
PRINCIPAL = """
    SELECT coalesce(sum(debit - credit), 0) FROM journal_lines WHERE account = 'principal'"""


@pytest.fixture
def engine(book: BookClient) -> Iterator[Engine]:
    engine = create_engine(book.url)
    yield engine
    engine.dispose()


def value(engine: Engine, query: str) -> Any:  # noqa: ANN401 -- whatever is counted
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def together(*requests: Coroutine[Any, Any, httpx.Response]) -> list[httpx.Response]:
    async def gather() -> list[httpx.Response]:
        return list(await asyncio.gather(*requests))

    return asyncio.run(gather())


def few_at_once(requests: Sequence[Coroutine[Any, Any, httpx.Response]]) -> list[httpx.Response]:
    """Send many requests, as eight callers do: more at once would wait for connections."""

    async def gather() -> list[httpx.Response]:
        callers = asyncio.Semaphore(8)

        async def send(request: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
            async with callers:
                return await request

        return list(await asyncio.gather(*map(send, requests)))

    return asyncio.run(gather())


def test_one_application_for_each_key_however_often_it_is_sent(
    book: BookClient, engine: Engine
) -> None:
    customer = book.register()
    body = {"customer_id": customer, **TERMS}
    keys = [f"key {number}" for number in range(50 if counts().is_full else 10)] * 8
    replies = together(
        *(book.send("POST", "/api/loans/apply", body, idempotency_key=key) for key in keys)
    )
    assert {reply.status_code for reply in replies} == {201}
    by_key = {key: {r.text for k, r in zip(keys, replies, strict=True) if k == key} for key in keys}
    assert {len(texts) for texts in by_key.values()} == {1}
    assert value(engine, "SELECT count(*) FROM applications") == len(set(keys))


def test_one_loan_for_each_key_however_often_an_offer_is_accepted(
    book: BookClient, engine: Engine
) -> None:
    names = [approved(book, book.register()) for _ in range(50 if counts().is_full else 10)]
    replies = together(
        *(
            book.send("POST", f"/v1/applications/{name}:accept", idempotency_key=f"accept {name}")
            for name in names * 8
        )
    )
    assert {reply.status_code for reply in replies} == {201}
    texts = {name: {r.text for r in replies[n :: len(names)]} for n, name in enumerate(names)}
    assert {len(of_one) for of_one in texts.values()} == {1}
    assert value(engine, "SELECT count(*) FROM loans") == len(names)


def test_one_repayment_for_each_key_and_the_others_are_told_that_they_repeat(
    book: BookClient, engine: Engine
) -> None:
    loan = book.disburse()
    replies = together(
        *(
            book.send("POST", f"/v1/loans/{loan}:repay", {"amount": "100"}, idempotency_key="one")
            for _ in range(8)
        )
    )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.text for reply in replies}) == 1
    assert [reply.headers.get("idempotency-replayed") for reply in replies].count("true") == 7
    assert value(engine, "SELECT count(*) FROM repayments") == 1


def test_eight_parallel_repayments_on_one_loan_all_count(book: BookClient, engine: Engine) -> None:
    loan = book.disburse()
    replies = together(
        *(book.send("POST", f"/v1/loans/{loan}:repay", {"amount": "100.01"}) for _ in range(8))
    )
    assert {reply.status_code for reply in replies} == {201}
    assert book.loan(loan)["credit"] == "800.08"
    assert value(engine, UNBALANCED) == 0


def test_parallel_offers_never_exceed_the_customers_limit(book: BookClient, engine: Engine) -> None:
    """The limit is 10,000,000; each offer is of 3,000,000, so three fit."""
    for _ in range(counts().grant_rounds):
        customer = book.register()
        names = [approved(book, customer) for _ in range(5)]
        replies = together(
            *(book.send("POST", f"/v1/applications/{name}:accept") for name in names)
        )
        assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 2
        refused = next(reply for reply in replies if reply.status_code == 409)
        assert "above the product's limit of 10000000.00" in refused.json()["detail"]
    largest = "SELECT sum(amount) FROM loans GROUP BY customer_id ORDER BY 1 DESC LIMIT 1"
    assert value(engine, largest) == 9_000_000


def approved(book: BookClient, customer: int) -> str:
    application = book.apply(customer, loan_amount=3_000_000)
    name: str = application["application_id"]
    etag = f'"{application["version"]}"'
    book.ok("POST", f"/v1/applications/{name}:approve", REVIEW, if_match=etag)
    return name


def test_many_loans_are_written_off_at_once_beside_their_repayments(
    book: BookClient, engine: Engine
) -> None:
    """Each borrower has several loans, so that both kinds of posting want the same locks."""
    loans: list[str] = []
    while len(loans) < counts().written_off:
        customer = book.register()
        loans += [book.disburse(customer) for _ in range(4)]
    written_off = {"kind": "technical", "reason": "No recovery expected"}
    requests = []
    for loan, neighbour in zip(loans, [*loans[1:], loans[0]], strict=True):
        requests.append(book.send("POST", f"/v1/loans/{loan}:write_off", written_off))
        requests.append(book.send("POST", f"/v1/loans/{neighbour}:repay", {"amount": "50"}))
    assert {reply.status_code for reply in few_at_once(requests)} == {201}
    assert value(engine, UNBALANCED) == 0
    assert value(engine, PRINCIPAL) == 0
    assert value(engine, "SELECT sum(received) FROM loans") == 50 * len(loans)


def test_connections_killed_at_random_points_leave_one_effect_for_each_key(
    book: BookClient, engine: Engine
) -> None:
    loan = book.disburse()
    stop = threading.Event()
    killing = threading.Thread(target=kill_connections, args=(engine, stop))
    killing.start()
    keys = [f"key {number}" for number in range(counts().loan_kills)] * 2
    try:
        statuses = {
            book("POST", f"/v1/loans/{loan}:repay", {"amount": "1"}, idempotency_key=k).status_code
            for k in keys
        }
    finally:
        stop.set()
        killing.join()
    assert statuses <= {201, 503}
    for key in set(keys):
        book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "1"}, idempotency_key=key)
    assert book.loan(loan)["credit"] == f"{counts().loan_kills}.00"
    assert value(engine, "SELECT count(*) FROM repayments") == counts().loan_kills
    assert value(engine, UNBALANCED) == 0


def kill_connections(engine: Engine, stop: threading.Event) -> None:
    chance = random.Random(18)  # noqa: S311 -- points in time
    statement = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'lending' AND datname = current_database()"
    )
    while not stop.wait(chance.uniform(0.005, 0.15)):
        with engine.connect() as connection:
            connection.execute(statement)


def test_a_process_killed_at_random_points_leaves_one_effect_for_each_key(
    book: BookClient, engine: Engine, tmp_path: Path
) -> None:
    loan = book.disburse()
    keys = [f"key {number}" for number in range(30)]
    chance = random.Random(18)  # noqa: S311 -- points in time
    for _ in range(max(2, counts().loan_kills // 20)):
        with running_server(tmp_path / "log", "lending module", DATABASE_URL=book.url) as server:
            kill = threading.Timer(
                chance.uniform(0.02, 0.3), os.kill, (server.process.pid, signal.SIGKILL)
            )
            kill.start()
            with contextlib.suppress(httpx.TransportError):
                for key in keys:
                    server.client.post(
                        f"/v1/loans/{loan}:repay",
                        json={"amount": "1"},
                        headers={"idempotency-key": key},
                    )
            kill.join()
    for key in keys:
        book.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "1"}, idempotency_key=key)
    assert Decimal(book.loan(loan)["credit"]) == len(keys)
    assert value(engine, "SELECT count(*) FROM repayments") == len(keys)
    assert value(engine, UNBALANCED) == 0


def test_a_key_that_is_being_used_elsewhere_is_a_conflict(book: BookClient, engine: Engine) -> None:
    loan = book.disburse()
    statement = text(
        "INSERT INTO idempotency_keys (principal, route, key, fingerprint, created_at) "
        "VALUES ('local', :route, 'busy', '', now())"
    )
    with engine.connect() as connection:
        connection.execute(statement, {"route": f"POST /v1/loans/{loan}:repay"})
        began = time.monotonic()
        reply = book("POST", f"/v1/loans/{loan}:repay", {"amount": "1"}, idempotency_key="busy")
        assert time.monotonic() - began > 1  # it waited for the other one to end
    assert reply.status_code == 409
    assert reply.headers["retry-after"] == "1"
