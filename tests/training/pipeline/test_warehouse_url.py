"""The warehouse that a URL names."""

from pathlib import Path

import pytest

from models.errors import DeclarationError, LibraryMissingError
from training.pipeline.warehouse_url import open_warehouse


def test_a_duckdb_url_names_a_file(tmp_path: Path) -> None:
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        assert warehouse.connection.dialect == "duckdb"
    assert (tmp_path / "w.duckdb").exists()


@pytest.mark.parametrize(
    "url",
    [
        *("", "duckdb:///", "duckdb://[", "postgresql://host/db", "snowflake://user:secret@a/b/c"),
        *("bigquery://project", "bigquery:///dataset", "snowflake://account/database"),
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(DeclarationError, match="WAREHOUSE_URL must") as caught:
        open_warehouse(url).__enter__()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["bigquery://bank/risk", "snowflake://account/bank/risk?user=u"])
def test_a_database_whose_client_is_not_installed_is_named_with_what_installs_it(url: str) -> None:
    name = url.partition(":")[0]
    with pytest.raises(LibraryMissingError, match=f"pip install --no-deps -r training/{name}.txt"):
        open_warehouse(url).__enter__()
