"""A warehouse in memory, rows of the tables, and an interface that answers what a test scripts."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from training.pipeline.duckdb_warehouse import DuckDBConnection
from training.pipeline.feature_table import CustomerFeatureRow
from training.pipeline.quality import QualityCheckRow
from training.pipeline.source_table import arrow_schema
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import LoadRow, TableLoad, Warehouse

ALL_TABLES = TABLES | {row.table: row for row in (LoadRow, QualityCheckRow, CustomerFeatureRow)}
ROWS: Mapping[str, Mapping[str, Any]] = {
    "customers": {
        "customer_id": "C1",
        "birth_date": date(1980, 1, 1),
        "annual_income": 50_000.0,
        "employed_since": date(2015, 1, 1),
        "education": "master",
        "region": "north",
    },
    "accounts": {
        "account_id": "A1",
        "customer_id": "C1",
        "kind": "card",
        "opened_on": date(2020, 1, 1),
        "closed_on": None,
        "credit_limit": 1_000.0,
        "balance": 250.0,
    },
    "payments": {
        "payment_id": "P1",
        "account_id": "A1",
        "customer_id": "C1",
        "due_date": date(2026, 6, 1),
        "amount_due": 100.0,
        "paid_on": date(2026, 6, 1),
        "amount_paid": 100.0,
    },
    "inquiries": {"inquiry_id": "I1", "customer_id": "C1", "inquired_on": date(2026, 6, 1)},
    "bureau_scores": {
        "customer_id": "C1",
        "scored_on": date(2026, 6, 1),
        "payment_history_score": 700,
    },
    "defaults": {"customer_id": "C1", "defaulted_on": date(2026, 6, 1)},
    "macro_indicators": {
        "indicator": "interest_rate",
        "period": date(2026, 5, 1),
        "value": 0.05,
        "released_on": date(2026, 6, 1),
    },
}


def make_load(table: str, day: date, *rows: Mapping[str, Any]) -> TableLoad:
    """A load of a table: each row is that of `ROWS` with some values changed."""
    complete = [{**ROWS[table], **row} for row in rows]
    schema = arrow_schema(TABLES[table])
    return TableLoad(TABLES[table], day, pa.Table.from_pylist(complete, schema=schema), "load", "1")


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    """An empty warehouse with all tables."""
    with duckdb.connect() as database:
        made = Warehouse(DuckDBConnection(database))
        made.initialise(ALL_TABLES)
        yield made


def read_rows(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in an order that does not depend on how they came."""
    rows: list[dict[str, Any]] = warehouse.read(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()  # noqa: S608
    return rows


@dataclass
class ScriptedInterface:
    """An interface whose answers a test writes: status, body and headers, one after the other."""

    url: str = ""
    answers: list[tuple[int, object, Mapping[str, str]]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        """Add an answer."""
        self.answers.append((status, body, headers))


@contextmanager
def running_interface() -> Iterator[ScriptedInterface]:
    """Serve a scripted interface."""
    scripted = ScriptedInterface()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scripted.requests.append((self.path, self.headers.get("authorization", "")))
            status, body, headers = scripted.answers.pop(0)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def interface() -> Iterator[ScriptedInterface]:
    """A scripted interface."""
    with running_interface() as scripted:
        yield scripted


@pytest.fixture
def load() -> Callable[..., TableLoad]:
    """`make_load`, for tests."""
    return make_load


@pytest.fixture
def rows_in() -> Callable[[Warehouse, str], Sequence[Mapping[str, Any]]]:
    """`read_rows`, for tests."""
    return read_rows
