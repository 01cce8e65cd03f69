"""The queries of features, and their compiled texts."""

from typing import get_args

import pytest
import sqlglot
from sqlglot import exp

from training.pipeline import feature_queries
from training.pipeline.dialects import Dialect
from training.pipeline.feature_queries import (
    compile_query,
    list_queries,
    read_query,
    write_compiled,
)
from training.pipeline.feature_table import FEATURE_DAYS, INPUTS

OTHERS = [dialect for dialect in get_args(Dialect) if dialect != "duckdb"]


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("name", list_queries())
def test_the_compiled_text_is_that_of_the_query(name: str, dialect: Dialect) -> None:
    assert read_query(name, dialect) == compile_query(name, dialect), (
        "run python -m training warehouse compile"
    )


def test_the_features_read_the_tables_that_are_checked_for_them_and_no_others() -> None:
    tree = sqlglot.parse_one(read_query("customer_features", "duckdb"), read="duckdb")
    defined = {common.alias for common in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - defined
    assert tables == {*INPUTS, FEATURE_DAYS}


def test_compiled_texts_are_written_beside_the_queries(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("features")
    (folder / "one.sql").write_text("SELECT CAST(a AS DOUBLE) AS a FROM b\n")
    monkeypatch.setattr(feature_queries, "FOLDER", folder)
    read_query.cache_clear()
    files = write_compiled()
    read_query.cache_clear()
    assert [file.relative_to(folder).as_posix() for file in files] == [
        "bigquery/one.sql",
        "snowflake/one.sql",
    ]
    assert files[0].read_text().startswith("-- Compiled from ../one.sql")
    assert "FLOAT64" in files[0].read_text()
