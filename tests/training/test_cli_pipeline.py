"""The commands of the pipeline, from files that are dropped to rows to train from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as parquet_files
import pytest

from models.errors import DeclarationError
from training.cli import main
from training.cli_pipeline import WAREHOUSE_TABLES, list_days
from training.pipeline.tables import TABLES
from training.synthetic.bank import Bank, generate_bank

LAST_DAY = date(2026, 6, 30)
TABLE = "[sources.drop.tables.{name}]\nfile = '{name}_{{day}}.parquet'\n"


@dataclass(frozen=True)
class Place:
    """A bank of 40 customers whose tables are dropped as files, and the variables for them."""

    folder: Path
    days: list[date]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LAKE_URI": (self.folder / "lake").as_uri(),
            "WAREHOUSE_URL": f"duckdb:///{self.folder / 'w.duckdb'}",
            "PIPELINE_SOURCES": str(self.folder / "sources.toml"),
            "PIPELINE_QUALITY": str(self.folder / "quality.toml"),
            "SOURCE_URL_DROP": (self.folder / "drop").as_uri(),
        }

    def run(self, *arguments: object) -> int:
        """Run a command as the command line does."""
        return main([str(argument) for argument in arguments], self.environment)


def drop_months(bank: Bank, folder: Path) -> list[date]:
    """Write what each month brings as one delivery on its last day."""
    (folder / "drop").mkdir()
    days: list[date] = []
    for name, rows in bank.tables.items():
        for month, part in rows.groupby(rows["arrives"].dt.to_period("M")):
            day = month.end_time.date()
            key = list(TABLES[name].key)
            last = part.drop_duplicates(key, keep="last").drop(columns="arrives")
            dates = {c: last[c].dt.date for c in last.select_dtypes("datetime").columns}
            plain = last.assign(**dates)
            plain.to_parquet(folder / "drop" / f"{name}_{day}.parquet", index=False)
            days.append(day)
    for name, rows in bank.tables.items():
        for day in set(days):
            file = folder / "drop" / f"{name}_{day}.parquet"
            if not file.exists():
                rows.head(0).drop(columns="arrives").to_parquet(file, index=False)
    return sorted(set(days))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Fifteen months of the bank, all of them ingested and checked."""
    folder = tmp_path_factory.mktemp("pipeline")
    bank = generate_bank(LAST_DAY, seed=1, customers=40, months=15)
    made = Place(folder, drop_months(bank, folder))
    tables = "".join(TABLE.format(name=name) for name in TABLES)
    (folder / "sources.toml").write_text(f"[sources.drop]\nkind = 'files'\n{tables}")
    (folder / "quality.toml").write_text("[defaults]\nmax_silent_days = 3660\nwindow_days = 366\n")
    for day in made.days:
        assert made.run("ingest", "--source", "drop", "--day", day) == 0
        assert made.run("quality", "--day", day) == 0
    return made


