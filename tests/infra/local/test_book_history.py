"""The past of a seeded book, whatever day it is begun on."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from infra.local.book_history import MONTHS, RULES, first_month
from infra.local.dashboard import prepare_with_history
from tests.support.postgres import running_postgres

pytestmark = pytest.mark.environments


@pytest.mark.parametrize(
    "today",
    [date(2026, 12, 1), date(2027, 1, 1), date(2028, 2, 29), date(2028, 3, 1), date(2027, 3, 31)],
    ids=str,
)
def test_a_new_book_has_a_year_of_month_ends(today: date, monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory(prefix="book-") as folder, running_postgres(Path(folder)) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        assert prepare_with_history(20, today)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            months = [row[0] for row in connection.execute("SELECT month_end FROM month_ends")]
            reports = connection.execute("SELECT count(*) FROM risk_reports").fetchone()
        assert (min(months), len(months)) == (first_month(today), MONTHS)
        assert reports == (len(RULES) + 1,)
        assert not prepare_with_history(20, today)
