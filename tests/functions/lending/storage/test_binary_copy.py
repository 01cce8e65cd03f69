from collections.abc import Iterator
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import Connection, create_engine, text

from functions.lending.storage.binary_copy import (
    FixedColumn,
    integers,
    read_rows,
    write_rows,
)

COLUMNS = (FixedColumn("id", "identifier"), FixedColumn("branch", "small"), *integers("amount"))
ONE, TWO = UUID(int=1), UUID(int=2**127 + 5)


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[Connection]:
    engine = create_engine(postgres)
    with engine.connect() as connection:
        connection.execute(
            text("CREATE TEMPORARY TABLE fixed (id uuid, branch smallint, amount bigint)")
        )
        yield connection
    engine.dispose()


def test_rows_survive_the_way_there_and_back(connection: Connection) -> None:
    arrays = {
        "id": np.array([ONE.bytes, TWO.bytes], dtype="V16"),
        "branch": np.array([1, -7]),
        "amount": np.array([2**62, -1]),
    }
    write_rows(connection, "fixed", COLUMNS, arrays)
    query = "SELECT id, branch, amount FROM fixed WHERE amount > %(least)s ORDER BY amount DESC"
    rows = read_rows(connection, query, {"least": -2}, COLUMNS)
    assert rows["amount"].tolist() == [2**62, -1]
    assert rows["branch"].tolist() == [1, -7]
    assert [UUID(bytes=bytes(value)) for value in rows["id"]] == [ONE, TWO]
    stored = connection.execute(text("SELECT id FROM fixed ORDER BY amount DESC")).scalars()
    assert list(stored) == [ONE, TWO]


def test_a_query_without_rows_is_an_empty_array(connection: Connection) -> None:
    query = "SELECT id, branch, amount FROM fixed WHERE amount = %(none)s"
    assert len(read_rows(connection, query, {"none": 3}, COLUMNS)) == 0


@pytest.mark.parametrize(
    "query", ["SELECT NULL::bigint", "SELECT 1::smallint", "SELECT 1::integer, 2::integer"]
)
def test_values_that_are_not_what_the_columns_say_are_refused(
    query: str, connection: Connection
) -> None:
    with pytest.raises(ValueError, match=r"a value is NULL|is not what the columns say"):
        read_rows(connection, query, {}, integers("amount"))
