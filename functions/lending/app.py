"""The loan book: settings in, one ASGI application out."""

from functions.web.cold_start import finish_imports  # first

# isort: split
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from starlette.applications import Starlette

from functions.access.protection import protection_from
from functions.lending.contracts import (
    analytics,
    applications,
    audit,
    customers,
    early_warnings,
    health,
    imports,
    loans,
    notices,
    portfolio,
    reviews,
    risk,
    rules,
    webhooks,
)
from functions.lending.contracts.book_figures import BookFigures
from functions.lending.contracts.edge import Book
from functions.lending.deciding import Decider
from functions.lending.errors import ERROR_STATUSES
from functions.lending.requests import body_schemas
from functions.lending.scoring import Scoring
from functions.lending.settings import LendingSettings, read_settings
from functions.lending.storage.database import Database
from functions.web.app_factory import Service, create_web_app
from functions.web.settings import Listening

finish_imports()


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and create the application, for a server."""
    settings = read_settings()
    return create_app(settings), settings.listening


def create_app(settings: LendingSettings) -> Starlette:
    """Create the application; the database is asked nothing before a request needs it."""
    service = create_service(open_book(settings))
    return create_web_app(service, protection_from(settings.access, settings.listening))


def open_book(settings: LendingSettings) -> Book:
    """Connect database, clock, external checks and scoring function."""
    database = Database(settings.database_url, settings.connections)
    threads = ThreadPoolExecutor(settings.connections, thread_name_prefix="book")
    scoring = Scoring(
        settings.scoring_url,
        settings.scoring_model,
        settings.scoring_key,
        settings.scoring_timeout,
    )
    decider = Decider(
        database=database, scoring=scoring, checks=settings.checks, now=_now, threads=threads
    )
    return Book(
        database=database,
        now=_now,
        kyc_key=settings.kyc_key,
        decider=decider,
        threads=threads,
        lender=settings.lender,
        box=settings.box,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def create_service(book: Book) -> Service:
    """Connect the book to every contract."""
    figures = BookFigures(book)
    return Service(
        title="Surety loan book",
        description="Customers, applications, loans, money, and what is owed to the cent.",
        contracts=[
            customers.contract(book),
            applications.contract(book),
            notices.contract(book),
            reviews.contract(book),
            loans.contract(book),
            portfolio.contract(book),
            analytics.contract(book),
            early_warnings.contract(book),
            risk.contract(book),
            webhooks.contract(book),
            imports.contract(book),
            audit.contract(book),
            rules.contract(book),
            health.contract(book),
        ],
        unknown_path="no such path; GET /docs lists what there is",
        error_statuses=ERROR_STATUSES,
        schemas=body_schemas,
        add_metrics=lambda: (*health.pool_metrics(book), *figures.collect()),
        on_stop=book.aclose,
    )
