import pytest

from models.catalogue.application import Application
from models.contract import characteristics
from models.errors import DataError
from models.reading.columns import explain_missing, find_close, find_columns, refuse_repeated

INCOME = next(c for c in characteristics(Application) if c.name == "income")


def test_a_chosen_column_comes_before_the_name_of_the_field() -> None:
    assert find_columns(INCOME, ["income", "salary"], {}) == ["income"]
    assert find_columns(INCOME, ["income", "salary"], {"income": "salary"}) == ["salary"]
    assert find_columns(INCOME, ["salary"], {}) == []


def test_a_column_that_is_there_twice_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="the file has these columns twice: age; rename"):
        refuse_repeated(["age", "income", "age"])


def test_a_missing_column_is_explained_with_what_may_be_meant() -> None:
    assert find_close("income", ["Incomes", "age"]) == "Incomes"
    assert "declare --column income=Incomes" in explain_missing(
        "income", ["Incomes"], is_optional=False
    )
