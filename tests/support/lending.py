"""The loan book for tests: a real database from pip, and its application called in this process."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from starlette.applications import Starlette

from functions.access.protection import protection_from
from functions.lending.app import create_service, open_book
from functions.lending.requests import EXAMPLE_CUSTOMER
from functions.lending.settings import settings_from
from functions.lending.storage.database import Database
from functions.lending.storage.migrate import upgrade
from functions.lending.storage.opening import open_book_on
from functions.web.app_factory import create_web_app

FIRST_DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)
NUMBERS = itertools.count(1)
PERSON: Mapping[str, Any] = EXAMPLE_CUSTOMER
TERMS: Mapping[str, Any] = {
    "loan_amount": 120000,
    "loan_tenure_months": 12,
    "interest_rate": 12,
    "loan_purpose": "Home Renovation",
}
REVIEW = {"code": "income_verified", "note": "Payslips of three months were seen."}


@contextmanager
def fresh_database(server: str, template: str | None = None) -> Iterator[str]:
    """Create a database on a server, perhaps a copy of another; drop it afterwards."""
    name = f"book_{next(NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        suffix = f" TEMPLATE {template}" if template else ""
        connection.execute(text(f"CREATE DATABASE {name}{suffix}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def prepare_book(url: str, day: date = FIRST_DAY) -> None:
    """Migrate a database and open its first business day."""
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()
    database = Database(url, 1)
    open_book_on(database, day, NOW)
    database.close()


@dataclass
class BookClient:
    """The application on one database, called without a network; it sends a key with each POST."""

    url: str
    app: Starlette
    loop: asyncio.Runner  # one for all requests, as in a server: connections belong to it
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Send one request."""
        return self.loop.run(self.send(method, path, body, **headers))

    async def send(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Send one request, for callers that send many at once."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST" and "idempotency-key" not in names:
            names["idempotency-key"] = f"test {next(NUMBERS)}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://book") as client:
            kind = "content" if isinstance(body, bytes) else "json"
            content = {} if body is None else {kind: body}
            return await client.request(method, path, headers=self.headers | names, **content)  # type: ignore[arg-type]

    def ok(self, method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401 -- JSON
        """Send one request that must succeed, and return its document."""
        response = self(method, path, body, **headers)
        assert response.is_success, response.text
        return response.json()

    def register(self, **changes: Any) -> int:  # noqa: ANN401 -- JSON
        """Register a customer."""
        number: int = self.ok("POST", "/api/customers/register", {**PERSON, **changes})[
            "customer_id"
        ]
        return number

    def apply(self, customer_id: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        """Apply for a loan."""
        body = {"customer_id": customer_id, **TERMS, **changes}
        application: dict[str, Any] = self.ok("POST", "/api/loans/apply", body)
        return application

    def grant(self, customer_id: int | None = None, **changes: Any) -> str:  # noqa: ANN401 -- JSON
        """Apply, approve as a person, and accept; return the loan's id."""
        application = self.apply(customer_id or self.register(), **changes)
        name, version = application["application_id"], application["version"]
        path = f"/v1/applications/{name}"
        self.ok("POST", f"{path}:approve", REVIEW, if_match=f'"{version}"')
        loan: str = self.ok("POST", f"{path}:accept")["loan_id"]
        return loan

    def disburse(self, customer_id: int | None = None, **changes: Any) -> str:  # noqa: ANN401 -- JSON
        """Grant a loan and pay it out; return its id."""
        loan = self.grant(customer_id, **changes)
        self.ok("POST", f"/v1/loans/{loan}:disburse")
        return loan

    def move_to(self, day: date) -> None:
        """Make a day the open one without closing those before it: whatever is posted derives."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM business_dates"))
            statement = text("INSERT INTO business_dates VALUES (:day, :now, NULL)")
            connection.execute(statement, {"day": day, "now": NOW})
        engine.dispose()

    def loan(self, loan: str) -> dict[str, Any]:
        """Read a loan."""
        document: dict[str, Any] = self.ok("GET", f"/v1/loans/{loan}")
        return document


@contextmanager
def client_on(url: str, **environment: str) -> Iterator[BookClient]:
    """Create the application on a database; close its connections afterwards."""
    settings = settings_from({"DATABASE_URL": url, **environment})
    book = open_book(settings)
    protection = protection_from(settings.access, settings.listening)
    with asyncio.Runner() as loop:
        try:
            yield BookClient(url, create_web_app(create_service(book), protection), loop)
        finally:
            loop.run(book.aclose())