def read_summary(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


@contextmanager
def opened(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(place.folder / "w.duckdb") as connection:
        yield connection


def test_a_day_that_was_loaded_is_unchanged(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run("ingest", "--source", "drop", "--day", LAST_DAY) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["outcome"], summary["day"], summary["days"]) == ("unchanged", "2026-06-30", 1)
    assert set(summary["tables"]) == set(TABLES)
    assert "macro_indicators" in captured.err


def test_features_of_month_ends_and_rows_to_train_from(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place.folder / "training" / "customer.parquet"
    options = ("--since", place.days[0], "--day", LAST_DAY, "--training", file)
    assert place.run("features", *options) == 0
    summary = read_summary(capsys)
    assert (summary["outcome"], summary["days"], summary["rows"]) == ("computed", 15, 600)
    rows = pd.read_parquet(file)
    assert len(rows) == summary["training"]["rows"] == rows["customer_id"].nunique()
    assert set(rows["default"]) <= {0, 1}
    with opened(place) as connection:
        before = connection.sql("FROM customer_features ORDER BY ALL").to_arrow_table()
    assert place.run("features", *options) == 0
    assert parquet_files.read_table(file).equals(parquet_files.read_table(file))
    with opened(place) as connection:
        assert connection.sql("FROM customer_features ORDER BY ALL").to_arrow_table() == before


def test_a_days_features_are_published_by_identifier(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run("features", "--day", LAST_DAY) == 0
    capsys.readouterr()
    environment = place.environment | {"FEATURE_STORE_URI": tmp_path.as_uri()}
    arguments = ["snapshot", "--day", str(LAST_DAY)]
    assert main(arguments, environment) == 0
    summary = read_summary(capsys)
    assert (summary["outcome"], summary["day"]) == ("published", "2026-06-30")
    assert summary["rows"] + summary["refused"] == 40
    assert (tmp_path / "features" / "customer" / "2026-06-30.json").exists()
    assert main(arguments, environment) == 0
    assert read_summary(capsys) == summary


def test_a_failed_check_ends_with_2_prints_what_failed_and_stops_features(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = LAST_DAY + timedelta(days=1)
    file = place.folder / "quality.prom"
    assert place.run("quality", "--day", nowhere, "--metrics", file) == 2
    arrived = 'surety_quality_failed{table="customers",check="arrived",column=""} 1'
    assert arrived in file.read_text().splitlines()
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["outcome"], summary["checks"]["failed"]) == ("failed", len(TABLES))
    assert "2026-07-01, customers: arrived is 0, below 1" in summary["failures"]
    assert "error: data quality: 2026-07-01, customers: arrived is 0, below 1;" in captured.err
    assert place.run("features", "--day", nowhere) == 2
    assert "checks of data quality failed: accounts.arrived (2026-07-01)" in capsys.readouterr().err


def test_a_day_whose_quality_was_not_checked_has_no_features(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run("features", "--day", "2026-08-01") == 2
    assert "the quality of 2026-08-01 has not been checked" in capsys.readouterr().err


def test_rows_to_train_from_need_a_year_of_outcomes(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Place(place.folder / "other", place.days)
    environment = place.environment | {"WAREHOUSE_URL": other.environment["WAREHOUSE_URL"]}
    for command in ("ingest", "quality"):
        source = ("--source", "drop") if command == "ingest" else ()
        main([command, *source, "--day", str(place.days[0])], environment)
    file = str(place.folder / "none.parquet")
    assert main(["features", "--day", str(place.days[0]), "--training", file], environment) == 2
    assert "has an outcome; compute earlier ones with features --since" in capsys.readouterr().err


def test_the_warehouse_is_created_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"WAREHOUSE_URL": f"duckdb:///{tmp_path / 'w.duckdb'}"}
    assert main(["warehouse", "init"], environment) == 0
    assert read_summary(capsys) == {
        "outcome": "checked",
        "created": list(WAREHOUSE_TABLES),
        "tables": 10,
    }
    with duckdb.connect(tmp_path / "w.duckdb") as connection:
        connection.execute("ALTER TABLE defaults DROP COLUMN defaulted_on")
    assert main(["warehouse", "check"], environment) == 2
    expected = "the warehouse differs from the contracts: defaults.defaulted_on: the column is miss"
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ingest", "--source", "shop", "--day", "2026-06-30"), "declared: drop"),
        (
            ("ingest", "--source", "drop", "--since", "2026-07-01", "--day", "2026-06-30"),
            "--since 2026-07-01 is after --day 2026-06-30",
        ),
        (("generate", "--source", "bank", "--output", "b"), "--source bank needs --day"),
        (("generate", "--source", "decisions", "--output", "b"), "--source decisions needs --day"),
    ],
)
def test_wrong_arguments_are_named(
    place: Place, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_source_without_an_address_is_named(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = place.environment | {"SOURCE_URL_DROP": ""}
    assert main(["ingest", "--source", "drop", "--day", "2026-06-30"], environment) == 2
    assert "SOURCE_URL_DROP is not set: it is the address of the source" in capsys.readouterr().err


def test_what_is_no_day_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        place.run("ingest", "--source", "drop", "--day", "30.6.2026")
    assert "'30.6.2026' is not a day; write it as 2026-11-30" in capsys.readouterr().err


def test_a_bank_is_written_as_one_file_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--rows", "30", "--months", "3"]
    options = ["--source", "bank", "--day", "2026-06-30", "--output", str(tmp_path), *size]
    assert main(["generate", *options], {}) == 0
    summary = read_summary(capsys)
    assert (summary["first_day"], summary["rows"]["customers"]) == ("2026-04-01", 30)
    assert {path.stem for path in tmp_path.iterdir()} == set(TABLES)


def test_days_are_listed_from_the_first_to_the_last() -> None:
    first = date(2026, 2, 28)
    assert list_days(first, date(2026, 3, 1)) == [first, date(2026, 3, 1)]
    assert list_days(None, first) == [first]
    with pytest.raises(DeclarationError):
        list_days(date(2026, 3, 1), first)
