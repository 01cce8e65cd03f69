"""A warehouse in BigQuery, as bqemulator emulates it in an environment of its own."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.foreign_features import (
    CUSTOMERS,
    DAYS,
    Features,
    compute_elsewhere,
    compute_on_duckdb,
    find_python,
    write_bank,
)
from tests.support.foreign_warehouse import ALL_TABLES
from tests.support.running import free_port

pytestmark = pytest.mark.environments

START_SECONDS = 120
SPATIAL = "import duckdb_extensions as d; d.import_extension('spatial')"  # the emulator needs it


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running emulator's address."""
    home = tmp_path_factory.mktemp("home")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    python = find_python("bigquery")
    subprocess.run([str(python), "-c", SPATIAL], env=environment, check=True)
    port = free_port()
    command = [str(python.with_name("bqemulator")), "start", "--rest-port", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--grpc-port", "0"], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/bigquery/v2/projects/bank/datasets", trust_env=False)
            return
        time.sleep(0.2)
    pytest.fail("the emulator does not answer")


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
