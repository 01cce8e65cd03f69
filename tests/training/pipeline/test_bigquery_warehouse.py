"""A warehouse in BigQuery, as bqemulator emulates it in an environment of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bigquery_emulator import running_emulator
from tests.support.foreign_features import (
    CUSTOMERS,
    DAYS,
    Features,
    compute_elsewhere,
    compute_on_duckdb,
    write_bank,
)
from tests.support.foreign_warehouse import ALL_TABLES

pytestmark = pytest.mark.environments


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running emulator's address."""
    with running_emulator(tmp_path_factory.mktemp("home")) as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bank")
    write_bank(made)
    return made


@pytest.fixture(scope="module")
def bigquery(folder: Path, emulator: str) -> Features:
    return compute_elsewhere("bigquery", folder, [emulator])


def test_features_are_those_of_duckdb(folder: Path, bigquery: Features) -> None:
    expected = compute_on_duckdb(folder)
    assert expected.features.num_rows == CUSTOMERS * len(DAYS)
    assert bigquery.features.equals(expected.features)
    assert bigquery.outcomes.equals(expected.outcomes)


def test_tables_are_created_as_the_contracts_say_and_days_are_replaced(bigquery: Features) -> None:
    assert bigquery.answers["created"] == list(ALL_TABLES)
    assert bigquery.answers["faults"] == []
    assert bigquery.answers["verdicts"]["payments.repeated_keys."] == [0, "passed"]
