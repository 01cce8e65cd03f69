from collections.abc import Iterator

import pandas as pd
import pytest
from sqlalchemy import create_engine

from models.errors import DataError
from tests.support.postgres import running_postgres
from tests.support.toy import Toy
from training.reading.database import Query, read_query
from training.reading.row_validation import check_rows

SQL = "select age, income, debt, home, months_since_default, is_default from loans order by row"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    toy_frame: pd.DataFrame,
) -> Iterator[str]:
    """The URL of a real database with toy rows; debts are NUMERIC where there is such a type."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        _fill(url := f"sqlite:///{folder / 'loans.db'}", toy_frame)
        yield url
    else:
        with running_postgres(folder) as url:
            _fill(url, toy_frame)
            yield url


def _fill(url: str, frame: pd.DataFrame) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        frame.head(300).to_sql("loans", connection, index_label="row")
        if "postgresql" in url:
            connection.exec_driver_sql("alter table loans alter column debt type numeric(18, 2)")
    engine.dispose()


def test_a_query_gives_the_rows_of_a_file(url: str, toy_frame: pd.DataFrame) -> None:
    frame = read_query(Query(SQL, url))
    assert frame.index[0] == 1
    queried = check_rows(Toy, frame, max_refused_share=0)
    assert queried.fingerprint() == check_rows(Toy, toy_frame.head(300), 0).fingerprint()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select none from loans", "--query: .*none"),
        ("select age, income as age from loans", "these columns twice: age; name one by AS"),
    ],
)
def test_a_query_that_cannot_be_used_is_explained(url: str, sql: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_query(Query(sql, url))


def test_neither_errors_nor_values_show_the_password() -> None:
    query = Query("select 1", "postgresql+psycopg://clerk:s3cret@127.0.0.1:1/loans")
    assert "s3cret" not in repr(query)
    with pytest.raises(DataError) as error:
        read_query(query)
    assert "s3cret" not in str(error.value)
    with pytest.raises(DataError, match="DATA_URL is not the URL of a database"):
        read_query(Query("select 1", "s3cret"))
