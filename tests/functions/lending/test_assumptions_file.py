"""A lender's own assumptions: read exactly, refused by name, stored in the report, used by it."""

import json
import re
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from functions.lending import cli
from functions.lending.assumptions_file import read_assumptions
from functions.lending.storage.database import Database
from models.errors import DataError
from tests.functions.lending.actions.test_book_alerts import close_through
from tests.support.lending import BookClient
from tests.support.running import REPOSITORY

GUIDE = (REPOSITORY / "docs/expected-loss.md").read_text()
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "committee.toml"
    path.write_text(EXAMPLE)
    return path


def test_the_guides_example_is_read_to_the_last_digit(file: Path) -> None:
    outlooks, sensitivity = read_assumptions(file)
    assert (outlooks.label, outlooks.note) == ("credit_committee@3", "minutes of 12 November 2026")
    assert (sensitivity.interest_rate, sensitivity.unemployment_rate) == (
        Decimal("0.14"),
        Decimal("0.17"),
    )
    base, recession = outlooks.outlooks(sensitivity)
    assert (base.weight, base.shift.odds_factor) == (Decimal("0.6"), Decimal(1))
    assert recession.weight == Decimal("0.4")
    # e to the power of 1.5 x 0.14 + 2 x 0.17 = 0.55
    assert recession.shift.odds_factor == Decimal("1.733253017867")
    assert recession.shift.loss_given_default_points == 10


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("weight = 0.4", "weight = 0.3", "weights of the futures must sum to 1, and sum to 0.9"),
        ('name = "recession"', 'name = "base"', "each future needs a name of its own"),
        ("interest_rate = 0.14", "interest_rate = -1", "sensitivity.interest_rate: "),
        ("weight = 0.6", "weight = nan", "future[0].weight: "),
        ("= 1.5", "= 51", "future[1].interest_rate_points: "),
        ("version = 3", "version = 0", "version: "),
        ("version = 3", "", "version: "),
        ("weight = 0.6", "weight = 0.6\nodds = 2", "future[0].odds: "),
        ("version = 3", "version =", "cannot be read: "),
    ],
)
def test_a_wrong_file_is_refused_by_the_path_of_its_fault(
    file: Path, old: str, new: str, fault: str
) -> None:
    assert old in EXAMPLE
    file.write_text(EXAMPLE.replace(old, new))
    with pytest.raises(DataError, match=re.escape(fault)) as raised:
        read_assumptions(file)
    assert str(file) in str(raised.value)


def test_a_report_stores_them_and_a_stress_of_its_loans_uses_them(
    book: BookClient,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    book.disburse()
    with closing(Database(book.url, 1)) as database:
        close_through(database, date(2026, 1, 31))
    monkeypatch.setenv("DATABASE_URL", book.url)
    day = ["--date", "2026-01-31", "--unscored", "0.05"]
    assert cli.main(["expected-loss", *day, "--assumptions", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["loans"] == 1
    stored = book.ok("GET", "/v1/portfolio/expected-loss")["assumptions"]
    assert stored["outlook_rules"] == "credit_committee@3"
    assert [future["weight"] for future in stored["outlooks"]] == ["0.6", "0.4"]
    stress = book.ok("POST", "/api/portfolio/stress", {"scenario": "rate_up_200bp"})
    assert stress["sensitivity"]["interest_rate"] == "0.14"
    assert cli.main(["expected-loss", "--date", "2026-01-31", "--verify"]) == 0
    assert json.loads(capsys.readouterr().out)["different"] == 0


def test_a_file_that_is_not_there_makes_no_report(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    day = ["--date", "2026-01-31", "--assumptions", str(tmp_path / "none.toml")]
    assert cli.main(["expected-loss", *day]) == 2
    assert "none.toml cannot be read" in capsys.readouterr().err
