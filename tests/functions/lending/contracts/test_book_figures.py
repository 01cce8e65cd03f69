"""Figures of the book as Prometheus scrapes them, beside those of the documented routes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

import pytest

from functions.lending.app import open_book
from functions.lending.contracts.book_figures import FRESH_SECONDS, BookFigures
from functions.lending.settings import settings_from
from tests.support.lending import BookClient

NOBODY = "postgresql://nobody@127.0.0.1:1/book"
Samples = dict[tuple[str, ...], float]


@dataclass
class Scraped:
    """The figures of a book whose only thread reads them, and a clock that the test moves."""

    figures: BookFigures
    threads: ThreadPoolExecutor
    now: float = 0.0

    def scrape(self) -> Samples:
        """Return what a scrape shows, and wait until the read that it may start has ended."""
        families = list(self.figures.collect())
        self.threads.submit(lambda: None).result()
        return {
            (sample.name.removeprefix("surety_book_"), *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }


@contextmanager
def scraped(url: str) -> Iterator[Scraped]:
    book = open_book(settings_from({"DATABASE_URL": url}))
    with ThreadPoolExecutor(1) as threads:
        own = replace(book, threads=threads)
        one = Scraped(BookFigures(own, lambda: one.now), threads)
        yield one
    asyncio.run(book.aclose())


def test_an_empty_book_has_no_share_on_time(database_url: str) -> None:
    with scraped(database_url) as book:
        assert book.scrape() == {}  # it started the first read, and waits for none
        samples = book.scrape()
    assert (samples["npa_ratio_percent",], samples["default_rate_percent",]) == (0, 0)
    assert ("on_time_rate_percent",) not in samples


def test_figures_are_those_of_the_routes_and_five_minutes_old_at_most(book: BookClient) -> None:
    paying, late = book.disburse(), book.disburse(loan_purpose="Education")
    book.move_to(date(2026, 5, 7))
    book.ok("POST", f"/v1/loans/{paying}:repay", {"amount": "42647.40", "value_date": "2026-02-05"})
    book.ok("POST", f"/v1/loans/{late}:repay", {"amount": "1", "value_date": "2026-05-07"})
    with scraped(book.url) as own:
        own.scrape()
        assert own.scrape() == {
            ("business_date_timestamp_seconds",): 1_778_112_000,
            ("npa_ratio_percent",): 59.53,
            ("default_rate_percent",): 50,
            ("on_time_rate_percent",): 50,
            ("collection_efficiency_percent",): 50,
            ("outstanding",): 201_581.10,
            ("npa_outstanding",): 120_000,
            ("applications",): 2,
            ("approval_rate_percent",): 100,
            ("loans", "standard"): 1,
            ("loans", "sub_standard"): 1,
        }
        book.apply(book.register())
        assert own.scrape()["applications",] == 2
        own.now = FRESH_SECONDS
        own.scrape()
        assert own.scrape()["applications",] == 3


def test_a_book_that_cannot_be_read_has_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    with scraped(NOBODY) as book:
        assert book.scrape() == {}
        assert book.scrape() == {}
    assert "figures of the book not read" in capsys.readouterr().out


def test_the_service_serves_them(book: BookClient) -> None:
    book.ok("GET", "/health")
    for _ in range(1_000):
        book.ok("GET", "/health")  # after another request, what was rendered is no longer fresh
        if "surety_book_npa_ratio_percent 0.0" in book("GET", "/metrics").text:
            return
    pytest.fail("no scrape had the ratio")
