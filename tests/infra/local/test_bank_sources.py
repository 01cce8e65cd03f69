"""The three sources on this machine: a real PostgreSQL, a folder of files, a real interface."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest

from tests.support.running import REPOSITORY
from training.cli import main
from training.pipeline.tables import TABLES
from training.synthetic.bank import Bank, generate_bank

LAST_DAY = date(2026, 6, 30)
SOURCES = ("core_banking", "crm", "macro")


@dataclass(frozen=True)
class Started:
    """The running sources, the bank that they have, and the variables that name them."""

    bank: Bank
    variables: dict[str, str]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("sources")
    bank = generate_bank(LAST_DAY, seed=5, customers=60, months=2)
    (folder / "bank").mkdir()
    for name, rows in bank.tables.items():
        rows.to_parquet(folder / "bank" / f"{name}.parquet", index=False)
    script = REPOSITORY / "infra" / "local" / "bank_sources.py"
    spec = importlib.util.spec_from_file_location("bank_sources", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.serve(folder / "bank", folder / "sources", str(LAST_DAY)) as variables:
        variables |= {
            "LAKE_URI": (folder / "lake").as_uri(),
            "WAREHOUSE_URL": f"duckdb:///{folder / 'w.duckdb'}",
        }
        yield Started(bank, variables)


@pytest.mark.parametrize("source", SOURCES)
def test_the_shipped_declaration_reads_every_row_of_a_source(
    started: Started, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ["--since", str(started.bank.first_day), "--day", str(LAST_DAY)]
    assert main(["ingest", "--source", source, *days], started.variables) == 0
    summary = json.loads(capsys.readouterr().out)
    expected = sum(len(started.bank.tables[name]) for name in summary["tables"])
    assert (summary["rows"], summary["refused"]) == (expected, 0)


def test_the_sources_have_every_table() -> None:
    tables = {
        "core_banking": {"accounts", "payments", "inquiries", "bureau_scores", "defaults"},
        "crm": {"customers"},
        "macro": {"macro_indicators"},
    }
    assert set().union(*tables.values()) == set(TABLES)


def test_the_interface_pages_and_knows_no_other_address(started: Started) -> None:
    url = started.variables["SOURCE_URL_MACRO"]
    answer = httpx.get(f"{url}/v1/indicators?released_on={started.bank.first_day}", trust_env=False)
    assert answer.json()["meta"] == {"next": None}
    assert answer.json()["data"][0].keys() == {"indicator", "period", "value", "released_on"}
    assert httpx.get(f"{url}/v1/else", trust_env=False).status_code == httpx.codes.NOT_FOUND


def test_the_folder_says_how_many_rows_each_file_has(started: Started) -> None:
    folder = Path(started.variables["SOURCE_URL_CRM"].removeprefix("file://"))
    first = started.bank.first_day
    assert (folder / f"customers_{first:%Y%m%d}.rows").read_text() == "60\n"
    assert (folder / f"customers_{LAST_DAY:%Y%m%d}.rows").read_text() == "0\n"
