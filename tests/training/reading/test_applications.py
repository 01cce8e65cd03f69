import numpy as np

from tests.support.toy import Toy, toy
from training.reading.applications import (
    applications_from_fields,
    fields_from_applications,
    list_fields,
)


def test_applications_become_columns_and_back() -> None:
    rows = [toy(), toy(age=30, home="rent", months_since_default=-7)]
    columns = fields_from_applications(Toy, rows)
    assert list(columns) == [c.name for c in list_fields(Toy)] == list(Toy.model_fields)
    np.testing.assert_array_equal(columns["home"], [0, 1])
    np.testing.assert_array_equal(columns["months_since_default"], [np.nan, -7])
    assert applications_from_fields(Toy, columns) == rows
